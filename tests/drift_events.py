"""Events of drift and of retraining, one of each type: a test replaces what matters to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from schemas.events.drift import DriftReport, DriftRules, Verdict
from schemas.events.retraining import ChampionAnnouncement, RetrainCause, RetrainCommand, RetrainResult, RetrainStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = DriftRules(pane_ms=1_000, lateness_ms=0, ahead_ms=0, minimum_n=500, alpha=0.01)
COMMAND = RetrainCommand(
    command_id="c-1",
    product="credit_risk",
    cause=RetrainCause.DRIFT,
    why="drift",
    champion_version="",
    champion_digest="",
    reference_id="",
    window_start=None,
    window_end=None,
    issued_at=NOON,
)
RESULT = RetrainResult(
    command_id="c-1",
    product="credit_risk",
    status=RetrainStatus.PROMOTED,
    why="better",
    champion_version="1",
    challenger_version="2",
    challenger_digest="",
    run_id="",
    rows=10,
    metrics={},
    finished_at=NOON,
)
ANNOUNCEMENT = ChampionAnnouncement(
    product="credit_risk",
    name="credit_risk-scorecard",
    version="2",
    digest="",
    family="xgboost",
    previous_version="",
    command_id="",
    why="test",
    announced_at=NOON,
)


def a_result(name: str, status: RetrainStatus) -> RetrainResult:
    return replace(RESULT, command_id=name, status=status)


def a_report(verdict: Verdict = Verdict.DRIFTED, hour: int = 0) -> DriftReport:
    """Of a window of an hour."""
    return DriftReport(
        window_id=f"credit_risk:ref:{hour}",
        product="credit_risk",
        champion_version="1",
        champion_digest="d",
        reference_id="ref",
        window_start=NOON + hour * HOUR,
        window_end=NOON + (hour + 1) * HOUR,
        n=1_000,
        late=0,
        duplicates=0,
        ahead=0,
        unreadable=0,
        verdict=verdict,
        largest_psi=0.4,
        largest_psi_feature="person_income",
        features=(),
        data_quality=(),
        decisions=None,
        rules=RULES,
        offsets=(),
        command_id="",
        withheld="",
    )
