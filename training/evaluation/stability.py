"""A scorecard by calendar month of its unfitted rows: whether one month's applicants are judged as another's. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.small_groups import is_small
from schemas.tables.times import NO_TIME
from scorecard.stability_index import jeffreys, smooth_shares
from training.evaluation.discrimination_figures import auc
from training.rows.labelled_rows import LabelledRows

BINS: Final = 10

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Month:
    """One month's rows; a figure is NaN where too few people would give it."""

    name: str
    """Year and month, UTC."""
    rows: int
    defaulted: float
    """Share of defaults."""
    stated: float
    """Mean probability."""
    auc: float
    psi: float
    """Of the probability against all months together, in nats."""


def by_month(rows: LabelledRows, probability: Probabilities) -> tuple[Month, ...]:
    """Every month with enough people to be told, in order; none where rows have no times.

    Args:
        rows: that no forest was fitted to.
        probability: calibrated, shape (n,).
    """
    known = rows.applied_at != NO_TIME
    months = rows.applied_at.astype("datetime64[ms]").astype("datetime64[M]")
    found = [(str(month), known & (months == month)) for month in np.unique(months[known])]
    return tuple(
        _month(name, rows.defaulted[inside], probability[inside], probability)
        for name, inside in found
        if not is_small(int(inside.sum()))
    )


def _month(name: str, defaulted: npt.NDArray[np.bool_], stated: Probabilities, every: Probabilities) -> Month:
    defaults = int(defaulted.sum())
    told = not (is_small(defaults) or is_small(len(defaulted) - defaults))
    return Month(
        name=name,
        rows=len(defaulted),
        defaulted=float(defaulted.mean()),
        stated=float(stated.mean()),
        auc=auc(defaulted, stated) if told else float("nan"),
        psi=_psi(stated, every),
    )


def _psi(some: Probabilities, every: Probabilities) -> float:
    edges = np.unique(np.quantile(every, np.arange(1, BINS) / BINS))
    ours, whole = (
        np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1) for sample in (some, every)
    )
    return jeffreys(smooth_shares(whole), smooth_shares(ours))
