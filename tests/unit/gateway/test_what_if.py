"""What-if, explanations and counterfactuals: the champion's answers, published nowhere."""

from typing import Any

import pytest

from gateway.api.what_if import NONE_FOUND, CounterfactualsAnswer, WhatIfAnswer
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.unit.gateway.calls import a_body, client_of


@pytest.fixture
async def double() -> GatewayDouble:
    return a_gateway()


async def post(double: GatewayDouble, path: str, **fields: Any) -> Any:
    async with client_of(double.app) as client:
        return await client.post(path, json=a_body(**fields))


@pytest.mark.parametrize("path", ["/what-if", "/explain"])
@pytest.mark.parametrize("amount", [10_000, 15_000])
async def test_the_answer_is_the_decision_on_the_same_values_to_the_last_bit(
    double: GatewayDouble, path: str, amount: int
) -> None:
    decided = (await post(double, "/predict", loan_amnt=amount)).json()
    published = len(double.topic.values)

    answered = (await post(double, path, loan_amnt=amount)).json()

    assert answered.keys() == WhatIfAnswer.model_fields.keys()
    assert (answered.pop("published"), bool(answered.pop("notice"))) == (False, True)
    assert answered == {key: decided[key] for key in answered}
    assert len(double.topic.values) == published


async def test_the_smallest_changes_come_first(double: GatewayDouble) -> None:
    said = (await post(double, "/counterfactuals", loan_amnt=13_500)).json()

    assert said.keys() == CounterfactualsAnswer.model_fields.keys()
    assert said["outcome"] == "DECLINE"
    [best, *_] = said["counterfactuals"]
    assert best["outcome"] == "APPROVE"
    assert best["changes"] == [
        {"feature": "loan_amnt", "label": "Amount", "unit": "USD", "before": 13_500, "after": 12_500, "steps": 2}
    ]
    assert said["complete"]
    assert double.topic.values == []


async def test_a_counterfactual_asked_as_a_what_if_is_approved(double: GatewayDouble) -> None:
    found = (await post(double, "/counterfactuals", loan_amnt=13_500)).json()["counterfactuals"]

    for each in found:
        changed = {change["feature"]: change["after"] for change in each["changes"]}
        answer = (await post(double, "/what-if", **{"loan_amnt": 13_500, **changed})).json()
        assert (answer["outcome"], answer["probability_of_default"]) == ("APPROVE", each["probability_of_default"])
    assert found


async def test_nothing_found_is_said(double: GatewayDouble) -> None:
    said = (await post(double, "/counterfactuals", loan_amnt=200_000)).json()

    assert (said["counterfactuals"], said["complete"], said["detail"]) == ([], True, NONE_FOUND)


async def test_an_approved_application_needs_no_change(double: GatewayDouble) -> None:
    said = (await post(double, "/counterfactuals")).json()

    assert (said["outcome"], said["counterfactuals"], said["scored"]) == ("APPROVE", [], 0)


async def test_a_search_over_its_time_says_that_it_is_not_complete() -> None:
    double = a_gateway(gateway_search_s=1e-9)

    said = (await post(double, "/counterfactuals", loan_amnt=200_000)).json()

    assert not said["complete"]
    assert "time" in said["detail"]


@pytest.mark.parametrize("path", ["/what-if", "/explain", "/counterfactuals", "/model-info"])
async def test_without_a_champion_it_is_503(double: GatewayDouble, path: str) -> None:
    double.slot.holder = None

    async with client_of(double.app) as client:
        answer = await (client.get(path) if path == "/model-info" else client.post(path, json=a_body()))
        ready = await client.get("/ready")
        metrics = (await client.get("/metrics")).text

    assert answer.status_code == 503
    assert (ready.status_code, ready.json()["missing"]) == (503, ["champion"])
    assert "\nloan_ready 0.0\n" in metrics


async def test_model_info_names_the_champion_and_its_signature(double: GatewayDouble) -> None:
    async with client_of(double.app) as client:
        said = (await client.get("/model-info")).json()

    assert said["name"] == "credit_risk-scorecard"
    assert (said["version"], said["digest"], said["family"]) == ("1", "d" * 64, "xgboost")
    assert (said["alias"], said["schema_id"]) == ("champion", 7)
    assert said["signature"]["inputs"][0] == {
        "name": "person_income",
        "label": "Yearly income",
        "type": "number",
        "required": True,
        "levels": [],
        "unit": "USD a year",
    }


async def test_the_last_drift_report_is_shown_and_none_is_404(double: GatewayDouble) -> None:
    async with client_of(double.app) as client:
        none = await client.get("/drift")
        double.live.events.reports.add({"window_id": "w-1", "psi": float("inf"), "n": 3})
        shown = await client.get("/drift")

    assert none.status_code == 404
    assert shown.json() == {"window_id": "w-1", "psi": None, "n": 3}
