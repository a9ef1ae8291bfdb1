"""The room Scorecards without a browser: the card, both versions, and what other cut-offs would have done."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.query import past_decisions
from scorecard.registry.mlflow_client import ModelRegistryAwayError
from scorecard.registry.registered_version import RegisteredVersion
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.ledger_records import an_outcome, conclude
from tests.unit.gateway.calls import client_of
from tests.unit.gateway.ledgers import CaseLedger

RISKY = {"loan_percent_income": 0.27, "loan_amnt": Decimal(13_500)}
"""More than a quarter of income: probability .731 by the tests' scorecard; .119 up to that."""


@pytest.fixture
def ledger(tmp_path: Path) -> CaseLedger:
    """Three safe applicants and two risky ones, all referred; one of each kind defaulted."""
    found = CaseLedger(tmp_path)
    found.refer("s-1", "s-2", "s-3")
    found.refer("r-1", "r-2", first_offset=3, **RISKY)
    conclude(found.database, an_outcome("s-1", defaulted=True), an_outcome("r-1", defaulted=True), an_outcome("r-2"))
    return found


def a_room(ledger: CaseLedger | None = None) -> GatewayDouble:
    double = a_gateway(ledger=ledger and ledger.lookup)
    double.versions.by_alias = {
        "champion": version("1", auc="0.9012", verdict="PROMOTED"),
        "challenger": version("2", auc="0.9154", why="better, waits for a person"),
    }
    return double


def version(number: str, auc: str, **tags: str) -> RegisteredVersion:
    return RegisteredVersion("credit_risk-scorecard", number, "d" * 64, "xgboost", "run", {"metric.auc": auc, **tags})


async def get_page(double: GatewayDouble, query: str = "", **headers: str) -> Any:
    async with client_of(double.app, **headers) as client:
        return await client.get(f"/desk/scorecards{query}")


def text_of(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


async def test_the_champions_card_and_the_challenger_beside_it() -> None:
    page = text_of(await get_page(a_room()))

    assert "credit_risk-scorecard version 1" in page
    assert "auc 0.9012 0.9154" in page
    assert "Why better, waits for a person" in page
    assert "approved below 20.0 % , declined from 60.0 %" in page
    assert "set LOAN_LEDGER_URL" in page


async def test_who_would_change_and_what_it_costs_by_hand(ledger: CaseLedger) -> None:
    page = text_of(await get_page(a_room(ledger), "?approve_below=0.2&decline_from=0.6&default=5&review=0.7"))

    # Before, five looks at .7. After, the safe ones are approved: 5 for the default, .119 x 5 for each of the two
    # others; the risky ones are declined, one of which was repaid.
    assert "5 of 5 would have another outcome" in page
    assert "Cost 3.5 before, 7.2 after: +3.7 lost good loans; 3 by the loan's outcome, 2 by its prob" in page
    assert "refer approve 3 1 of 1 known" in page
    assert "refer decline 2 1 of 2 known" in page


async def test_a_script_has_the_answer_alone(ledger: CaseLedger) -> None:
    page = await get_page(
        a_room(ledger), "?approve_below=0.05&decline_from=0.9", hx_request="true", **{"HX-Request": "true"}
    )

    assert "<html" not in page.text
    assert "0 of 5 would have another outcome" in text_of(page)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?approve_below=0.7&decline_from=0.6", 422, "Cut-offs must keep"),
        ("?approve_below=-1", 422, "Cut-offs must keep"),
        ("?default=0.5", 422, "Costs must keep"),
        ("?approve_below=nan", 400, "not a number"),
        ("?approve_below=<script>", 400, "not a number"),
    ],
)
async def test_cutoffs_that_cannot_be_are_said(ledger: CaseLedger, query: str, status: int, said: str) -> None:
    page = await get_page(a_room(ledger), query)

    assert (page.status_code, said in page.text) == (status, True)


async def test_a_registry_that_is_away_takes_its_figures_and_no_more(ledger: CaseLedger) -> None:
    double = a_room(ledger)
    double.versions.fault = ModelRegistryAwayError()

    page = await get_page(double)

    assert page.status_code == 200
    assert "The model registry does not answer" in page.text
    assert "would have another outcome" in page.text


def test_an_application_decided_twice_counts_once_by_its_first_decision_and_the_last_outcome_stands(
    ledger: CaseLedger,
) -> None:
    ledger.refer("s-1", first_offset=5, **RISKY)
    conclude(ledger.database, an_outcome("s-1", observed_at=datetime(2027, 1, 1, tzinfo=UTC)), first_offset=3)

    with ledger.database.read_transaction() as connection:
        decided = past_decisions.latest(connection, 100)
        ends = past_decisions.ends(connection, [each.application_id for each in decided])

    [first] = [each for each in decided if each.application_id == "s-1"]
    assert len(decided) == 5
    assert first.probability == pytest.approx(0.119, abs=0.001)
    assert ends["s-1"] is False
