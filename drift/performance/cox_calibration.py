"""Calibration of probabilities: intercept and slope of Cox 1958, and bins. Pure."""

from typing import Final

import numpy as np
from scipy import special

from drift.performance.intervals import Flags, Floats, Z, rate
from schemas.events.performance import CalibrationBin, Figure
from schemas.small_groups import LEAST_PEOPLE

BINS: Final = 10
CLIP: Final = 1e-6
"""A probability of exactly 0 or 1 has no log-odds."""
STEPS: Final = 50
SETTLED: Final = 1e-9
LONGEST: Final = 5.0
"""Of a step, in log-odds: beyond, the likelihood may be flat to the last digit."""


def intercept(probability: Floats, defaulted: Flags) -> Figure | None:
    """Calibration in the large; None where no finite one fits best."""
    return _newton(np.ones((len(probability), 1)), _log_odds(probability), defaulted)


def slope(probability: Floats, defaulted: Flags) -> Figure | None:
    """Of observed on stated log-odds; None where no finite one fits best, as where all pairs are in order."""
    log_odds = _log_odds(probability)
    if np.ptp(log_odds) == 0.0:
        return None
    return _newton(np.column_stack([np.ones(len(log_odds)), log_odds]), np.zeros(len(log_odds)), defaulted)


def calibration_bins(probability: Floats, defaulted: Flags) -> tuple[CalibrationBin, ...]:
    """Up to ten bins of nearly equal size, lowest first: as many as leave no bin with too few loans."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, max(1, min(BINS, len(order) // LEAST_PEOPLE)))
    return tuple(
        CalibrationBin(len(part), float(probability[part].mean()), rate(int(defaulted[part].sum()), len(part)))
        for part in parts
    )


def _log_odds(probability: Floats) -> Floats:
    return np.asarray(special.logit(np.clip(probability, CLIP, 1.0 - CLIP)))


def _newton(design: Floats, offset: Floats, defaulted: Flags) -> Figure | None:
    """The last coefficient of a logistic regression; None where the likelihood has no maximum.

    Newton's steps, bounded, and halved until the likelihood is no less: far from the maximum a whole step overshoots.
    """

    def likelihood(of: Floats) -> float:
        log_odds = design @ of + offset
        return float(np.sum(defaulted * log_odds - np.logaddexp(0.0, log_odds)))

    coefficients, reached = np.zeros(design.shape[1]), likelihood(np.zeros(design.shape[1]))
    for _ in range(STEPS):
        stated = special.expit(design @ coefficients + offset)
        information = design.T @ (design * (stated * (1.0 - stated))[:, None])
        if np.linalg.cond(information) > 1.0 / np.finfo(np.float64).eps:
            return None
        step = np.linalg.solve(information, design.T @ (defaulted - stated))
        step = step * min(1.0, LONGEST / max(float(np.max(np.abs(step))), LONGEST))
        settled = np.max(np.abs(step)) < SETTLED
        while not settled and likelihood(coefficients + step) < reached:
            step = step / 2.0
            settled = np.max(np.abs(step)) < SETTLED
        coefficients, reached = coefficients + step, likelihood(coefficients + step)
        if settled:
            half = Z * float(np.sqrt(np.linalg.inv(information)[-1, -1]))
            return Figure(float(coefficients[-1]), float(coefficients[-1]) - half, float(coefficients[-1]) + half)
    return None
