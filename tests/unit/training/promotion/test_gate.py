"""The gate lets through what is better, and says in words why it does not."""

from typing import Any

import numpy as np
import pytest

from training.evaluation.discrimination_figures import judgement
from training.promotion.champion_comparison import ChampionComparison, Incomparable
from training.promotion.gate import Candidate, GateVerdict, Promotion, Terms, gate

GENERATOR = np.random.default_rng(11)
TRUE = GENERATOR.beta(1, 3, 1_000)
DEFAULTED = GENERATOR.random(1_000) < TRUE
NOISY = np.clip(TRUE + GENERATOR.normal(0, 0.25, 1_000), 0.01, 0.99)


def a_candidate(**given: Any) -> Candidate:
    usual: dict[str, Any] = {
        "digest": "new",
        "figures": {"auc": 0.8, "f1": 0.6},
        "lowest": {"auc": 0.75, "f1": 0.5},
        "defaulted": DEFAULTED,
        "probability": TRUE,
        "logistic": NOISY,
    }
    return Candidate(**{**usual, **given})


def against(challenger: np.ndarray, champion: np.ndarray, digest: str = "old") -> ChampionComparison:
    return ChampionComparison(defaulted=DEFAULTED, challenger=challenger, champion=champion, champion_digest=digest)


def test_the_first_champion_needs_the_floors_alone() -> None:
    answer = gate(a_candidate(), Terms())

    assert answer.verdict is GateVerdict.PROMOTE
    assert answer.why == "passes the floors; there is no champion to beat"


@pytest.mark.parametrize(
    ("lowest", "told"),
    [
        ({"auc": 0.55, "f1": 0.5}, "AUC 0.8000 may be 0.5500, below the floor 0.6000"),
        ({"auc": 0.75, "f1": 0.05}, "F1 0.6000 may be 0.0500, below the floor 0.1000"),
    ],
)
def test_who_may_be_below_a_floor_is_rejected_by_number(lowest: dict[str, float], told: str) -> None:
    answer = gate(a_candidate(lowest=lowest), Terms())

    assert (answer.verdict, answer.why) == (GateVerdict.REJECT, told)


def test_who_would_tell_applicants_what_is_not_so_is_held_with_the_numbers() -> None:
    doubt = "reason INCOME states a fact that 19 of the 100 applicants told it do not have"

    answer = gate(a_candidate(doubts=[doubt]), Terms())

    assert answer.verdict is GateVerdict.HOLD
    assert answer.why.startswith(doubt)


def test_a_first_champion_that_falls_behind_a_logistic_regression_is_rejected() -> None:
    answer = gate(a_candidate(probability=NOISY, logistic=TRUE), Terms())

    assert answer.verdict is GateVerdict.REJECT
    assert "a logistic regression is better" in answer.why


def test_one_that_is_as_good_as_a_logistic_regression_is_not() -> None:
    assert gate(a_candidate(logistic=TRUE), Terms()).verdict is GateVerdict.PROMOTE


def test_a_better_challenger_is_promoted_with_its_gain_and_interval() -> None:
    answer = gate(a_candidate(), Terms(), against(TRUE, NOISY))

    assert answer.verdict is GateVerdict.PROMOTE
    assert "better than the champion by AUC: on the same 1000 rows, AUC 0." in answer.why
    assert "(+0." in answer.why


def test_a_better_challenger_behind_a_logistic_regression_takes_over_with_that_said() -> None:
    noisier = np.clip(NOISY + GENERATOR.normal(0, 0.5, 1_000), 0.01, 0.99)
    answer = gate(a_candidate(probability=NOISY, logistic=TRUE), Terms(), against(NOISY, noisier))

    assert answer.verdict is GateVerdict.PROMOTE
    assert "a logistic regression is better: its AUC is 0." in answer.why


def test_an_equal_challenger_is_rejected() -> None:
    answer = gate(a_candidate(), Terms(), against(TRUE, TRUE))

    assert answer.verdict is GateVerdict.REJECT
    assert answer.why.startswith("no better than the champion")


def test_a_better_ranking_does_not_pay_for_a_worse_calibration() -> None:
    answer = gate(a_candidate(), Terms(), against(np.clip(TRUE + 0.3, 0, 1), NOISY))

    assert answer.verdict is GateVerdict.REJECT
    assert "worse than the champion: Brier 0." in answer.why
    assert "worse than the champion: stated less observed default rate 0." in answer.why


@pytest.mark.parametrize("promotion", list(Promotion))
def test_a_champion_that_cannot_be_compared_with_holds_the_challenger_for_a_person(promotion: Promotion) -> None:
    unseen = Incomparable(champion_digest="old", why="version 3 cannot be read: its forest is altered")

    answer = gate(a_candidate(), Terms(promotion=promotion), unseen)

    assert answer.verdict is GateVerdict.HOLD
    assert "cannot be compared with the champion: version 3 cannot be read: its forest is altered" in answer.why
    assert "loanctl champion promote" in answer.why
    assert "no champion to beat" not in answer.why


def test_what_is_below_the_floors_is_rejected_whether_the_champion_can_be_seen_or_not() -> None:
    unseen = Incomparable(champion_digest="old", why="it is away")

    assert gate(a_candidate(lowest={"auc": 0.5, "f1": 0.5}), Terms(), unseen).verdict is GateVerdict.REJECT


@pytest.mark.parametrize("lowest", [{"auc": np.nan, "f1": 0.6}, {"auc": 0.8, "f1": np.nan}])
def test_a_figure_that_is_no_number_is_below_every_floor(lowest: dict[str, float]) -> None:
    assert gate(a_candidate(lowest=lowest), Terms()).verdict is GateVerdict.REJECT


@pytest.mark.slow
def test_no_model_of_pure_noise_becomes_the_first_champion() -> None:
    passed = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        defaulted, noise = generator.random(120) < 0.25, generator.random(120)
        judged = judgement(defaulted, noise, 0.5, seed)
        lowest = {name: low for name, (low, _) in judged.intervals.items()}
        candidate = a_candidate(
            figures=judged.figures, lowest=lowest, defaulted=defaulted, probability=noise, logistic=noise
        )
        passed += gate(candidate, Terms()).verdict is GateVerdict.PROMOTE
    assert passed == 0


def test_probabilities_that_are_no_numbers_win_nothing() -> None:
    assert gate(a_candidate(), Terms(), against(np.full(1_000, np.nan), NOISY)).verdict is GateVerdict.REJECT


def test_the_champion_itself_is_not_promoted_again() -> None:
    answer = gate(a_candidate(digest="old"), Terms(), against(TRUE, NOISY, "old"))

    assert (answer.verdict, answer.why) == (GateVerdict.REJECT, "it is the champion itself: the same digest")


def test_faults_found_by_checks_are_told() -> None:
    answer = gate(a_candidate(faults=("3 applicants would hear no reason",)), Terms())

    assert (answer.verdict, answer.why) == (GateVerdict.REJECT, "3 applicants would hear no reason")


def test_where_a_person_promotes_the_challenger_waits() -> None:
    answer = gate(a_candidate(), Terms(promotion=Promotion.MANUAL))

    assert answer.verdict is GateVerdict.HOLD
    assert "loanctl champion promote" in answer.why


def test_the_same_seed_gives_the_same_answer() -> None:
    assert gate(a_candidate(), Terms(), against(TRUE, NOISY)) == gate(a_candidate(), Terms(), against(TRUE, NOISY))


def test_where_two_people_must_agree_the_best_challenger_waits_for_a_proposal() -> None:
    answer = gate(a_candidate(), Terms(approvals=2))

    assert answer.verdict is GateVerdict.HOLD
    assert answer.why.endswith("waits for `loanctl champion propose`")
