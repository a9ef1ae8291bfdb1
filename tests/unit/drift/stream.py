"""A stream of applicants as drift sees it, cut into partitions, batches and crashes; and the fold over it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np

from drift.binning.binned_records import Observations
from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.drift_report import ReportContext
from drift.monitor import Monitor, MonitorRules
from drift.windows.pane_placement import PaneRules
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.window_assembler import WindowRules
from schemas.applications import Matrix
from schemas.events.drift import DriftCounts, DriftReport, DriftRules
from schemas.events.retraining import RetrainCommand
from scorecard.profile import Population, Profile, profile_of
from tests.builders import CONTRACT, some_values

"""An item of a schedule: the process dies here, and another goes on from what is in Kafka."""

SOURCE: Final = "loan.applications.v1"
NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
START: Final = 1_772_366_400_000
PANES: Final = PaneRules(pane_ms=1_000, lateness_ms=2_000, ahead_ms=86_400_000)
NAMES: Final = ("person_income", "loan_amnt")


def a_profile(values: Matrix) -> Profile:
    """The profile of these applicants, as if all were approved."""
    population = Population(
        values=values,
        probability=np.linspace(0.05, 0.9, len(values)),
        contributions=np.random.default_rng(5).normal(size=(len(values), len(NAMES))),
        reasons=np.full((len(values), 4), -1),
        outcomes=np.full(len(values), 1, dtype=np.int8),
    )
    return profile_of(CONTRACT, NAMES, ("INCOME", "AMOUNT"), population)


@lru_cache(maxsize=8)
def a_reference(generation: int = 0, seed: int = 1, count: int = 2_000) -> Reference:
    version = str(generation + 1)
    return Reference.of(generation, version, f"digest-{version}", a_profile(some_values(count, seed)), CONTRACT)


def monitor_rules(**overrides: Any) -> MonitorRules:
    """Windows of 600 applications of one topic, judged from 500 on."""
    usual: dict[str, Any] = {"window_ms": 60_000, "window_count": 600, "cooldown_ms": 0, "sources": (SOURCE,)}
    given = {**usual, **overrides}
    cooldown_ms = given.pop("cooldown_ms")
    return MonitorRules(
        windows=WindowRules(pane_ms=PANES.pane_ms, lateness_ms=PANES.lateness_ms, **given),
        reporting=ReportContext(
            product="credit_risk",
            applications_topic=SOURCE,
            decisions_topic="loan.decisions.v1",
            rules=DriftRules(
                pane_ms=PANES.pane_ms,
                lateness_ms=PANES.lateness_ms,
                ahead_ms=PANES.ahead_ms,
                minimum_n=500,
                alpha=0.01,
                cooldown_ms=cooldown_ms,
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class Applicant:
    """A record on a topic, before it has a partition and an offset."""

    name: str
    time: int
    values: tuple[float, ...]
    produced: int = START + 10_000_000
    readable: bool = True


def applicants(values: Matrix, *, start: int = START, spacing_ms: int = 10) -> list[Applicant]:
    return [
        Applicant(f"a-{start}-{row}", start + row * spacing_ms, tuple(values[row].tolist()))
        for row in range(len(values))
    ]


def logs(stream: Sequence[Applicant], partitions: int, reference: Reference) -> list[Observations]:
    """The stream keyed onto partitions, as each partition's log; a name always goes to the same one."""
    kept: list[list[Applicant]] = [[] for _ in range(partitions)]
    for applicant in stream:
        kept[sum(applicant.name.encode()) % partitions].append(applicant)
    return [observations(log, reference) for log in kept]


def observations(log: Sequence[Applicant], reference: Reference, first_offset: int = 0) -> Observations:
    cells = ApplicationCells(CONTRACT, reference)
    values = np.array([applicant.values for applicant in log]).reshape(len(log), len(CONTRACT.observed))
    return Observations(
        offsets=np.arange(first_offset, first_offset + len(log)),
        times=np.array([applicant.time for applicant in log], dtype=np.int64),
        produced=np.array([applicant.produced for applicant in log], dtype=np.int64),
        ids=[applicant.name for applicant in log],
        cells=cells.cells(values),
        sums=np.zeros((len(log), 0), dtype=np.int64),
        readable=np.array([applicant.readable for applicant in log], dtype=np.bool_),
    )


def between(seen: Observations, first: int, last: int) -> Observations:
    """Offsets first to last, exclusive."""
    return seen.rows((seen.offsets >= first) & (seen.offsets < last))


class Counter:
    """What an agent does with one partition, Kafka played by two attributes: `committed` and `told`."""

    def __init__(self, partition: int, log: Observations, partitions: int, reference: Reference) -> None:
        self.log, self.partition, self.partitions, self.reference = log, partition, partitions, reference
        self.committed = PanePosition()
        self.told: list[DriftCounts] = []
        self.crash()

    def crash(self) -> None:
        shape = ApplicationCells(CONTRACT, self.reference).shape
        self.panes = PartitionPanes(PANES, shape, self.committed)
        self.read_to = self.committed.next_offset

    def read(self, most: int) -> None:
        self.panes.observe(between(self.log, self.read_to, self.read_to + most))
        self.read_to = min(self.read_to + most, len(self.log.offsets))

    def tell(self, *, idle: bool = False) -> DriftCounts:
        """One transaction: closed panes told, position committed."""
        closed = self.panes.pop_panes()
        message = DriftCounts(
            product="credit_risk",
            source=SOURCE,
            partition=self.partition,
            partitions=self.partitions,
            generation=self.reference.generation,
            champion_version=self.reference.champion_version,
            champion_digest=self.reference.champion_digest,
            reference_id=self.reference.reference_id,
            horizon=self.panes.horizon,
            idle=idle,
            panes=closed,
        )
        self.committed = self.panes.position()
        self.told.append(message)
        return message

    def silent(self) -> DriftCounts:
        """The same once nothing has come for long: what open panes hold is told, too."""
        closed = self.tell(idle=True)
        message = replace(closed, panes=(*closed.panes, *self.panes.flush()))
        self.committed = self.panes.position()
        self.told[-1] = message
        return message

    @property
    def done(self) -> bool:
        return self.read_to >= len(self.log.offsets)


def interleave(counters: Sequence[Counter], seed: int, *, crashes: bool = False) -> Iterator[DriftCounts]:
    """Partitions read in a random interleaving, batches of random size, silence at the end."""
    rng = np.random.default_rng(seed)
    while any(not counter.done for counter in counters):
        counter = counters[int(rng.integers(len(counters)))]
        counter.read(int(rng.integers(1, 200)))
        if crashes and rng.random() < 0.2:
            counter.crash()
        if rng.random() < 0.5:
            yield counter.tell()
    for counter in counters:
        yield counter.tell()
    for counter in counters:
        yield counter.silent()


def run_monitor(
    messages: Iterable[DriftCounts], rules: MonitorRules, references: Sequence[Reference], *, crash_every: int = 0
) -> tuple[list[DriftReport], list[RetrainCommand]]:
    """The fold; saved, restored and gone on with from the log every so often."""
    monitor, reports, commands = Monitor(rules), [], []
    by_id = {reference.reference_id: reference for reference in references}
    last, log = references[-1], []
    for offset, message in enumerate(messages):
        log.append(message)
        if monitor.is_former(message):
            monitor.skip(message, NOW)
            continue
        found = monitor.add_counts(message, by_id[message.reference_id], NOW, offset)
        reports += found.reports
        commands += found.commands
        if crash_every and len(log) % crash_every == 0:
            resume_at, monitor = monitor.resume_at, Monitor.from_dict(rules, monitor.to_dict())
            for earlier in range(len(log) if resume_at is None else resume_at, len(log)):
                monitor.replay(log[earlier], earlier)
    found = monitor.silent(last, NOW + timedelta(days=2))
    return reports + list(found.reports), commands + list(found.commands)


def without_coordinates(report: DriftReport) -> DriftReport:
    """All of a report but where it was read: that differs with the partitioning."""
    return replace(report, offsets=())
