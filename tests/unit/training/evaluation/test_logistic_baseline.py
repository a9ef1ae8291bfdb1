"""The baseline is a line, and needs no more rows than a line has coefficients for."""

import numpy as np
import pytest

from training.evaluation import logistic_baseline
from training.evaluation.discrimination_figures import auc
from training.families.family import TrainingSample


def a_sample(count: int, seed: int) -> TrainingSample:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, 3)).astype(np.float32)
    return TrainingSample(matrix, rng.random(count) < 1.0 / (1.0 + np.exp(-2.0 * matrix[:, 0])))


def test_a_line_fitted_to_some_of_many_rows_ranks_as_one_fitted_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    train, judged = a_sample(20_000, 1), a_sample(5_000, 2)
    whole = logistic_baseline.logistic(train, judged)
    monkeypatch.setattr(logistic_baseline, "MOST_ROWS", 2_000)

    some = logistic_baseline.logistic(train, judged)

    assert not np.array_equal(some, whole)
    assert auc(judged.defaulted, some) == pytest.approx(auc(judged.defaulted, whole), abs=0.005)


def test_few_rows_are_all_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    train, judged = a_sample(999, 1), a_sample(100, 2)
    whole = logistic_baseline.logistic(train, judged)
    monkeypatch.setattr(logistic_baseline, "MOST_ROWS", 999)

    assert np.array_equal(logistic_baseline.logistic(train, judged), whole)
