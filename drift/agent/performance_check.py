"""Checks the performance of the champion's loans: folds what is new into the sample that the last check kept.

A shell. A check takes as long as reading takes, so it has a separate thread, and the agent continues to count.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from drift.agent.loan_reader import decisions_and_outcomes, fold_loans, read_loans
from drift.binning.reference import Reference
from drift.performance.kept_sample import KeptSample
from drift.performance.loan_sample import LoanSample
from drift.performance.performance_report import ReportSubject, performance_report, sample_report
from drift.settings import DriftSettings
from schemas.errors import OutageError
from schemas.events.performance import PERFORMANCE_METHOD, PerformanceReport, PerformanceRules, ReadRange
from schemas.timestamps import millis_of
from streams.kafka.topics.topic_reader import PartitionRange
from streams.runtime.settings import Connection

NEVER: Final = float("inf")
SHARE: Final = 0.2
AGAIN_S: Final = 60.0
"""Seconds after which a failed check is repeated."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Whose loans, and what is known of them."""

    version: str
    digest: str
    seen: Sequence[int] = ()
    """Where the outcome partitions ended at the last check; empty before the first."""
    kept: str = ""
    """The sample of the last check; empty: everything is read."""
    auc_offset: float | None = None
    """Of the champion's profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found, and what the next one begins with."""

    reports: tuple[PerformanceReport, ...]
    """The champion's first, then those of former champions."""
    kept: str


def check_performance(
    settings: DriftSettings, request: CheckRequest, between: Callable[[], object] = lambda: None
) -> CheckResult | None:
    """A champion's performance as known now, and its predecessors'; None if no outcome has arrived since the last one.

    Args:
        request: whose, and what was read before.
        between: called after every some thousand records.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: a topic does not exist.
    """
    extents, outcomes = decisions_and_outcomes(settings), settings.topics().outcomes.name
    if [extent.end for extent in extents if extent.topic == outcomes] == list(request.seen):
        return None
    rules, as_of = settings.performance_rules(request.auc_offset), millis_of(datetime.now(UTC))
    kept, news = to_fold(_sample_of(request.kept, rules), request.version, extents, rules)
    kept.sample.watch(request.version)
    fold_loans(settings, news, kept.sample, between)
    kept.sample.expire(rules, as_of)
    for former in kept.sample.champions[: -1 - settings.performance_former]:
        kept.sample.forget(former)
    digests = {**kept.digests, request.version: request.digest}
    product = settings.contract().product
    subjects = [
        ReportSubject(product=product, champion_version=version, champion_digest=digests[version], as_of=as_of)
        for version in reversed(kept.sample.champions)
    ]
    # A former champion commands nothing, and the floor is the champion's.
    own = replace(rules, auc_offset=None)
    return CheckResult(
        reports=tuple(
            sample_report(kept.sample, subject, own if nth else rules, kept.read)
            for nth, subject in enumerate(subjects)
        ),
        kept=replace(kept, digests={each.champion_version: each.champion_digest for each in subjects}).to_text(),
    )


def to_fold(
    kept: KeptSample | None, version: str, extents: Sequence[PartitionRange], rules: PerformanceRules
) -> tuple[KeptSample, list[PartitionRange]]:
    """The sample to go on with, which says how far it will reach, and what it has not read.

    It begins anew where it is not there, where records between it and now are gone, or where this champion decided
    while its loans were not kept; those of the champions watched before are read again with it.
    """
    reached = {(each.topic, each.partition): each for each in kept.read} if kept else {}
    if kept is None or not _goes_on(kept, version, extents, rules):
        kept, reached = _begin_anew(kept, rules), {}
    read, news = [], []
    for extent in extents:
        before = reached.get((extent.topic, extent.partition))
        first, begin = (before.first, before.end) if before else (extent.first, extent.first)
        read.append(ReadRange(topic=extent.topic, partition=extent.partition, first=first, end=extent.end))
        news.append(replace(extent, first=begin))
    return replace(kept, read=tuple(read)), news


def _begin_anew(kept: KeptSample | None, rules: PerformanceRules) -> KeptSample:
    sample = LoanSample(rules.most, rules.age_ms)
    for champion in kept.sample.champions if kept else ():
        sample.watch(champion)
    return KeptSample(sample=sample, read=(), digests=kept.digests if kept else {})


def _goes_on(kept: KeptSample, version: str, extents: Sequence[PartitionRange], rules: PerformanceRules) -> bool:
    now = {(each.topic, each.partition): each for each in extents}
    continuous = all(
        (place := (each.topic, each.partition)) in now and now[place].first <= each.end <= now[place].end
        for each in kept.read
    )
    unwatched = version in kept.sample.versions and version not in kept.sample.champions
    same = (kept.sample.most, kept.sample.age_ms) == (rules.most, rules.age_ms)
    return continuous and not unwatched and same


def _sample_of(text: str, rules: PerformanceRules) -> KeptSample | None:
    """None, too, where another version has saved it."""
    try:
        return KeptSample.from_text(text, rules.age_ms) if text else None
    except (ValueError, KeyError, TypeError) as fault:
        log.warning("performance_sample.lost", error=type(fault).__name__)
        return None


def again(settings: DriftSettings, report: PerformanceReport) -> PerformanceReport:
    """The report that the offsets which it names give now, its command taken over: that depends on earlier ones.

    Raises:
        OutageError: broker or registry is away.
    """
    wanted = [PartitionRange(each.topic, each.partition, each.first, each.end) for each in report.offsets]
    found = _report_of(settings, ReportSubject.of(report), report.rules, wanted)
    return replace(found, command_id=report.command_id, withheld=report.withheld)


def _report_of(
    connection: Connection, subject: ReportSubject, rules: PerformanceRules, wanted: Sequence[PartitionRange]
) -> PerformanceReport:
    """The report of some stretches of the topics of decisions and outcomes, by the method of its rules."""
    read = [ReadRange(topic=each.topic, partition=each.partition, first=each.first, end=each.end) for each in wanted]
    if rules.method < PERFORMANCE_METHOD:
        return performance_report(read_loans(connection, wanted, subject.joins(rules)), subject, rules, read)
    sample = LoanSample(rules.most, rules.age_ms)
    sample.watch(subject.champion_version)
    fold_loans(connection, wanted, sample)
    return sample_report(sample, subject, rules, read)


def look_aside(settings: DriftSettings, request: CheckRequest) -> CheckResult | None:
    """The same from beside an agent that counts: it has the interpreter for a fifth of the time."""
    return check_performance(settings, request, Throttle(SHARE))


class Throttle:
    """Rests after each piece of work, so that work takes no more than a share of the time."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Work begins.

        Args:
            share: in (0, 1].
        """
        self._rests = 1.0 / share - 1.0
        self._clock = clock
        self._began = clock()

    def __call__(self) -> None:
        """Sleep in proportion to what was worked since the last rest."""
        time.sleep(self._rests * (self._clock() - self._began))
        self._began = self._clock()


Look = Callable[[CheckRequest], CheckResult | None]


class PerformanceChecker:
    """One check at a time, at intervals; the first of a champion at once.

    One for the lifetime of the process: a check cannot be interrupted, and several would disturb each other.
    """

    def __init__(
        self,
        check_performance: Look,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Looks at nothing yet.

        Args:
            check_performance: reads and returns a result, or raises; called in a thread.
            every_s: by that clock, from the end of one to the beginning of the next; 0 for never.
        """
        self._look = check_performance
        self._every_s = every_s
        self._clock = clock
        self._due_at = NEVER
        self._of = ""
        """Digest of the champion checked last."""
        self._running: _Run | None = None
        self._wanted = False
        """Whether what the look under way finds is still of use."""

    def begin_anew(self) -> None:
        """Check at once, and discard the result of a running check: another owner may have reported it."""
        self._of, self._wanted = "", False

    def step(self, reference: Reference, seen: Sequence[int], kept: str = "") -> CheckResult | None:
        """Begin a check if one is due; returns the result of one that has ended since the last call.

        Args:
            reference: of the champion to check now; a running check ends with its own.
            seen: as in `CheckRequest`.
            kept: likewise.

        A check without a dependency is logged and repeated: counting continues without it.

        Raises:
            SetupError: a person must act.
        """
        if self._running is not None:
            return self._result(self._running)
        if self._every_s and (reference.champion_digest != self._of or self._clock() >= self._due_at):
            self._of, self._wanted = reference.champion_digest, True
            request = CheckRequest(
                version=reference.champion_version,
                digest=reference.champion_digest,
                seen=seen,
                kept=kept,
                auc_offset=reference.profile.auc_offset,
            )
            self._running = _Run(lambda: self._look(request))
        return None

    def _result(self, run: "_Run") -> CheckResult | None:
        if run.is_alive():
            return None
        self._running, self._due_at = None, self._clock() + self._every_s
        if not self._wanted:
            return None
        if isinstance(run.fault, OutageError):
            self._due_at = self._clock() + min(self._every_s, AGAIN_S)
            log.warning("performance_check.failed", error=type(run.fault).__name__)
        elif run.fault is not None:
            raise run.fault
        return run.found


class _Run(threading.Thread):
    """A look under way; a process that ends does not wait for it."""

    def __init__(self, check_performance: Callable[[], CheckResult | None]) -> None:
        super().__init__(name="looking", daemon=True)
        self.found: CheckResult | None = None
        self.fault: BaseException | None = None
        self._act = check_performance
        self.start()

    def run(self) -> None:
        try:
            self.found = self._act()
        except BaseException as fault:  # noqa: BLE001 - raised in the thread that asked
            self.fault = fault
