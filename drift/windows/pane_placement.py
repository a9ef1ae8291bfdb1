"""The pane in which each record of a partition is reported.

| a record is     | when                                                        | reported in the pane |
| --------------- | ----------------------------------------------------------- | --- |
| counted         | its pane is open                                            | of its event time |
| a duplicate     | its id was counted in that pane                             | of its event time |
| late            | its pane ends at or before watermark - lateness             | oldest open |
| ahead           | signed longer after it was produced than `ahead_ms`         | oldest open |
| unreadable      | it is no application                                        | oldest open |

The watermark is the latest event time of the partition so far, without records that are ahead: one
applicant dated a year ahead cannot close every window. A clock that is set back makes late records.
A producer whose clock is listed (`PaneRules.producers`) may be ahead by as much as is said of it, and moves the
watermark no further than to when its record was produced.

Pure: open panes and their counts are in `drift.windows.panes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drift.binning.binned_records import NO_TIME, Flags, Integers, Observations
from schemas.events.drift import ProducerClock


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneRules:
    """How event time is cut."""

    pane_ms: int
    lateness_ms: int
    ahead_ms: int
    producers: Sequence[ProducerClock] = ()
    """Whose clocks are known."""

    def start_of(self, time: int) -> int:
        return time // self.pane_ms * self.pane_ms

    def horizon_of(self, watermark: int) -> int:
        """Panes that begin before this are closed under that watermark."""
        return NO_TIME if watermark == NO_TIME else self.start_of(watermark - self.lateness_ms)


def _clocks(seen: Observations, rules: PaneRules) -> tuple[Flags, Integers]:
    """Whether each record is of a listed producer, and the skew allowed to it."""
    if not rules.producers:
        return np.zeros(len(seen.times), dtype=np.bool_), np.full(len(seen.times), rules.ahead_ms)
    if not len(seen.producers):
        # Decisions name no producer: each may be of the one whose clock is furthest ahead.
        most = max(rules.ahead_ms, *(each.ahead_ms for each in rules.producers))
        return np.ones(len(seen.times), dtype=np.bool_), np.full(len(seen.times), most)
    # The last one is of producers that are not listed, whose place is -1.
    skews = np.array([*(each.ahead_ms for each in rules.producers), rules.ahead_ms], dtype=np.int64)
    return seen.producers >= 0, skews[seen.producers]


@dataclass(frozen=True, slots=True)
class PanePlacement:
    """The pane in which each row is reported; columns of n rows."""

    pane: Integers
    ahead: Flags
    late: Flags
    watermark: Integers
    """Before the row."""
    jumped: Flags
    """Whether silence, not a record, had moved that watermark."""
    watermark_after: int
    """After the last row."""
    jumped_after: bool


def placement(seen: Observations, rules: PaneRules, watermark: int, *, jumped: bool) -> PanePlacement:
    """The panes of a range of records.

    Args:
        seen: of one partition, offsets rising.
        watermark: before the first of them.
        jumped: whether silence had moved it there.
    """
    listed, skew = _clocks(seen, rules)
    ahead = seen.readable & (seen.times > seen.produced + skew)
    plausible = seen.readable & ~ahead
    times = np.where(plausible, seen.times, NO_TIME)
    # A clock that is known to be ahead makes nobody else's records late.
    believed = np.where(listed, np.minimum(times, seen.produced), times)
    after = np.maximum(np.maximum.accumulate(believed), watermark)
    before = np.concatenate([[watermark], after[:-1]])
    own = times // rules.pane_ms * rules.pane_ms
    horizon = np.where(before == NO_TIME, NO_TIME, (before - rules.lateness_ms) // rules.pane_ms * rules.pane_ms)
    late = plausible & (own < horizon)
    return PanePlacement(
        pane=np.where(plausible & ~late, own, horizon),
        ahead=ahead,
        late=late,
        watermark=before,
        jumped=jumped & (before == watermark),
        watermark_after=int(after[-1]),
        jumped_after=jumped and int(after[-1]) == watermark,
    )
