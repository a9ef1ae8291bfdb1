"""Breaks one thing after the other under load, and holds the invariant after each."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.chaos.arena import SETTLED_S, Arena
from tests.chaos.faults.fault import Fault
from tests.chaos.invariant import full_rate_s, violations
from tests.chaos.lane import Lane
from tests.system.wait import wait_for

BEFORE_S: Final = 1.5
"""Of quiet load before a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one fault under one seed and delivery mode."""

    fault: str
    seed: int
    delivery: str
    applications: int
    """Records played during it, unreadable ones among them."""
    champions: int
    """Versions among the decisions of it."""
    repeated: int
    """Decisions and dead letters that appear again with the same bytes: allowed at least once, and after a set-back."""
    longest_wait_s: float
    """From an application to its decision; the fault's own length is part of it."""
    recovery_s: float
    """From the fault's end until all that was sent before it is answered, under load."""
    violations: dict[str, int]
    full_rate_s: float | None = None
    """From a kill until no application waits over a second; None where it was not measured."""
    error: str = ""
    """What kept the checker from its end; empty for none."""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class Checker:
    """Runs faults in one arena, one after the other; what earlier ones left is not counted again."""

    def __init__(self, arena: Arena, seed: int, tell: Callable[[str], object]) -> None:
        self._arena, self._seed, self._tell = arena, seed, tell
        self._told = [Counter[str]() for _ in arena.lanes]

    def outcomes(self, faults: Sequence[Fault]) -> Iterator[list[Outcome]]:
        """Of each fault, in each delivery mode; stops at the first that the arena does not come back from."""
        for fault in faults:
            found = self._outcomes_of(fault)
            for one in found:
                self._tell(_line(one))
            yield found
            if any(one.error for one in found):
                return

    def _outcomes_of(self, fault: Fault) -> list[Outcome]:
        arena, chance = self._arena, random.Random(f"{self._seed} {fault.name}")
        arena.killed_at = 0.0
        marks = [(len(lane.load.sent), len(lane.decisions.items)) for lane in arena.lanes]
        try:
            recovery_s = self._recovery_s(fault, chance)
            arena.settle()
            found = [self._findings(lane, fault, mark[1]) for lane, mark in zip(arena.lanes, marks, strict=True)]
        except Exception as cause:  # noqa: BLE001 - whatever it is, the other seeds go on and the table tells of it
            for each in (*arena.workers, *arena.agents.values()):
                self._tell(f"--- {each.name}, lives {each.ends()}\n{each.process.tail()}")
            return [
                self._outcome(fault, lane, mark, 0.0, Counter(), f"{type(cause).__name__}: {str(cause)[:2000]}")
                for lane, mark in zip(arena.lanes, marks, strict=True)
            ]
        return [
            self._outcome(fault, lane, mark, recovery_s, of_lane, "")
            for lane, mark, of_lane in zip(arena.lanes, marks, found, strict=True)
        ]

    def _recovery_s(self, fault: Fault, chance: random.Random) -> float:
        """Seconds of recovery."""
        arena = self._arena
        with ExitStack() as stack:
            for lane in arena.lanes:
                stack.enter_context(lane.load.run())
            time.sleep(BEFORE_S)
            fault.act(arena, chance)
            mended = time.monotonic()
            sent = [len(lane.load.sent) for lane in arena.lanes]
            wait_for(lambda: arena.answered(sent), SETTLED_S, f"an answer to each application after {fault.name}")
            return time.monotonic() - mended

    def _findings(self, lane: Lane, fault: Fault, since: int) -> Counter[str]:
        whole = lane.findings()
        if lane is self._arena.lanes[0]:
            whole += self._arena.ledger_findings() + self._arena.window_findings() + self._arena.leaks()
            whole += self._arena.found
        place = self._arena.lanes.index(lane)
        fresh = whole - self._told[place]
        if fresh and violations(fresh, at_least_once=lane.at_least_once):
            self._tell("\n".join((*self._arena.leaking_lines, lane.evidence())))
            # The folder goes with the run; what the processes said of it is kept.
            kept = Path("build/chaos-logs") / f"seed-{self._seed}-{lane.delivery}"
            shutil.copytree(lane.processes.folder, kept, dirs_exist_ok=True)
            shutil.copytree(self._arena.folder / "cluster" / "log-0", kept / "broker", dirs_exist_ok=True)
        self._told[place] = whole
        fresh += +Counter(decisions_altered=lane.altered_count())
        return fresh + (lane.champions_out_of_order(since) if fault.keeps_partitions else Counter())

    def _outcome(
        self, fault: Fault, lane: Lane, mark: tuple[int, int], recovery_s: float, found: Counter[str], error: str
    ) -> Outcome:
        fresh = lane.decisions.items[mark[1] :]
        sent = {(one.partition, one.offset): one.at for one in lane.load.sent[mark[0] :]}
        again = {each.seen.source for each in fresh if each.seen.source in lane.again}
        waits = [
            (at := each.recorded.record.timestamp / 1_000, at - sent[each.seen.source])
            for each in fresh
            if each.recorded.record and each.seen.source in sent and each.seen.source not in again
        ]
        return Outcome(
            fault=fault.name,
            seed=self._seed,
            delivery=lane.delivery,
            applications=len(sent),
            champions=len({each.seen.version for each in fresh}),
            repeated=found["decisions_repeated"] + found["letters_repeated"] + len(again),
            longest_wait_s=round(max((wait for _, wait in waits), default=0.0), 1),
            recovery_s=round(recovery_s, 1),
            violations=violations(found, at_least_once=lane.at_least_once),
            full_rate_s=round(full_rate_s(killed_at, waits), 1) if (killed_at := self._arena.killed_at) else None,
            error=error,
        )


def _line(one: Outcome) -> str:
    verdict = one.error.splitlines()[0] if one.error else (str(one.violations) if one.violations else "ok")
    return (
        f"seed {one.seed}  {one.delivery:14} {one.fault:55} {one.applications:6} applications"
        f"  {one.repeated:4} again  wait {one.longest_wait_s:5.1f} s  back {one.recovery_s:5.1f} s  {verdict}"
    )
