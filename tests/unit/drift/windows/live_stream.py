"""A lender's days in simulated time: records that arrive on partitions, counters that tell, an assembler that hears.

Everything between is the agent's own: `PartitionPanes`, `PartialCounts`, `WindowAssembler`. Kafka is three lists.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from drift.binning.binned_records import Observations, Shape
from drift.windows.pane_placement import PaneRules
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.partial_counts import PartialCounts, PartitionState
from drift.windows.window import Window
from drift.windows.window_assembler import WindowAssembler, WindowRules
from schemas.events.drift import DriftCounts
from tests.unit.drift.stream import SOURCE, a_reference

SHAPE: Final = Shape(1)
MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """A record, and when it comes; milliseconds since 1970."""

    at: int
    time: int
    partition: int


@dataclass
class Partition:
    """One partition's log, and who counts it."""

    number: int
    of: int
    rules: PaneRules
    log: list[Arrival] = field(default_factory=list)
    committed: PanePosition = field(default_factory=PanePosition)

    def __post_init__(self) -> None:
        self.partial = PartialCounts(
            product="p", place=(SOURCE, self.number), partitions=lambda _: self.of, reference=a_reference()
        )
        self.begin(0)

    def begin(self, now: int) -> None:
        """Count from what was committed, as after a crash."""
        panes = PartitionPanes(self.rules, SHAPE, self.committed)
        self.state = PartitionState(panes, self.committed.horizon, now / 1_000, ended=True)
        self.read_to = self.committed.next_offset

    def read(self, now: int) -> None:
        log = self.log[self.read_to :]
        if not log:
            return
        offsets = np.arange(self.read_to, len(self.log))
        seen = Observations(
            offsets=offsets,
            times=np.array([each.time for each in log]),
            produced=np.array([each.at for each in log]),
            ids=[f"{self.number}-{offset}" for offset in offsets.tolist()],
            cells=np.zeros((len(log), 1), dtype=np.int64),
            sums=np.zeros((len(log), 0), dtype=np.int64),
            readable=np.ones(len(log), dtype=np.bool_),
        )
        self.state.panes.observe(seen)
        self.state.seen_at, self.state.awake, self.read_to = now / 1_000, True, len(self.log)


class Agent:
    """What an agent does in one turn after the other."""

    def __init__(self, rules: WindowRules, partitions: int, *, ahead_ms: int = MINUTE, silence_s: float = 0.0) -> None:
        self.rules = rules
        self.silence_s = silence_s or (rules.pane_ms + rules.lateness_ms) / 1_000
        panes = PaneRules(pane_ms=rules.pane_ms, lateness_ms=rules.lateness_ms, ahead_ms=ahead_ms)
        self.partitions = [Partition(number, partitions, panes) for number in range(partitions)]
        self.windows: list[Window] = []
        self.told: list[DriftCounts] = []
        self.assembler = WindowAssembler(rules)

    def turn(self, now: int) -> None:
        """Read, tell, hear, and look at the clock."""
        for each in self.partitions:
            each.read(now)
        for each in self.partitions:
            self._hear(each.partial.wake(each.state), now)
        for each in self.partitions:
            self._hear(list(each.partial.flush(each.state, now / 1_000, self.silence_s)), now)
            each.committed = each.state.panes.position()
        self.windows += self.assembler.silent(now)

    def crash(self, now: int) -> None:
        """Lose all but the logs, what was committed, and the state saved."""
        for each in self.partitions:
            each.begin(now)
        saved, resume_at = json.loads(json.dumps(self.assembler.to_dict())), self.assembler.resume_at
        self.assembler = WindowAssembler.from_dict(self.rules, saved)
        for offset, counts in enumerate(self.told):
            if resume_at is not None and offset >= resume_at:
                self.assembler.add_again(counts, offset)

    def _hear(self, messages: Iterator[DriftCounts] | Sequence[DriftCounts], now: int) -> None:
        for counts in messages:
            self.assembler.hear(counts, now)
            self.assembler.add(counts, len(self.told))
            self.told.append(counts)
            self.windows += self.assembler.pop_windows()


def run_agent(
    agent: Agent, stream: Sequence[Arrival], tick_ms: int, *, until: int, crashes: Sequence[int] = ()
) -> None:
    """Let a stream arrive and a clock go on until that time; the agent crashes at some turns."""
    arriving = sorted(stream)
    turns = sorted({arrival.at // tick_ms + 1 for arrival in arriving})
    clock = _ticks(turns, until // tick_ms + 1)
    next_one = 0
    for nth, tick in enumerate(clock):
        now = tick * tick_ms
        while next_one < len(arriving) and arriving[next_one].at < now:
            agent.partitions[arriving[next_one].partition].log.append(arriving[next_one])
            next_one += 1
        agent.turn(now)
        if nth in crashes:
            agent.crash(now)


def _ticks(turns: Sequence[int], end: int) -> Iterator[int]:
    """Turns with news, some after each of them, and one now and then while nothing comes."""
    for tick, following in pairwise([*turns, end]):
        yield tick
        for step in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024):
            if tick + step < following:
                yield tick + step
    yield end
