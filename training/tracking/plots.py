"""Plots of the judgement rows: ROC, precision and recall, calibration, confusion, importance, contributions.

Draws into files and nowhere else; contributions are the scorecard's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.small_groups import LEAST_PEOPLE
from training.evaluation.discrimination_figures import auc, calibration_curve, pr_auc

INCHES: Final = (6.0, 5.0)
DPI: Final = 90
VALUE_BINS: Final = 10
"""Of equal size, by a feature's value; fewer where they would hold less than `LEAST_PEOPLE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotData:
    """Data of the plots: the judgement rows."""

    defaulted: npt.NDArray[np.bool_]
    probability: npt.NDArray[np.float64]
    cutoff: float
    features: tuple[str, ...]
    contributions: npt.NDArray[np.float64]
    """Shape (n, features)."""
    encoded: npt.NDArray[np.float64]
    """Each feature's value as a number, for colour; shape of `contributions`."""


def draw_plots(pictured: PlotData, folder: Path) -> tuple[Path, ...]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in PICTURES.items():
        figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.add_subplot(), pictured)
        path = folder / f"{name}.png"
        # The software that drew it is a version, and would make the same picture another file.
        figure.savefig(path, metadata={"Software": None})
        paths.append(path)
    return tuple(paths)


def _roc(axes: Any, pictured: PlotData) -> None:
    called = np.argsort(-pictured.probability, kind="stable")
    hit = np.cumsum(pictured.defaulted[called]) / pictured.defaulted.sum()
    miss = np.cumsum(~pictured.defaulted[called]) / (~pictured.defaulted).sum()
    axes.plot(miss, hit, label=f"AUC {auc(pictured.defaulted, pictured.probability):.4f}")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    _label_axes(axes, "ROC", "repaid loans called defaults", "defaults called")
    axes.legend()


def _precision_recall(axes: Any, pictured: PlotData) -> None:
    called = np.argsort(-pictured.probability, kind="stable")
    true = np.cumsum(pictured.defaulted[called])
    precision = true / np.arange(1, len(called) + 1)
    area = pr_auc(pictured.defaulted, pictured.probability)
    axes.plot(true / pictured.defaulted.sum(), precision, label=f"average precision {area:.4f}")
    axes.axhline(pictured.defaulted.mean(), linestyle=":", color="grey")
    _label_axes(axes, "Precision and recall", "recall", "precision")
    axes.legend()


def _calibration(axes: Any, pictured: PlotData) -> None:
    stated, observed, _ = calibration_curve(pictured.defaulted, pictured.probability)
    axes.plot(stated, observed, marker="o")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    _label_axes(
        axes, "Calibration, ten bins of equal size", "stated probability of default", "observed share of defaults"
    )


def _confusion(axes: Any, pictured: PlotData) -> None:
    called = pictured.probability >= pictured.cutoff
    cells = np.array(
        [
            [np.sum((pictured.defaulted == truth) & (called == call)) for call in (False, True)]
            for truth in (False, True)
        ]
    )
    axes.imshow(cells, cmap="Blues")
    for truth, call in np.ndindex(cells.shape):
        axes.text(call, truth, str(cells[truth, call]), ha="center", va="center")
    axes.set_xticks([0, 1], ["called repaid", "called default"])
    axes.set_yticks([0, 1], ["repaid", "default"])
    axes.set_title(f"Confusion at {pictured.cutoff:.3f}")


def _importance(axes: Any, pictured: PlotData) -> None:
    mean = np.abs(pictured.contributions).mean(axis=0)
    order = np.argsort(mean)
    axes.barh([pictured.features[place] for place in order], mean[order])
    _label_axes(axes, "Importance", "mean absolute contribution", "")


def _contributions(axes: Any, pictured: PlotData) -> None:
    """A dot for each tenth of the applicants by a feature's value, dark where it is high: nobody is a dot."""
    order = np.argsort(np.abs(pictured.contributions).mean(axis=0))
    for height, place in enumerate(order):
        means = mean_contributions(pictured.encoded[:, place], pictured.contributions[:, place])
        ranks = np.linspace(0.0, 1.0, len(means))
        axes.scatter(means, np.full(len(means), height), c=ranks, s=30, alpha=0.7, cmap="viridis_r")
    axes.set_yticks(range(len(order)), [pictured.features[place] for place in order])
    _label_axes(axes, "Mean contributions by tenths of the value, darker for higher ones", "mean contribution", "")


def mean_contributions(
    values: npt.NDArray[np.float64], contributions: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Mean contribution of bins of equal size, lowest values first; each of `LEAST_PEOPLE` or more, so maybe none."""
    bins = min(VALUE_BINS, len(values) // LEAST_PEOPLE)
    if not bins:
        return np.empty(0)
    ranked = contributions[np.argsort(values, kind="stable")]
    return np.array([part.mean() for part in np.array_split(ranked, bins)])


PICTURES: Final[dict[str, Callable[[Any, PlotData], None]]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "confusion": _confusion,
    "importance": _importance,
    "contributions": _contributions,
}


def _label_axes(axes: Any, title: str, across: str, up: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
