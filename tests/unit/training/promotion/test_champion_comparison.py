"""Champion and challenger meet on the rows that count, or it is said why not."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.applications import UNSEEN
from scorecard.bundle import scorecard_of
from scorecard.policy import Policy
from scorecard.scorecard import Scorecard
from tests.builders import CONTRACT, a_stump_forest, feature_space, scorecard_parts
from tests.unit.training.builders import made_up_rows
from training.promotion.champion_comparison import (
    ChallengerAnswers,
    ChampionComparison,
    ComparisonRules,
    Incomparable,
    compare_with_champion,
)
from training.rows.labelled_rows import LabelledRows

ALL = np.ones(500, dtype=bool)
RULES = ComparisonRules(exploration_share=1.0)


def meet(
    champion: Scorecard, judged: LabelledRows, probability: np.ndarray, strange: np.ndarray
) -> ChampionComparison | Incomparable:
    answers = ChallengerAnswers(probability, champion.policy)
    return compare_with_champion(champion, judged, answers, strange, RULES)


@pytest.fixture
def champion() -> Scorecard:
    return scorecard_of(scorecard_parts(), CONTRACT, "old")


def rows(defaults: int, repaid: int) -> LabelledRows:
    return replace(made_up_rows(defaults + repaid), defaulted=np.arange(defaults + repaid) < defaults)


def test_both_score_the_same_rows(champion: Scorecard) -> None:
    judged = rows(100, 200)

    met = meet(champion, judged, np.linspace(0, 1, 300), ALL[:300])

    assert isinstance(met, ChampionComparison)
    assert (met.champion == champion.score(judged.values).probability).all()
    assert (met.defaulted == judged.defaulted).all()
    assert met.champion_digest == "old"


@pytest.mark.parametrize(("defaults", "repaid"), [(19, 300), (300, 19), (0, 300)])
def test_too_few_of_a_class_are_no_contest(champion: Scorecard, defaults: int, repaid: int) -> None:
    met = meet(champion, rows(defaults, repaid), np.zeros(defaults + repaid), ALL[: defaults + repaid])

    assert isinstance(met, Incomparable)
    assert met.why == f"there are {defaults} defaults and {repaid} repaid to compare on, 20 of each are needed"


def test_they_meet_on_applicants_of_the_topics_where_those_are_enough(champion: Scorecard) -> None:
    recent = np.arange(500) >= 300
    judged = replace(rows(0, 500), defaulted=np.arange(500) % 2 == 0, recent=recent)

    met = meet(champion, judged, np.arange(500) / 500, ALL[:500])

    assert isinstance(met, ChampionComparison)
    assert (met.challenger == np.arange(300, 500) / 500).all()


def test_no_row_that_the_champion_was_made_of_judges(champion: Scorecard) -> None:
    judged = rows(100, 200)
    strange = np.arange(300) % 2 == 0

    met = meet(champion, judged, np.arange(300) / 300, strange)
    none_left = meet(champion, judged, np.arange(300) / 300, np.arange(300) < 110)

    assert isinstance(met, ChampionComparison)
    assert (met.challenger == np.arange(0, 300, 2) / 300).all()
    assert isinstance(none_left, Incomparable)
    assert "100 defaults and 10 repaid to compare on beside 190 rows that the champion was made of" in none_left.why


def test_a_champion_whose_answers_are_no_numbers_is_no_contest(champion: Scorecard) -> None:
    broken = replace(champion, calibration=Nothing())  # type: ignore[arg-type]

    assert isinstance(meet(broken, rows(100, 200), np.zeros(300), ALL[:300]), Incomparable)


def test_near_clones_stay_together_when_rows_are_drawn(champion: Scorecard) -> None:
    strange = np.arange(300) % 2 == 0
    answers = ChallengerAnswers(np.arange(300) / 300, champion.policy, np.arange(300) // 4)

    met = compare_with_champion(champion, rows(100, 200), answers, strange, RULES)

    assert isinstance(met, ChampionComparison)
    assert met.groups.tolist() == [place // 4 for place in range(0, 300, 2)]


def test_each_pays_for_its_decisions_by_its_own_cutoffs(champion: Scorecard) -> None:
    judged = rows(100, 200)
    approves_all = ChallengerAnswers(np.full(300, 0.1), Policy(0.5, 0.9))

    met = compare_with_champion(champion, judged, approves_all, ALL[:300], RULES)

    assert isinstance(met, ChampionComparison)
    assert met.challenger_cost.tolist() == [5.0] * 100 + [0.0] * 200
    assert set(met.champion_cost) <= {0.0, 0.7, 1.0, 5.0}


class Nothing:
    """A calibration that damage has left without numbers."""

    def apply(self, raw: np.ndarray) -> np.ndarray:
        return np.full(len(raw), np.nan)


def test_nobody_is_compared_on_whom_the_champion_would_refer_for_a_level_that_it_does_not_know() -> None:
    judged = rows(100, 200)
    ventures = judged.values[:, CONTRACT.position["loan_intent"]] == 2.0
    space = feature_space().with_frequent_levels(judged.values[~ventures])
    forest = a_stump_forest(space.columns.index("loan_percent_income"), 0.25, -2.0, 1.0, len(space.columns))
    unaware = scorecard_of(scorecard_parts(features=space, forest=forest), CONTRACT, "old")

    met = meet(unaware, judged, np.linspace(0, 1, 300), ALL[:300])

    assert "VENTURE" in space.unknown["loan_intent"]
    assert isinstance(met, ChampionComparison)
    known = (space.recognize(judged.values) != UNSEEN).all(axis=1)
    assert len(met.defaulted) == known.sum() <= 300 - ventures.sum()


def test_where_mistakes_cost_by_amount_both_pay_so(champion: Scorecard) -> None:
    judged = rows(100, 200)
    amount = CONTRACT.position["loan_amnt"]
    answers = ChallengerAnswers(np.zeros(300), champion.policy)

    met = compare_with_champion(champion, judged, answers, ALL[:300], replace(RULES, amount=amount))

    assert isinstance(met, ChampionComparison)
    sizes = judged.values[:, amount] / judged.values[:, amount].mean()
    assert met.challenger_cost == pytest.approx(np.where(judged.defaulted, RULES.costs.default * sizes, 0.0))


def test_both_decide_by_the_operators_cut_offs_where_these_are_in_force(champion: Scorecard) -> None:
    judged = replace(rows(150, 350), recent=np.ones(500, dtype=np.bool_))
    stated = champion.score(judged.values).probability
    answers = ChallengerAnswers(stated, Policy(approve_below=0.0, decline_from=0.0))

    by_own = compare_with_champion(champion, judged, answers, ALL, ComparisonRules())
    in_force = ComparisonRules(policy=Policy(approve_below=1.0, decline_from=1.0))
    by_operator = compare_with_champion(champion, judged, answers, ALL, in_force)

    # By its own cut-offs the challenger approves nobody; by the operator's both approve everybody.
    assert isinstance(by_own, Incomparable)
    assert isinstance(by_operator, ChampionComparison)
    assert len(by_operator.defaulted) == 500
    assert (by_operator.challenger_cost == by_operator.champion_cost).all()
    assert by_operator.challenger_cost.sum() == 150 * ComparisonRules().costs.default
