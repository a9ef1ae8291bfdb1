"""Figures of a scorecard on rows that nothing else has seen, with their intervals.

Pure: probabilities and outcomes in, figures out. Intervals are percentile bootstraps over rows
(Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.evaluation.calibration_choice import brier, log_loss

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

DRAWS: Final = 200
"""Resamples: enough for stable third decimals of the ends of a 95 % interval."""
INTERVAL: Final = (0.025, 0.975)
ECE_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Judgement:
    """Figures on the judgement rows by name, and the 95 % interval of each."""

    figures: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    rows: int


def judgement(defaulted: Labels, probability: Probabilities, cutoff: float, seed: int, draws: int = DRAWS) -> Judgement:
    """All figures of a scorecard.

    Args:
        defaulted: shape (n,), both classes.
        probability: calibrated, shape (n,).
        cutoff: from which F1, precision, recall and accuracy call a default; chosen on other rows.
    """
    generator = np.random.default_rng(seed)
    drawn = [
        figures(defaulted[places], probability[places], cutoff) for places in resamples(defaulted, draws, generator)
    ]
    whole = figures(defaulted, probability, cutoff)
    intervals = {name: _interval([one[name] for one in drawn]) for name in whole}
    return Judgement(figures=whole, intervals=intervals, rows=len(defaulted))


def figures(defaulted: Labels, probability: Probabilities, cutoff: float) -> Mapping[str, float]:
    """Figures by name; a default is the positive class."""
    called = probability >= cutoff
    true = float(np.sum(called & defaulted))
    defaults, calls = float(defaulted.sum()), float(called.sum())
    return {
        "auc": auc(defaulted, probability),
        "pr_auc": pr_auc(defaulted, probability),
        "f1": 2.0 * true / max(defaults + calls, 1.0),
        "precision": true / max(calls, 1.0),
        "recall": true / max(defaults, 1.0),
        "accuracy": float(np.mean(called == defaulted)),
        "brier": brier(defaulted, probability),
        "log_loss": log_loss(defaulted, probability),
        "ece": calibration_error(defaulted, probability),
        "ks": ks(defaulted, probability),
    }


def auc(defaulted: Labels, probability: Probabilities) -> float:
    """Area under the ROC curve: the chance that a default scores above a repaid loan, ties half."""
    values, group, size = np.unique(probability, return_inverse=True, return_counts=True)
    defaults_at = np.bincount(group, weights=defaulted, minlength=len(values))
    repaid_at = size - defaults_at
    below = np.cumsum(repaid_at) - repaid_at
    pairs = defaults_at.sum() * repaid_at.sum()
    return float(np.sum(defaults_at * (below + repaid_at / 2.0)) / pairs)


def pr_auc(defaulted: Labels, probability: Probabilities) -> float:
    """Average precision: precision at each recall step, weighted by the step."""
    order = np.argsort(-probability, kind="stable")
    ordered = probability[order]
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    true = np.cumsum(defaulted[order])[last]
    return float(np.sum(np.diff(true, prepend=0) * true / (last + 1)) / defaulted.sum())


def ks(defaulted: Labels, probability: Probabilities) -> float:
    """The greatest gap between the two classes' distributions of probability, in [0, 1]."""
    order = np.argsort(probability, kind="stable")
    ordered = probability[order]
    last = np.append(np.diff(ordered) != 0, True)
    hit = np.cumsum(defaulted[order]) / defaulted.sum()
    miss = np.cumsum(~defaulted[order]) / (~defaulted).sum()
    return float(np.max(np.abs(hit - miss)[last]))


def calibration_error(defaulted: Labels, probability: Probabilities, bins: int = ECE_BINS) -> float:
    """Mean distance of stated and observed default rate over bins of equal size, in [0, 1]."""
    stated, observed, size = calibration_curve(defaulted, probability, bins)
    return float(np.sum(size * np.abs(stated - observed)) / np.sum(size))


def calibration_curve(
    defaulted: Labels, probability: Probabilities, bins: int = ECE_BINS
) -> tuple[Probabilities, Probabilities, Probabilities]:
    """Stated rate, observed rate and rows of bins of (nearly) equal size, lowest first."""
    parts = np.array_split(np.argsort(probability, kind="stable"), min(bins, len(probability)))
    stated = np.array([probability[part].mean() for part in parts])
    observed = np.array([defaulted[part].mean() for part in parts])
    return stated, observed, np.array([len(part) for part in parts], dtype=np.float64)


def resamples(defaulted: Labels, draws: int, generator: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Rows drawn with replacement, as many as there are; a draw without one of the classes is drawn again.

    One draw is in memory at a time.

    Not so many of each class: how many default is chance, too, and what Brier score and log-loss vary with.

    Args:
        defaulted: shape (n,), both classes.
        draws: how many.
    """
    drawn = 0
    while drawn < draws:
        places = generator.integers(0, len(defaulted), len(defaulted))
        if 0 < int(defaulted[places].sum()) < len(places):
            drawn += 1
            yield places


def _interval(drawn: list[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, INTERVAL)
    return float(low), float(high)
