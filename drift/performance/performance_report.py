"""The performance report of one champion: all its decisions, with everything needed to recompute it.

Pure. It is a function of the records that it names, the rules and the time; whether it led to a command
depends on earlier requests, and is added by `drift.monitor`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from drift.performance.loan_figures import performance
from drift.performance.loan_sample import LoanSample
from drift.performance.outcome_join import JoinRules, Notes, OutcomeJoin
from drift.performance.vintages import vintages
from drift.retraining.performance_floor import is_below_floor, relative_floor
from schemas.events.performance import OutcomeNotes, Performance, PerformanceReport, PerformanceRules, ReadRange
from schemas.timestamps import millis_of, time_of

SEED: Final = 1
FAR: Final = 2**62
"""No limits of time: a report covers all that a champion has decided, and offsets define what was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSubject:
    """Whose performance, as known when. Times are milliseconds since 1970."""

    product: str
    champion_version: str
    champion_digest: str
    as_of: int

    @classmethod
    def of(cls, report: PerformanceReport) -> "ReportSubject":
        """A report's."""
        return cls(
            product=report.product,
            champion_version=report.champion_version,
            champion_digest=report.champion_digest,
            as_of=millis_of(report.as_of),
        )

    def joins(self, rules: PerformanceRules) -> JoinRules:
        """The join rules: all that the champion has decided."""
        return JoinRules(
            start=-FAR,
            end=FAR,
            age_ms=rules.age_ms,
            as_of=FAR,
            most=rules.most,
            version=self.champion_version,
        )


def performance_report(
    joining: OutcomeJoin, subject: ReportSubject, rules: PerformanceRules, read: Sequence[ReadRange]
) -> PerformanceReport:
    """The report of what was joined, as yet without a command, by the first method.

    Args:
        joining: by `ReportSubject.joins` of the same rules, of the records read.
    """
    found = performance(joining.loans(-FAR, FAR, subject.champion_version), SEED)
    return _report(found, subject, rules, read, notes=_outcome_notes(joining.notes), kept=joining.share)


def sample_report(
    sample: LoanSample, subject: ReportSubject, rules: PerformanceRules, read: Sequence[ReadRange]
) -> PerformanceReport:
    """The report of a champion that a sample watches, as yet without a command; arguments as above."""
    version, as_of = subject.champion_version, subject.as_of
    loans = sample.loans(version, rules, as_of)
    report = _report(
        performance(loans, SEED),
        subject,
        rules,
        read,
        notes=sample.notes(version, rules, as_of),
        kept=sample.share(version),
    )
    return replace(report, vintages=tuple(vintages(loans, rules.mature_ms, as_of)))


def _report(  # noqa: PLR0913 - the parts of a report
    found: Performance,
    subject: ReportSubject,
    rules: PerformanceRules,
    read: Sequence[ReadRange],
    *,
    notes: OutcomeNotes,
    kept: float,
) -> PerformanceReport:
    floor = relative_floor(found.expected, rules)
    return PerformanceReport(
        report_id=f"{subject.product}:{subject.champion_version}:{subject.as_of}",
        product=subject.product,
        champion_version=subject.champion_version,
        champion_digest=subject.champion_digest,
        as_of=time_of(subject.as_of),
        performance=found,
        notes=notes,
        rules=rules,
        kept=kept,
        offsets=tuple(read),
        fallen=is_below_floor(found.observed, rules.least_auc or floor, rules.minimum_n),
        command_id="",
        withheld="",
        auc_floor=floor,
    )


def _outcome_notes(notes: Notes) -> OutcomeNotes:
    return OutcomeNotes(
        outcomes=notes.outcomes,
        unknown=notes.unknown.count,
        contradictory=notes.contradictory.count,
        repeated=notes.repeated,
        before=notes.before.count,
        too_old=notes.too_old,
        decided_again=notes.decided_again,
        unreadable=notes.unreadable,
    )
