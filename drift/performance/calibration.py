"""How truly probabilities state risk: intercept and slope of Cox 1958, and bins. Pure."""

from typing import Final

import numpy as np
from scipy import special

from drift.performance.intervals import Flags, Floats, Z, rate
from schemas.events.performance import CalibrationBin, Figure

BINS: Final = 10
CLIP: Final = 1e-6
"""A probability of exactly 0 or 1 has no log-odds."""
STEPS: Final = 50
SETTLED: Final = 1e-9


def intercept(probability: Floats, defaulted: Flags) -> Figure | None:
    """Calibration in the large; None where no finite one fits best."""
    return _fitted(np.ones((len(probability), 1)), _log_odds(probability), defaulted)


def slope(probability: Floats, defaulted: Flags) -> Figure | None:
    """Of observed on stated log-odds; None where no finite one fits best, as where all pairs are in order."""
    log_odds = _log_odds(probability)
    if np.ptp(log_odds) == 0.0:
        return None
    return _fitted(np.column_stack([np.ones(len(log_odds)), log_odds]), np.zeros(len(log_odds)), defaulted)


def calibration_bins(probability: Floats, defaulted: Flags) -> tuple[CalibrationBin, ...]:
    """Up to ten bins of nearly equal size, lowest first."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    return tuple(
        CalibrationBin(len(part), float(probability[part].mean()), rate(int(defaulted[part].sum()), len(part)))
        for part in parts
    )


def _log_odds(probability: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(probability, CLIP, 1.0 - CLIP)))


def _fitted(design: Floats, offset: Floats, defaulted: Flags) -> Figure | None:
    """The last coefficient of a logistic regression, by Newton's steps; None where they do not settle."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(STEPS):
        stated = special.expit(design @ coefficients + offset)
        information = design.T @ (design * (stated * (1.0 - stated))[:, None])
        if np.linalg.cond(information) > 1.0 / np.finfo(np.float64).eps:
            return None
        step = np.linalg.solve(information, design.T @ (defaulted - stated))
        coefficients = coefficients + step
        if np.max(np.abs(step)) < SETTLED:
            half = Z * float(np.sqrt(np.linalg.inv(information)[-1, -1]))
            return Figure(float(coefficients[-1]), float(coefficients[-1]) - half, float(coefficients[-1]) + half)
    return None
