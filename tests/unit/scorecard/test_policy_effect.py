"""Other cut-offs on past decisions: who changes, and what it costs."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.decisions import Outcome
from scorecard.costs import Costs, costs_of
from scorecard.policy import APPROVE, DECLINE, REFER, Policy
from scorecard.policy_effect import Effect, PastDecision, effect
from tests.decisions import outcome_of
from training.evaluation.cutoffs import cost

COSTS = Costs(default=5.0, review=0.7)
USUAL = Policy(approve_below=0.2, decline_from=0.6)
STRICTER = Policy(approve_below=0.1, decline_from=0.3)
probabilities = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60)


def past_decisions(**probability: float | None) -> list[PastDecision]:
    return [
        PastDecision(application_id=name, outcome=outcome_of(value), probability=value)
        for name, value in probability.items()
    ]


def under(policy: Policy, known: dict[str, bool] | None = None, **probability: float | None) -> Effect:
    return effect(past_decisions(**probability), policy, known or {}, COSTS)


def test_who_would_change_is_told_by_outcome_pair_with_ids_and_nothing_else() -> None:
    found = under(STRICTER, a=0.05, b=0.15, c=0.12, d=0.4, e=0.9)

    assert [(change.before, change.after, change.count, change.examples) for change in found.changes] == [
        (Outcome.APPROVE, Outcome.REFER, 2, ("b", "c")),
        (Outcome.REFER, Outcome.DECLINE, 1, ("d",)),
    ]
    assert found.change_count == 3
    assert found.before == {Outcome.APPROVE: 3, Outcome.REFER: 1, Outcome.DECLINE: 1}
    assert found.after == {Outcome.APPROVE: 1, Outcome.REFER: 2, Outcome.DECLINE: 2}


def test_a_true_outcome_goes_before_the_probability_and_the_bill_says_which() -> None:
    found = under(STRICTER, {"b": True}, b=0.15, c=0.12)

    # b defaulted: approved it cost 5, looked at it costs .7; c is worth .12 x 5 by its probability.
    assert (found.by_outcome.decisions, found.by_outcome.before, found.by_outcome.after) == (1, 5.0, 0.7)
    assert found.by_probability.decisions == 1
    assert found.by_probability.before == pytest.approx(0.6)
    assert found.total.after == pytest.approx(1.4)
    assert (found.changes[0].known, found.changes[0].defaulted) == (1, 1)


def test_what_was_not_scored_no_cut_off_changes() -> None:
    found = under(STRICTER, a=None, b=0.4)

    assert (found.decisions, found.not_scored, found.change_count) == (2, 1, 1)
    assert found.total.decisions == 1


def test_it_can_all_be_told_in_json() -> None:
    told = json.loads(json.dumps(under(STRICTER, {"b": False}, a=0.05, b=0.15).plain()))

    assert told["policy"] == {"version": STRICTER.version, "approve_below": 0.1, "decline_from": 0.3}
    assert told["changes"] == [
        {"from": "APPROVE", "to": "REFER", "count": 1, "outcome_known": 1, "defaulted": 0, "examples": ["b"]}
    ]
    assert told["cost"]["by_outcome"] == {"decisions": 1, "before": 0.0, "after": 0.7, "difference": 0.7}


def test_a_decision_costs_what_its_outcome_may_lose() -> None:
    codes = np.array([APPROVE, REFER, DECLINE], dtype=np.int8)

    assert costs_of(codes, np.array([0.1, 0.1, 0.1]), COSTS).tolist() == pytest.approx([0.5, 0.7, 0.9])


@given(probabilities)
def test_the_same_cut_offs_change_nobody_and_cost_the_same(values: list[float]) -> None:
    found = effect(past_decisions(**{f"a{place}": value for place, value in enumerate(values)}), USUAL, {}, COSTS)

    assert found.change_count == 0
    assert found.total.before == found.total.after


@given(probabilities, st.randoms(use_true_random=False))
def test_where_every_end_is_known_it_costs_what_the_choice_of_cut_offs_says(values: list[float], draw: object) -> None:
    defaulted = {f"a{place}": draw.random() < value for place, value in enumerate(values)}  # type: ignore[attr-defined]
    found = effect(past_decisions(**dict(zip(defaulted, values, strict=True))), STRICTER, defaulted, COSTS)

    mean = cost(STRICTER, np.array(values), np.array(list(defaulted.values())), COSTS)
    assert found.by_outcome.after / len(values) == pytest.approx(mean)
    assert sum(found.after.values()) == len(values)
