"""Figures agree with scikit-learn's, intervals hold what they are of, and worked cases come out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from training.evaluation import discrimination_figures as evaluation
from training.evaluation.calibration_choice import brier
from training.evaluation.discrimination_figures import resamples


def judged_rows(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    defaulted = generator.random(300) < 0.3
    probability = np.clip(0.3 * generator.random(300) + 0.4 * defaulted * generator.random(300), 0.01, 0.99)
    return defaulted, np.round(probability, 1 if ties else 9)


@given(seed=st.integers(0, 500), ties=st.booleans())
@settings(max_examples=30, deadline=None)
def test_figures_are_those_of_scikit_learn(seed: int, ties: bool) -> None:
    defaulted, probability = judged_rows(seed, ties)
    inside = np.clip(probability, 0.01, 0.99)

    found = evaluation.figures(defaulted, inside, 0.4)

    called = inside >= 0.4
    expected = {
        "auc": metrics.roc_auc_score(defaulted, inside),
        "pr_auc": metrics.average_precision_score(defaulted, inside),
        "f1": metrics.f1_score(defaulted, called, zero_division=0),
        "precision": metrics.precision_score(defaulted, called, zero_division=0),
        "recall": metrics.recall_score(defaulted, called),
        "accuracy": metrics.accuracy_score(defaulted, called),
        "brier": metrics.brier_score_loss(defaulted, inside),
        "log_loss": metrics.log_loss(defaulted, inside),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_ks_is_the_greatest_gap_of_two_distributions() -> None:
    defaulted = np.array([False, False, True, False, True, True])
    probability = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])

    # Up to .4 all of the repaid and one default of three.
    assert evaluation.ks(defaulted, probability) == pytest.approx(2 / 3)


def test_calibration_error_is_the_mean_distance_of_stated_and_observed() -> None:
    defaulted = np.array([False, False, True, True])
    probability = np.array([0.1, 0.1, 0.6, 0.6])

    assert evaluation.calibration_error(defaulted, probability, bins=2) == pytest.approx((0.1 + 0.4) / 2)


def test_intervals_hold_the_figure_and_are_the_same_for_the_same_seed() -> None:
    defaulted, probability = judged_rows(1, ties=False)

    first, again = (evaluation.judgement(defaulted, probability, 0.3, seed=5, draws=50) for _ in range(2))

    assert first == again
    low, high = first.intervals["auc"]
    assert low < first.figures["auc"] < high


@pytest.mark.slow
def test_the_interval_of_a_brier_score_covers_what_it_says() -> None:
    """Nine times of ten, over worlds whose Brier score is known: p (1 - p) on average, where p is the truth."""
    covered, worlds, known = 0, 300, (0.45 * 0.55 + 2 * 0.05 * 0.95) / 3
    for seed in range(worlds):
        generator = np.random.default_rng(seed)
        truth = generator.choice([0.45, 0.05, 0.05], 300)
        defaulted = generator.random(300) < truth
        drawn = [brier(defaulted[places], truth[places]) for places in resamples(defaulted, 200, generator)]
        low, high = np.quantile(drawn, (0.05, 0.95))
        covered += low <= known <= high
    assert 0.85 <= covered / worlds <= 0.95


def test_every_resample_has_both_classes() -> None:
    defaulted = np.arange(30) == 0

    drawn = list(resamples(defaulted, 50, np.random.default_rng(1)))

    assert all(0 < defaulted[places].sum() < 30 for places in drawn)
