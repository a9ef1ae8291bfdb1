"""A level that the contract has gained since a training is unknown to its scorecard, wherever that answers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loanctl.file_checks.file_scores import file_scores
from schemas.applications import UNSEEN, from_records
from schemas.contract.contract import Contract
from schemas.events.decisions import FlagKind
from scorecard.bundle import scorecard_of
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.features import FeatureSpace
from scorecard.policy import OUTCOMES, Policy
from scorecard.profile import BinnedQuantity
from scorecard.scorecard import Scorecard
from tests.builders import CONTRACT, a_stump_forest, an_application, contract_with, feature_space, scorecard_parts

HOME = "person_home_ownership"
FORMER = ["RENT", "MORTGAGE", "OWN"]
GAINED = [*FORMER, "OTHER", "CARAVAN"]
REASONS = [
    {"code": "RESIDENCE", "text": "Type of residence"},
    {"code": "NO_RESIDENCE", "text": "Residence not stated", "when": {HOME: "missing"}},
]
STRICT = Policy(approve_below=0.01, decline_from=0.9)
"""Approves nobody here, so that everybody is given a reason."""


def with_levels(unknown: str, levels: list[str]) -> Contract:
    optional = {"type": ["null", "string"], "default": None, "missing": True, "reasons": REASONS[1:]}
    return contract_with(HOME, levels=levels, unknown=unknown, **optional)


def former_scorecard(unknown: str) -> tuple[Scorecard, Contract]:
    """A scorecard of the contract before it gained two levels, as it is read under the contract that has them.

    Its one question is whether the applicant rents.
    """
    before, now = with_levels(unknown, FORMER), with_levels(unknown, GAINED)
    columns = feature_space(before).columns
    parts = scorecard_parts(
        before, forest=a_stump_forest(columns.index(f"{HOME}=RENT"), 0.5, 1.0, -2.0, len(columns)), policy=STRICT
    )
    assert now.serves(before.fingerprint, before.field_digests)
    space = FeatureSpace.of(now, parts.features.names, parts.features.scored_as, columns)
    return scorecard_of(replace(parts, features=space), now, digest="d" * 64), now


def decision(unknown: str, home: str | None) -> dict[str, Any]:
    scorecard, contract = former_scorecard(unknown)
    found = Hypotheticals(contract).decisions(
        [an_application(**{HOME: home})], RegisteredScorecard(scorecard, "1"), STRICT
    )
    return dict(found[0])


def reason_codes(found: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in found["reasons"]}


@pytest.mark.parametrize("home", ["OTHER", "CARAVAN", "SPACESHIP"])
@pytest.mark.parametrize("unknown", ["refer", "score", "missing"])
def test_a_gained_level_is_answered_as_one_that_nobody_declares(unknown, home):
    found = decision(unknown, home)

    assert {flag["kind"] for flag in found["flags"] if flag["feature"] == HOME} == {FlagKind.UNSEEN}
    if unknown == "refer":
        assert (found["outcome"], found["probability"]) == ("REFER", None)
        return
    assert found["probability"] == decision(unknown, "OWN")["probability"]
    assert reason_codes(found) == {"NO_RESIDENCE" if unknown == "missing" else "RESIDENCE"}


@pytest.mark.parametrize("unknown", ["refer", "score", "missing"])
def test_a_level_that_was_there_before_is_answered_as_before(unknown):
    assert decision(unknown, "RENT")["probability"] < decision(unknown, "OWN")["probability"]
    assert reason_codes(decision(unknown, None)) == {"NO_RESIDENCE"}


@pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning")  # MLflow's, of its own models, on import
@pytest.mark.parametrize("home", [*GAINED, "SPACESHIP", None])
@pytest.mark.parametrize("unknown", ["refer", "score", "missing"])
def test_files_and_the_served_model_answer_as_the_worker(unknown, home):
    from training.tracking.pyfunc import ServedScorecard

    scorecard, contract = former_scorecard(unknown)
    worker = decision(unknown, home)

    values = from_records(contract, [an_application(**{HOME: home})]).values
    offline = file_scores(values, scorecard, contract, scorecard.policy)
    served = ServedScorecard()
    served._scorecard, served._contract = scorecard, contract
    row = pd.DataFrame([{**an_application(**{HOME: home})}]).drop(columns=["application_id", "applied_at"])
    answer = served.answer_rows(row, STRICT).iloc[0]

    expected = np.nan if worker["probability"] is None else worker["probability"]
    assert (OUTCOMES[offline.outcomes[0]].value, answer["outcome"]) == (worker["outcome"], worker["outcome"])
    assert np.array_equal([offline.probability[0], answer["probability"]], [expected] * 2, equal_nan=True)
    codes = {scorecard.reasons.texts[place].code for place in offline.reasons[0] if place >= 0}
    assert codes == set(filter(None, answer["reasons"].split(", "))) == reason_codes(worker)


def test_a_training_knows_the_levels_that_ten_of_its_rows_have():
    space, position = feature_space(), CONTRACT.position[HOME]
    values = from_records(CONTRACT, [an_application(**{HOME: "RENT"})] * 30).values
    values[:9, position] = 3.0
    values[9:19, position] = 2.0

    learned = space.with_frequent_levels(values)

    assert learned.unknown[HOME] == ("MORTGAGE", "OTHER")
    assert [name for name in learned.columns if name.startswith(HOME)] == [f"{HOME}=RENT", f"{HOME}=OWN"]
    homes = learned.recognize(values)[:, position]
    assert homes.tolist() == [UNSEEN] * 9 + [2.0] * 10 + [0.0] * 11
    rents = learned.encode(values)[:, learned.columns.index(f"{HOME}=RENT")]
    assert rents.tolist() == [0.0] * 19 + [1.0] * 11


def test_people_of_a_level_that_is_scored_as_another_count_for_that_one():
    values = from_records(CONTRACT, [an_application(loan_intent="MEDICAL")] * 10).values

    learned = feature_space().with_frequent_levels(values)

    assert "MEDICAL" not in learned.unknown["loan_intent"]
    assert "DEBTCONSOLIDATION" not in learned.unknown["loan_intent"]


def test_a_window_counts_a_gained_level_among_those_that_its_reference_does_not_know():
    binned = BinnedQuantity(HOME, (), tuple(FORMER), ())

    places = binned.places(np.array([0.0, 2.0, 3.0, 4.0, UNSEEN, np.nan]), np.zeros(6, dtype=np.bool_))

    assert places.tolist() == [0, 2, 5, 5, 5, 3]
