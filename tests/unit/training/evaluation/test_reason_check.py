"""A reason that states a fact is counted against the applicants who are told it."""

import numpy as np

from schemas.contract.reason_texts import Fact, FactState, ReasonText
from scorecard.bundle import scorecard_of
from scorecard.policy import Policy
from scorecard.scorecard import Scorecard
from tests.builders import CONTRACT, a_stump_forest, feature_space, scorecard_parts, some_values
from training.evaluation.reason_check import ReasonCount, counts, doubts

SPACE = feature_space(CONTRACT)
INCOME = SPACE.names.index("person_income")
VALUES = some_values(200)


def income_card(below: float, above: float) -> Scorecard:
    """A scorecard of one question, whether income exceeds 50,000; the just approved earn 60,000 and owe nothing."""
    baseline = np.zeros(len(SPACE.names))
    baseline[INCOME] = -5.0
    typical = np.full(len(SPACE.names), np.nan)
    typical[INCOME] = 60_000.0
    typical[SPACE.names.index("loan_percent_income")] = 0.0
    column = SPACE.columns.index("person_income")
    return scorecard_of(
        scorecard_parts(
            forest=a_stump_forest(column, 50_000.0, below, above, len(SPACE.columns)),
            policy=Policy(approve_below=0.01, decline_from=0.02),
            typical=typical,
            reason_baseline=baseline,
        ),
        CONTRACT,
    )


def of_income(scorecard: Scorecard) -> ReasonCount:
    found = counts(scorecard, CONTRACT, VALUES, scorecard.policy)
    return next(one for one in found if one.code == "INCOME")


def test_insufficient_income_is_true_where_a_higher_one_lowers_the_risk():
    count = of_income(income_card(2.0, -2.0))

    assert count.told > 50
    assert count.true == count.told


def test_and_false_where_a_higher_one_raises_it():
    count = of_income(income_card(-2.0, 2.0))

    income = VALUES[:, CONTRACT.position["person_income"]]
    assert (count.told, count.true) == (
        int((income < 60_000.0).sum()),
        int(((income > 50_000.0) & (income < 60_000.0)).sum()),
    )


def test_a_text_that_is_given_for_want_of_another_is_held_to_what_it_states():
    """The last text of a field is given where no other fits: if it states a fact, some who are told it lack it."""
    always = ReasonText(
        "VERIFICATION", "Unable to verify", (Fact("cb_person_default_on_file", FactState.LEVEL, ("Y",)),)
    )
    card = income_card(2.0, -2.0)
    fields = tuple(
        type(field)(**{**{name: getattr(field, name) for name in field.__slots__}, "reasons": (), "reason": always})
        for field in SPACE.fields
    )
    told = type(card.reasons).of(fields, card.reasons.baseline, card.reasons.typical)
    whole = type(card)(**{**{name: getattr(card, name) for name in card.__slots__}, "reasons": told})

    (count,) = counts(whole, CONTRACT, VALUES, whole.policy)

    on_file = VALUES[:, CONTRACT.position["cb_person_default_on_file"]] == 1.0
    assert (count.told, count.true) == (len(VALUES), int(on_file.sum()))


def test_what_is_not_true_of_nearly_all_is_said_with_both_numbers():
    checked = [ReasonCount("A", 238, 47), ReasonCount("B", 77, 70), ReasonCount("C", 0, 0), ReasonCount("D", 5, 4)]

    assert doubts(checked) == ("reason A states a fact that 191 of the 238 applicants told it do not have",)
