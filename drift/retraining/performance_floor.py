"""Whether the outcomes of a champion's loans ask for a challenger, and by which command.

Pure: observed performance in, a command or none out. `drift.performance.loan_figures` computes the observation. A
champion has fallen if the whole interval of its AUC is below a floor: chance alone asks for nothing.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from schemas.events.performance import (
    EstimatedPerformance,
    ObservedPerformance,
    PerformanceReport,
    PerformanceRules,
)
from schemas.events.retraining import RetrainCause, RetrainCommand, RetrainScope


def is_below_floor(observed: ObservedPerformance | None, least_auc: float, minimum_n: int = 0) -> bool:
    """True if the upper 95 % limit of the observed AUC is below `least_auc`; False with fewer than `minimum_n` loans.

    Args:
        observed: of loans that have ended.
        minimum_n: of loans. Repeated checks of few outcomes raise false alarms: docs/drift.md has the rates.
    """
    if observed is None or observed.auc is None or observed.n < minimum_n:
        return False
    return observed.auc.high < least_auc


def relative_floor(expected: EstimatedPerformance | None, rules: PerformanceRules) -> float:
    """The floor by the rules' offset from the AUC expected of the same loans; 0 for none."""
    if rules.least_auc or rules.auc_offset is None or expected is None or expected.auc is None:
        return 0.0
    return max(0.0, expected.auc.value + rules.auc_offset)


def is_level_off(observed: ObservedPerformance | None, most: float, minimum_n: int = 0) -> bool:
    """True if the whole 95 % interval of the calibration intercept (Cox 1958, slope 1) is beyond `most`, either way.

    Args:
        observed: of loans that have ended.
        most: tolerated, in log-odds.
    """
    if observed is None or observed.intercept is None or observed.n < minimum_n:
        return False
    return observed.intercept.low > most or observed.intercept.high < -most


def scope_of(report: PerformanceReport) -> RetrainScope | None:
    """The retraining that a report's rules ask for; None for none.

    A ranking that has fallen asks for a whole one; a level that is off, for a recalibration.
    """
    if report.fallen:
        return RetrainScope.FULL
    most, observed = report.rules.most_level_off, report.performance.observed
    off = most > 0.0 and is_level_off(observed, most, report.rules.minimum_n)
    return RetrainScope.RECALIBRATION if off else None


def finding_id(report: PerformanceReport, failed: int = 0) -> str:
    """Id of the finding that asks for `scope_of(report)`, which is not None.

    One champion under one limit has one id, and another when its known outcomes have passed a power of two: a check
    that runs every night asks no more often than there is much new to learn from, whatever the answer was. A level's id
    does not depend on the floor of the AUC.

    Args:
        failed: commands before that came to nothing.
    """
    if scope_of(report) is RetrainScope.FULL:
        # A floor relative to what is expected moves with each loan: its offset, the champion's, names it.
        floor = report.rules.least_auc or report.rules.auc_offset or 0.0
        return f"performance-{_finding_digest(report, floor, failed)}"
    return f"recalibration-{_finding_digest(report, report.rules.most_level_off, failed)}"


def command_of(report: PerformanceReport, now: datetime) -> RetrainCommand:
    """The command of a report that asks for `scope_of(report)`, which is not None."""
    scope = scope_of(report) or RetrainScope.FULL
    floor = f"{report.rules.least_auc:g}" if report.rules.least_auc else f"{report.auc_floor:.3g}"
    whole = f"{reason(report)}, surely under {floor}"
    level = f"{level_reason(report)}, surely by more than {report.rules.most_level_off:g}"
    return RetrainCommand(
        command_id=report.command_id or finding_id(report),
        product=report.product,
        cause=RetrainCause.PERFORMANCE,
        why=whole if scope is RetrainScope.FULL else level,
        champion_version=report.champion_version,
        champion_digest=report.champion_digest,
        reference_id="",
        window_start=None,
        window_end=None,
        issued_at=now,
        scope=scope,
    )


def performance_command(
    report: PerformanceReport, least_auc: float | None, most_off: float | None, now: datetime
) -> RetrainCommand | str:
    """The command that a performance check asks for; why none, in words, where it asks for nothing.

    Args:
        report: of the champion, its rules naming the same floor.
        least_auc: the floor; None for none.
        most_off: tolerated error of the level, in log-odds; None to leave it.
    """
    rules = replace(report.rules, most_level_off=most_off or 0.0)
    asked = replace(report, rules=rules, fallen=report.fallen and least_auc is not None)
    if scope_of(asked) is not None:
        return command_of(asked, now)
    level = [] if most_off is None else [f"{level_reason(report)}: not surely off by {most_off:g}"]
    ranking = [] if least_auc is None else [f"{reason(report)}: not surely under {least_auc:g}"]
    return "; ".join(level + ranking)


def level_reason(report: PerformanceReport) -> str:
    version, observed = report.champion_version, report.performance.observed
    if observed is None or observed.intercept is None:
        return f"the level of version {version} cannot be observed"
    off = observed.intercept
    return (
        f"version {version} states a default rate of {observed.stated_default_rate:.3f} where"
        f" {observed.default_rate.value:.3f} of {observed.n} loans default: its log-odds are off by {off.value:+.2f}"
        f" ({off.low:+.2f} to {off.high:+.2f})"
    )


def reason(report: PerformanceReport) -> str:
    version, observed = report.champion_version, report.performance.observed
    if observed is None or observed.auc is None:
        known = "no loan's end is known" if observed is None else f"{observed.n} known ends of loans are too few"
        return f"AUC of version {version} cannot be observed: {known}"
    area = observed.auc
    few = f", fewer than {report.rules.minimum_n}" if observed.n < report.rules.minimum_n else ""
    return (
        f"AUC of version {version} is {area.value:.3f} ({area.low:.3f} to {area.high:.3f}) on {observed.n} loans{few}"
    )


def _finding_digest(report: PerformanceReport, limit: float, failed: int) -> str:
    known = report.performance.observed.n if report.performance.observed else 0
    doublings = round(known / report.kept).bit_length()
    facts = [report.product, report.champion_digest, repr(limit), str(doublings)]
    finding = "\x1f".join([*facts, str(failed)] if failed else facts)
    return hashlib.sha256(finding.encode()).hexdigest()[:24]
