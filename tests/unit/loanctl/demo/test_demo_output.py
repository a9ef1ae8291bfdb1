"""What the demo shows, as plain text: the facts of a decision, a window and a promotion, and every claim."""

import io
from dataclasses import replace
from datetime import UTC, datetime

from loanctl.console import Console
from loanctl.demo import demo_output
from loanctl.demo.checks import Check
from schemas.events.decisions import Contribution, ContributionSpace, LoanDecision, Outcome, Reason
from tests.drift_events import RESULT

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECISION = LoanDecision(
    decision_id="d", application_id="usual-7", applied_at=NOON, outcome=Outcome.DECLINE, probability=0.411,
    margin=0.4, base_value=-1.2, contribution_space=ContributionSpace.LOG_ODDS,
    contributions=(
        Contribution(feature="person_income", value=38_020.0, contribution=2.0),
        Contribution(feature="loan_intent", value="VENTURE", contribution=-0.4),
        Contribution(feature="person_emp_length", value=None, contribution=0.0),
    ),
    approve_below=0.14, decline_from=0.3,
    reasons=(Reason(code="INCOME", text="Income insufficient", features=("person_income",)),),
    flags=(), fault=None, scorecard_name="credit_risk-scorecard", scorecard_version="3", scorecard_digest="",
    scorecard_family="xgboost", policy_version="", reference_id="", source_topic="", source_partition=0,
    source_offset=0, source_schema_id=1,
)  # fmt: skip


def render(show, *told):
    file = io.StringIO()
    show(Console(file=file, width=100), *told)
    return file.getvalue()


def test_a_decision_tells_probability_contributions_reasons_and_who_decided():
    text = render(demo_output.decision, DECISION)

    assert "DECLINE usual-7" in text
    assert "probability of default 41.1%   approve below 0.140, decline from 0.300" in text
    assert "1. Income insufficient (INCOME)" in text
    assert "credit_risk-scorecard 3 (xgboost)" in text
    assert "38,020" in text


def test_contributions_come_by_weight_with_bars_to_their_side():
    lines = render(demo_output.decision, DECISION).splitlines()

    ranked = [
        line for line in lines if any(item.feature in line for item in DECISION.contributions) and "INCOME" not in line
    ]
    assert [line.split()[1] for line in ranked] == ["person_income", "loan_intent", "person_emp_length"]
    assert "│" + "█" * demo_output.BAR in ranked[0]
    assert "███│" in ranked[1]
    assert "+2.000" in ranked[0]
    assert "-0.400" in ranked[1]


def test_a_promotion_tells_why():
    result = replace(RESULT, why="AUC +0.04", rows=12_345, metrics={"auc": 0.84})

    text = render(demo_output.promotion, result)

    assert "version 1 -> version 2" in text
    assert "AUC +0.04" in text
    assert "12,345" in text


def test_a_claim_that_does_not_hold_is_seen():
    summary = {
        "applications": 6, "decisions": 5, "missing": 1, "duplicates": 0, "dead_letters": 0, "decisions_per_s": 3.0,
        "latency_ms": {}, "champions": [],
    }  # fmt: skip

    text = render(
        demo_output.print_summary, summary, [Check("All is well", False, "1 missing"), Check("Sun shines", True, "")]
    )

    assert "✗  All is well" in text
    assert "✓  Sun shines" in text
    assert "1 missing" in text
