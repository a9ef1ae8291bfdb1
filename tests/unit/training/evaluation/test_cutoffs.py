"""Cut-offs by cost follow from the costs; by F1 or Youden they are placed on the rows given."""

import numpy as np
import pytest

from scorecard.costs import Costs, CutoffsError
from scorecard.policy import Policy
from training.evaluation.cutoffs import Rule, best_f1, best_youden, cost, policy

PROBABILITY = np.array([0.05, 0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9])
DEFAULTED = np.array([False, False, False, True, False, True, True, True])


def test_a_person_looks_where_that_is_cheaper_than_either_mistake() -> None:
    # Approving costs 5p, declining 1 - p, a look .7: approve under .14, decline from .3 on.
    assert policy(Rule.COST, PROBABILITY, DEFAULTED, Costs()) == Policy(0.14, 0.3)


def test_costs_under_which_nobody_would_be_referred_are_refused() -> None:
    with pytest.raises(CutoffsError, match="review / default <= 1 - review"):
        Costs(default=1.5, review=0.9)


def test_the_cost_of_a_policy_is_counted_per_applicant() -> None:
    # Approved: one default (.3) of four. Referred: .6. Declined: nobody who repaid.
    found = cost(Policy(0.5, 0.65), PROBABILITY, DEFAULTED, Costs())

    assert found == pytest.approx((5.0 + 0.7) / 8)


def test_where_large_loans_are_the_risky_ones_fewer_are_approved_and_the_cost_is_least() -> None:
    generator = np.random.default_rng(3)
    chance = generator.random(4_000)
    lost = generator.random(4_000) < chance
    sizes = 0.25 + 1.5 * chance
    costs = Costs()

    found = policy(Rule.COST, chance, lost, costs, sizes)

    assert found.approve_below > policy(Rule.COST, chance, lost, costs).approve_below
    expected = [
        np.mean(
            np.where(chance < low, 5.0 * chance * sizes, np.where(chance >= high, (1.0 - chance) * sizes, costs.review))
        )
        for low, high in [(found.approve_below, found.decline_from), *np.sort(generator.random((200, 2)), axis=1)]
    ]
    assert expected[0] <= min(expected[1:]) + 1e-3


def test_equal_amounts_give_the_cut_offs_of_costs_alone() -> None:
    chance = np.linspace(0.0, 1.0, 20_001)

    found = policy(Rule.COST, chance, chance > 0.5, Costs(), np.ones(20_001))

    assert found.approve_below == pytest.approx(0.14, abs=1e-3)
    assert found.decline_from == pytest.approx(0.3, abs=1e-3)


def test_the_cost_of_a_default_is_that_of_its_amount() -> None:
    sizes = np.ones(8)
    sizes[3] = 2.0

    found = cost(Policy(0.5, 0.65), PROBABILITY, DEFAULTED, Costs(), sizes)

    assert found == pytest.approx((10.0 + 0.7) / 8)


def test_the_best_f1_is_where_counting_says() -> None:
    # From .3 on: 4 defaults of 5 called, F1 8/9; from .7 on: 3 of 3, F1 6/7.
    assert best_f1(PROBABILITY, DEFAULTED) == 0.3


def test_of_cut_offs_all_but_as_good_the_one_nearest_to_half_the_best_f1_is_taken() -> None:
    # From .5 on: 250 defaults of 500 called, F1 2/3. Down to .485: 250 of 515, F1 .654, which is .98 of that.
    probability = np.arange(1_000) / 1_000
    defaulted = (np.arange(1_000) >= 500) & (np.arange(1_000) % 2 == 0)

    assert best_f1(probability, defaulted) == 0.485


def test_the_best_youden_weighs_both_classes_alike() -> None:
    # From .3 on: 1 + 3/4 - 1; from .7 on: 3/4 + 1 - 1: a tie, the higher cut-off comes first.
    assert best_youden(PROBABILITY, DEFAULTED) == 0.7


@pytest.mark.parametrize("rule", [Rule.F1, Rule.YOUDEN])
def test_other_rules_refer_a_share_of_the_applicants_around_the_cut_off(rule: Rule) -> None:
    generator = np.random.default_rng(1)
    probability = generator.random(2_000)
    found = policy(rule, probability, generator.random(2_000) < probability, Costs(referred=0.2))

    referred = np.mean((probability >= found.approve_below) & (probability < found.decline_from))
    assert referred == pytest.approx(0.2, abs=0.01)
