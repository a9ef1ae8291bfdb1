"""A picture of partial dependence: how the mean probability moves with each of the strongest features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from training.evaluation.partial_dependence import Dependence

ACROSS: Final = 3
INCHES: Final = (3.2, 2.6)
DPI: Final = 90
MOST_LETTERS: Final = 10


def draw_dependence(curves: Sequence[Dependence], path: Path) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    down = -(-len(curves) // ACROSS)
    figure = Figure(figsize=(ACROSS * INCHES[0], down * INCHES[1]), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    # One scale, so that the eye compares them.
    axes = figure.subplots(down, ACROSS, sharey=True, squeeze=False).ravel()
    for each, curve in zip(axes, curves, strict=False):
        _draw(each, curve)
    for unused in axes[len(curves) :]:
        unused.set_axis_off()
    figure.supylabel("mean probability of default")
    figure.savefig(path, metadata={"Software": None})
    return path


def _draw(axes: Any, curve: Dependence) -> None:
    axes.set_title(curve.feature, fontsize="medium")
    if curve.levels:
        axes.bar(range(len(curve.levels)), curve.probability)
        names = [level[:MOST_LETTERS] for level in curve.levels]
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize="x-small")
    else:
        axes.plot(curve.values, curve.probability, marker=".")
        axes.locator_params(axis="x", nbins=4)
