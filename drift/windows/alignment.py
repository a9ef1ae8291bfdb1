"""Which partitions pause until the others catch up.

In a backlog one partition may be read to its end before another is begun: windows that cannot close
would then fill the memory of their owner. A partition that is far ahead in event time pauses instead.
Pure: `drift.agent.partition_counter` pauses and resumes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drift.binning.binned_records import NO_TIME
from schemas.records import Partition


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far one partition is."""

    watermark: int
    """Its latest event time; `NO_TIME` before any."""
    waiting: bool
    """Not read to its end: earlier records may follow."""


def partitions_to_pause(
    progress: Mapping[Partition, ReadProgress], rested: frozenset[Partition], ahead_ms: int
) -> frozenset[Partition]:
    """The partitions to pause: those more than `ahead_ms` ahead of the last one that is not read to its end.

    Args:
        progress: of every assigned partition.
        rested: those paused now; they resume when they are ahead by half as much, because each pause discards
            what was fetched.
        ahead_ms: event time.
    """
    last = _last(progress)
    if last == NO_TIME:
        return frozenset()
    limits = {place: last + (ahead_ms // 2 if place in rested else ahead_ms) for place in progress}
    return frozenset(place for place, each in progress.items() if each.watermark > limits[place])


def _last(progress: Mapping[Partition, ReadProgress]) -> int:
    """Event time of the partition that others wait for; `NO_TIME` where none is waited for."""
    waiting = [each for each in progress.values() if each.waiting]
    # A partition not read yet may contain anything: no partition runs ahead of the last known one.
    compared = progress.values() if any(each.watermark == NO_TIME for each in waiting) else waiting
    return min((each.watermark for each in compared if each.watermark != NO_TIME), default=NO_TIME)
