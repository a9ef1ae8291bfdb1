"""Whether a challenger beats the champion: better in cost or ranking, and no worse than its margins in all else.

Pure. Better is what a one-sided test says of the cost of the decisions or of the AUC, each at half of the level (of
the log-loss or the AUC where both approve all rows), so that of challengers that are no better one in twenty passes
the first look at a champion. The k-th look within a year has the level divided by k squared: all looks of a year
together pass one in twelve. No worse is what the upper end of the loss's 90 % interval says (ICH E9, 1998).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

from training.promotion.champion_comparison import ChampionComparison
from training.promotion.margins import Margins
from training.promotion.paired_bootstrap import PairedFigure, paired_figures

LEVEL: Final = 0.05
"""One challenger in twenty that is no better passes a first look."""
SHOWN: Final = frozenset({"cost", "auc", "log_loss"})
"""Figures whose interval is told."""
WORSE_BY: Final = 0.05
"""Beyond the upper end of a loss's interval."""
POWER: Final = 0.8
INTERVAL: Final = (0.025, 0.975)
WORDS: Final[Mapping[str, str]] = {
    "cost": "cost per applicant",
    "auc": "AUC",
    "brier": "Brier",
    "log_loss": "log-loss",
    "level": "stated less observed default rate",
    "slope": "calibration slope",
}


@dataclass(frozen=True, slots=True)
class ChallengerVerdict:
    """What came of it, in words; the challenger wins where nothing is lost, and surely where nothing is open."""

    lost: list[str]
    open: list[str]
    """Losses that these rows can neither show nor exclude."""
    won: list[str]


def challenger_verdict(comparison: ChampionComparison, margins: Margins, seed: int) -> ChallengerVerdict:
    """The challenger against the champion.

    Args:
        comparison: both on the same rows.
    """
    figures = paired_figures(comparison, seed)
    level = LEVEL / comparison.looks**2 / len(comparison.superior_by)
    better = [name for name in comparison.superior_by if is_better(figures[name], level)]
    told = [f"on the same {len(comparison.defaulted)} rows", *comparison.notes, *map(_difference, figures.items())]
    summary = f"{', '.join(told)}; {_power(figures['auc'], level)}{_look(comparison.looks)}"
    lost = [] if better else [f"no better than the champion: {summary}"]
    won = [f"better than the champion by {' and '.join(WORDS[name] for name in better)}: {summary}"] if better else []
    doubtful = []
    for name, figure in figures.items():
        margin = getattr(margins, name)
        if float(np.quantile(figure.drawn, 1.0 - WORSE_BY)) <= margin:
            continue
        sure = figure.loss > margin and float(np.quantile(figure.drawn, WORSE_BY)) > 0.0
        words = f"{_difference((name, figure))}, and may lose {margin:g}"
        if sure:
            lost.append(f"worse than the champion: {words}")
        else:
            doubtful.append(f"these rows cannot show that it is no worse than the champion: {words}")
    return ChallengerVerdict(lost, doubtful, won)


def is_better(figure: PairedFigure, level: float) -> bool:
    """Whether the loss is below zero by a one-sided test at that level."""
    return figure.loss + float(-ndtri(level)) * figure.error() < 0.0


def detectable(figure: PairedFigure, level: float) -> float:
    """The gain that four of five such samples would have shown."""
    return float(-ndtri(level) + ndtri(POWER)) * figure.error()


def _difference(named: tuple[str, PairedFigure]) -> str:
    name, figure = named
    low, high = np.quantile(_change(name, figure), INTERVAL)
    change = figure.challenger - figure.champion
    return (
        f"{WORDS[name]} {figure.challenger:.4f} against {figure.champion:.4f}"
        f" ({change:+.4f}, 95 % interval {low:+.4f} to {high:+.4f})"
        if name in SHOWN
        else f"{WORDS[name]} {figure.challenger:.4f} against {figure.champion:.4f}"
    )


def _change(name: str, figure: PairedFigure) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return -figure.drawn if name == "auc" else figure.drawn


def _power(figure: PairedFigure, level: float) -> str:
    return f"a gain in AUC of {detectable(figure, level):.4f} would have been seen four times in five"


def _look(looks: int) -> str:
    if looks == 1:
        return ""
    return f"; comparison {looks} with this champion within a year, so at the level of {LEVEL / looks**2:.4f}"
