"""Calibration: from a forest's raw probability to a calibrated probability of default.

Three monotone maps; `training` chooses one by its result out of sample. All clip away from 0 and 1,
since an isotonic map emits both and no finite sample can prove either.
Sources: Platt, *Probabilistic outputs for support vector machines*, 1999; Zadrozny and Elkan,
*Transforming classifier scores into accurate multiclass probability estimates*, 2002.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError

Probabilities = npt.NDArray[np.float64]

SMALLEST: Final = 1e-6
"""If nothing else clips: keeps the log-odds of a raw probability finite."""


class CalibrationError(SetupError):
    """A saved calibration is of an unknown kind."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The raw probability itself."""

    def apply(self, raw: Probabilities) -> Probabilities:
        return _clip(raw, SMALLEST)

    def to_dict(self) -> Mapping[str, Any]:
        return {"kind": "identity"}


@dataclass(frozen=True, slots=True)
class Platt:
    """A line in log-odds: sigmoid(slope * logit(raw) + intercept)."""

    slope: float
    intercept: float

    def apply(self, raw: Probabilities) -> Probabilities:
        return _clip(sigmoid(self.slope * logit(raw) + self.intercept), SMALLEST)

    def to_dict(self) -> Mapping[str, Any]:
        return {"kind": "platt", "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A non-decreasing piecewise line through (raw[i], calibrated[i]), flat beyond its ends.

    `rows` is how many rows it was fitted on: probabilities are clipped to 1 / (rows + 2) from 0 and 1.
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]
    rows: int

    def apply(self, raw: Probabilities) -> Probabilities:
        return _clip(np.interp(raw, self.raw, self.calibrated), 1.0 / (self.rows + 2))

    def to_dict(self) -> Mapping[str, Any]:
        return {"kind": "isotonic", "raw": list(self.raw), "calibrated": list(self.calibrated), "rows": self.rows}


Calibration = Identity | Platt | Isotonic


def calibration_of(described: Mapping[str, Any]) -> Calibration:
    """The calibration from its plain data.

    Raises:
        CalibrationError: an unknown kind, or an isotonic map that falls.
    """
    match described:
        case {"kind": "identity"}:
            return Identity()
        case {"kind": "platt", "slope": slope, "intercept": intercept}:
            return Platt(slope=float(slope), intercept=float(intercept))
        case {"kind": "isotonic", "raw": raw, "calibrated": calibrated, "rows": rows}:
            _require_monotone(raw, calibrated)
            return Isotonic(raw=tuple(raw), calibrated=tuple(calibrated), rows=int(rows))
    problem = f"unknown calibration {described.get('kind')!r}"
    raise CalibrationError(problem)


def sigmoid(margin: Probabilities) -> Probabilities:
    """Probability of log-odds; exact at both ends of the range."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def logit(probability: Probabilities) -> Probabilities:
    """Log-odds of a probability, clipped so that they stay finite."""
    inside = _clip(probability, SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _clip(probability: Probabilities, margin: float) -> Probabilities:
    return np.asarray(np.clip(probability, margin, 1.0 - margin))


def _require_monotone(raw: list[float], calibrated: list[float]) -> None:
    if len(raw) != len(calibrated) or np.any(np.diff(raw) < 0) or np.any(np.diff(calibrated) < 0):
        problem = "an isotonic calibration must be two non-decreasing lists of one length"
        raise CalibrationError(problem)
