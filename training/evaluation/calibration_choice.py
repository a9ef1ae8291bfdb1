"""Chooses a scorecard's calibration: the one that is better on rows that it was not fitted to.

Identity stays unless a fitted map lowers both Brier score and log-loss out of sample: with some thousand rows, isotonic
maps tie and overfit, and boosters are often already calibrated. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.calibration import Calibration, Identity, Isotonic, Platt, logit, sigmoid

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]
Fit = Callable[[Probabilities, Labels], Calibration]

NEWTON_STEPS: Final = 50
"""A two-parameter logistic regression is done in ten; more only where the classes are parted."""
RIDGE: Final = 1e-6
"""Keeps the steps finite where the classes are parted."""


@dataclass(frozen=True, slots=True)
class CalibrationChoice:
    """The calibration chosen, and what each candidate lost out of sample."""

    calibration: Calibration
    losses: Mapping[str, tuple[float, float]]
    """Brier score and log-loss by kind."""

    @property
    def kind(self) -> str:
        """The word for it."""
        return str(self.calibration.to_dict()["kind"])


def choose_calibration(raw: Probabilities, defaulted: Labels, folds: npt.NDArray[np.int64]) -> CalibrationChoice:
    """The calibration for these raw probabilities.

    Args:
        raw: shape (n,), of the calibration rows only.
        defaulted: shape (n,).
        folds: shape (n,): each fold is judged by maps fitted to the others.
    """
    losses = {kind: _out_of_sample(fit, raw, defaulted, folds) for kind, fit in FITTERS.items()}
    best = "identity"
    for kind in ("platt", "isotonic"):
        if all(new < old for new, old in zip(losses[kind], losses[best], strict=True)):
            best = kind
    return CalibrationChoice(calibration=FITTERS[best](raw, defaulted), losses=losses)


def platt(raw: Probabilities, defaulted: Labels) -> Platt:
    """The line in log-odds of greatest likelihood, labels drawn in as Platt does."""
    defaults = int(defaulted.sum())
    repaid = len(defaulted) - defaults
    target = np.where(defaulted, (defaults + 1.0) / (defaults + 2.0), 1.0 / (repaid + 2.0))
    design = np.column_stack([logit(raw), np.ones(len(raw))])
    weights = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        probability = sigmoid(design @ weights)
        curvature = design.T @ (design * (probability * (1.0 - probability))[:, None]) + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (target - probability))
        weights = weights + step
        if np.abs(step).max() < RIDGE:
            break
    # Calibration may not turn the ranking around; a falling line means that there is nothing to rank.
    return Platt(slope=max(float(weights[0]), 0.0), intercept=float(weights[1]))


def isotonic(raw: Probabilities, defaulted: Labels) -> Isotonic:
    """The non-decreasing map of least squared error."""
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, defaulted.astype(np.float64))
    return Isotonic(raw=tuple(fit.X_thresholds_.tolist()), calibrated=tuple(fit.y_thresholds_.tolist()), rows=len(raw))


def identity(_raw: Probabilities, _defaulted: Labels) -> Identity:
    """No map at all."""
    return Identity()


FITTERS: Final[Mapping[str, Fit]] = {"identity": identity, "platt": platt, "isotonic": isotonic}


def brier(defaulted: Labels, probability: Probabilities) -> float:
    """Mean squared distance of probability and outcome, in [0, 1]."""
    return float(np.mean((probability - defaulted) ** 2))


def log_loss(defaulted: Labels, probability: Probabilities) -> float:
    """Mean negative log-likelihood, in nats; the probabilities must lie inside (0, 1)."""
    return float(-np.mean(np.where(defaulted, np.log(probability), np.log1p(-probability))))


def _out_of_sample(
    fit: Fit, raw: Probabilities, defaulted: Labels, folds: npt.NDArray[np.int64]
) -> tuple[float, float]:
    out = np.empty(len(raw))
    for fold in np.unique(folds):
        held = folds == fold
        out[held] = fit(raw[~held], defaulted[~held]).apply(raw[held])
    return brier(defaulted, out), log_loss(defaulted, out)
