"""Messages about one partition: closed panes, that it is active again, that it is idle and its counts then. Pure.

`drift.agent.partition_counter` reads the partition; `drift.agent.window_owner` reads these messages.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from drift.binning.reference import Reference
from drift.windows.panes import PartitionPanes
from schemas.events.drift import DriftCounts, PaneCounts
from schemas.records import Partition

PANES_A_MESSAGE: Final = 200
INTEGERS_A_MESSAGE: Final = 50_000
"""One or two bytes each, five at worst: a message stays far under a broker's megabyte, however many bins there are."""


@dataclass(slots=True)
class PartitionState:
    panes: PartitionPanes
    published_horizon: int
    """The horizon that was sent last."""
    seen_at: float
    """When a record arrived, by the wall clock."""
    read: bool = False
    """True if something was read since the assignment."""
    awake: bool = False
    """Records have arrived since idleness was sent, or since the assignment."""
    ended: bool = False
    """Read to its end since the last record."""
    idle: bool | None = None
    """As it was sent; None before anything was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCounts:
    """Speaks for one partition, of one champion's counts."""

    product: str
    place: Partition
    partitions: Callable[[str], int]
    """Number of a topic's partitions; called when there is something to send."""
    reference: Reference

    def wake(self, counted: PartitionState) -> Iterator[DriftCounts]:
        """Says that a partition is to be waited for again, before any other closes a window without it."""
        if counted.awake and counted.idle is not False:
            counted.idle = False
            yield self._message(counted.published_horizon, (), idle=False)

    def flush(self, counted: PartitionState, now: float, silence_s: float) -> Iterator[DriftCounts]:
        """Panes that have closed, and silence once it has lasted, with what the open ones hold; nothing without news.

        Args:
            now: by the clock of `counted.seen_at`.
            silence_s: after so long a partition read to its end is not waited for.
        """
        silent = counted.ended and now - counted.seen_at >= silence_s
        if silent and counted.idle:
            return
        panes, horizon = counted.panes.pop_panes(), counted.panes.horizon
        if silent:
            panes = (*panes, *counted.panes.flush())
            counted.awake = False
        if not silent and horizon == counted.published_horizon and not panes:
            return
        counted.idle, counted.published_horizon = silent, horizon
        most = _most(panes)
        for first in range(0, max(1, len(panes)), most):
            rest = panes[first + most :]
            reached = min(rest[0].start, horizon) if rest else horizon
            yield self._message(reached, panes[first : first + most], idle=silent and not rest)

    def _message(self, horizon: int, panes: Sequence[PaneCounts], *, idle: bool) -> DriftCounts:
        reference = self.reference
        return DriftCounts(
            product=self.product,
            source=self.place[0],
            partition=self.place[1],
            partitions=self.partitions(self.place[0]),
            generation=reference.generation,
            champion_version=reference.champion_version,
            champion_digest=reference.champion_digest,
            reference_id=reference.reference_id,
            horizon=horizon,
            idle=idle,
            panes=panes,
        )


def _most(panes: Sequence[PaneCounts]) -> int:
    """Panes a message."""
    integers = max((len(pane.counts) + len(pane.sums) for pane in panes), default=1)
    return max(1, min(PANES_A_MESSAGE, INTEGERS_A_MESSAGE // integers))
