"""The floor of the AUC that training gives a scorecard, and loans of champions that rank as in training or worse."""

from dataclasses import replace

import numpy as np
import pytest

from drift.performance.loan_figures import Loans, performance
from drift.retraining.performance_floor import is_below_floor, relative_floor
from schemas.events.performance import PerformanceRules
from training.evaluation.auc_offset import MARGIN, auc_offset

RULES = PerformanceRules(age_ms=1, most=1_000, least_auc=0.0, minimum_n=500)


def applicants(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right, and who defaulted."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1.0, 4.0, n)
    return probability, rng.random(n) < probability


def fell(offset: float, seed: int, noise: float) -> bool:
    """Whether the approved loans of a champion fall, who ranks by noise for so large a share of them."""
    probability, defaulted = applicants(6_000, seed)
    rng = np.random.default_rng(seed)
    mixed = np.where(rng.random(6_000) < noise, rng.permutation(probability), probability)
    approved = mixed < 0.25
    all_of_them = np.ones(int(approved.sum()), dtype=bool)
    loans = Loans(probability=mixed[approved], approved=all_of_them, known=all_of_them, defaulted=defaulted[approved])
    found = performance(loans, 1)
    return is_below_floor(found.observed, relative_floor(found.expected, replace(RULES, auc_offset=offset)), 500)


def test_right_probabilities_have_a_floor_somewhat_under_what_they_promise():
    probability, defaulted = applicants(3_000, seed=1)
    offset = auc_offset(defaulted, probability, seed=1)

    assert offset is not None
    assert -MARGIN - 0.05 < offset < -MARGIN
    assert offset == auc_offset(defaulted, probability, seed=1)


def test_too_few_of_a_class_give_no_floor():
    probability, _ = applicants(3_000, seed=1)
    nobody = np.zeros(3_000, dtype=bool)

    assert auc_offset(nobody, probability, seed=1) is None
    assert auc_offset(~nobody, probability, seed=1) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_approved_loans_are_harder_to_rank_and_fall_only_if_the_ranking_is_lost(seed: int) -> None:
    probability, defaulted = applicants(2_000, seed=100 + seed)
    offset = auc_offset(defaulted, probability, seed)
    assert offset is not None

    assert not fell(offset, seed, noise=0.0)
    assert fell(offset, seed, noise=0.9)
