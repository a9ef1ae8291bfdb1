"""Checks the performance of the champion's loans: reads all its decisions and outcomes at each check.

A shell. A check takes as long as reading takes, so it has a separate thread, and the agent continues to count.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from drift.agent.loan_reader import decisions_and_outcomes, read_loans
from drift.binning.reference import Reference
from drift.performance.performance_report import ReportSubject, performance_report
from drift.settings import DriftSettings
from schemas.errors import OutageError
from schemas.events.performance import PerformanceReport, PerformanceRules, ReadRange
from schemas.timestamps import millis_of
from streams.kafka.topics.topic_reader import PartitionRange
from streams.runtime.settings import Connection

NEVER: Final = float("inf")
SHARE: Final = 0.2
AGAIN_S: Final = 60.0
"""Seconds after which a failed check is repeated."""

log = structlog.get_logger(__name__)


def check_performance(
    settings: DriftSettings,
    version: str,
    digest: str,
    seen: Sequence[int] = (),
    between: Callable[[], object] = lambda: None,
) -> PerformanceReport | None:
    """A champion's performance as known now; None if no outcome has arrived since the last check.

    Args:
        settings: dependencies and rules.
        version: the champion's.
        digest: of its bundle.
        seen: where the outcome partitions ended at that check; empty before the first.
        between: called after every some thousand records.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: a topic does not exist.
    """
    lying, outcomes = decisions_and_outcomes(settings), settings.topics().outcomes.name
    if [extent.end for extent in lying if extent.topic == outcomes] == list(seen):
        return None
    subject = ReportSubject(
        product=settings.contract().product,
        champion_version=version,
        champion_digest=digest,
        as_of=millis_of(datetime.now(UTC)),
    )
    return report_of(settings, subject, settings.performance_rules(), lying, between)


def again(settings: DriftSettings, report: PerformanceReport) -> PerformanceReport:
    """The report that the offsets which it names give now, its command taken over: that depends on earlier ones.

    Raises:
        OutageError: broker or registry is away.
    """
    wanted = [PartitionRange(each.topic, each.partition, each.first, each.end) for each in report.offsets]
    found = report_of(settings, ReportSubject.of(report), report.rules, wanted)
    return replace(found, command_id=report.command_id, withheld=report.withheld)


def report_of(
    connection: Connection,
    subject: ReportSubject,
    rules: PerformanceRules,
    wanted: Sequence[PartitionRange],
    between: Callable[[], object] = lambda: None,
) -> PerformanceReport:
    """The report of some stretches of the topics of decisions and outcomes.

    Raises:
        OutageError: broker or registry is away.
    """
    joining = read_loans(connection, wanted, subject.joins(rules), between)
    read = [ReadRange(topic=each.topic, partition=each.partition, first=each.first, end=each.end) for each in wanted]
    return performance_report(joining, subject, rules, read)


def look_aside(settings: DriftSettings, version: str, digest: str, seen: Sequence[int]) -> PerformanceReport | None:
    """The same from beside an agent that counts: it has the interpreter for a fifth of the time."""
    return check_performance(settings, version, digest, seen, Throttle(SHARE))


class Throttle:
    """Rests after each piece of work, so that work takes no more than a share of the time."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Work begins.

        Args:
            share: in (0, 1].
            clock: seconds.
        """
        self._rests = 1.0 / share - 1.0
        self._clock = clock
        self._began = clock()

    def __call__(self) -> None:
        """Sleep in proportion to what was worked since the last rest."""
        time.sleep(self._rests * (self._clock() - self._began))
        self._began = self._clock()


Look = Callable[[str, str, Sequence[int]], PerformanceReport | None]
"""At the champion of a version and digest, unless these outcomes are all there are."""


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
            look: reads and returns a report, or raises; called in a thread.
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

    def step(self, reference: Reference, seen: Sequence[int]) -> PerformanceReport | None:
        """Begin a check if one is due; returns the result of one that has ended since the last call.

        Args:
            reference: of the champion to check now; a running check ends with its own.
            seen: as for `check_performance`.

        A check without a dependency is logged and repeated: counting continues without it.

        Raises:
            SetupError: a person must act.
        """
        if self._running is not None:
            return self._result(self._running)
        if self._every_s and (reference.champion_digest != self._of or self._clock() >= self._due_at):
            self._of, self._wanted = reference.champion_digest, True
            self._running = _Run(lambda: self._look(reference.champion_version, reference.champion_digest, seen))
        return None

    def _result(self, run: "_Run") -> PerformanceReport | None:
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

    def __init__(self, check_performance: Callable[[], PerformanceReport | None]) -> None:
        super().__init__(name="looking", daemon=True)
        self.found: PerformanceReport | None = None
        self.fault: BaseException | None = None
        self._act = check_performance
        self.start()

    def run(self) -> None:
        try:
            self.found = self._act()
        except BaseException as fault:  # noqa: BLE001 - told in the thread that asked
            self.fault = fault
