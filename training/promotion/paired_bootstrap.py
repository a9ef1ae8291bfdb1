"""Paired bootstrap of two scorecards on the same rows: the challenger's losses less the champion's, by figure.

Pure. A resample is a count of each row, so that all figures that are means, and one Newton step of the calibration
slope, are matrix products; the AUC takes the order of the probabilities, which no resample changes.
Rows of one group (near-clones, a borrower's loans) are drawn together (Field and Welsh, *Bootstrapping clustered
data*, 2007). A row's weight multiplies its count: rows of an exploration share weigh by one over that share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.calibration import SMALLEST, logit, sigmoid
from training.evaluation.calibration_choice import NEWTON_STEPS, RIDGE
from training.promotion.champion_comparison import ChampionComparison, Labels, Probabilities

Counts = npt.NDArray[np.float64]

DRAWS: Final = 1_000
"""Resamples: a standard error to 2 %, which a bound far out in the tail is multiplied from."""
BATCH: Final = 250_000
"""Counts held at once, rows times resamples: 2 MB, which a processor keeps near."""
MEANS: Final = ("cost", "brier", "log_loss")


@dataclass(frozen=True, slots=True)
class PairedFigure:
    """One figure of both, and what the challenger loses by it: positive is worse."""

    challenger: float
    champion: float
    loss: float
    drawn: Probabilities
    """The loss in each resample, shape (draws,)."""

    def error(self) -> float:
        """Standard error of the loss."""
        return float(np.std(self.drawn))


def paired_figures(comparison: ChampionComparison, seed: int, draws: int = DRAWS) -> Mapping[str, PairedFigure]:
    """Figures by name: `auc`, `cost`, `brier`, `log_loss`, `level` and `slope`.

    The loss of `level` is in the distance of stated and observed default rate, that of `slope` in its distance from 1.

    Args:
        comparison: both on the same rows, of both classes.
        seed: of the resampling.
        draws: how many resamples; those without one of the classes are drawn again.
    """
    sides = _Side.of(comparison, challenger=True), _Side.of(comparison, challenger=False)
    whole = [each.figures(comparison.weight[None, :], comparison.defaulted) for each in sides]
    drawn: list[list[Mapping[str, Probabilities]]] = [[], []]
    generator, left = np.random.default_rng(seed), draws
    _, group = np.unique(comparison.groups, return_inverse=True)
    while left > 0:
        counts = _counts(comparison, group, min(left, max(BATCH // len(comparison.defaulted), 1)), generator)
        left -= len(counts)
        for each, collected in zip(sides, drawn, strict=True):
            collected.append(each.figures(counts, comparison.defaulted))
    resampled = [{name: np.concatenate([part[name] for part in side]) for name in side[0]} for side in drawn]
    return {name: _pair(name, whole, resampled) for name in whole[0]}


def _pair(
    name: str, whole: list[Mapping[str, Probabilities]], resampled: list[dict[str, Probabilities]]
) -> PairedFigure:
    ours, theirs = (float(side[name][0]) for side in whole)
    losses = _badness(name, resampled[0][name]) - _badness(name, resampled[1][name])
    loss = float(_badness(name, np.array(ours)) - _badness(name, np.array(theirs)))
    return PairedFigure(challenger=ours, champion=theirs, loss=loss, drawn=np.asarray(losses))


def _badness(name: str, value: Probabilities) -> Probabilities:
    """The figure turned so that more is worse."""
    if name == "auc":
        return -value
    if name == "level":
        return np.abs(value)
    return np.abs(value - 1.0) if name == "slope" else value


def _counts(
    comparison: ChampionComparison, group: npt.NDArray[np.int64], draws: int, generator: np.random.Generator
) -> Counts:
    """Weighted counts of each row in resamples that have both classes, shape (draws or fewer, n).

    Args:
        comparison: whose rows are drawn.
        group: of each row, numbered from 0 without a gap; shape (n,).
        draws: how many resamples.
        generator: of the resampling.
    """
    groups = int(group.max()) + 1
    counts = np.empty((draws, len(group)))
    for draw in range(draws):
        drawn = np.bincount(generator.integers(0, groups, groups), minlength=groups)
        counts[draw] = drawn[group] * comparison.weight
    defaults = counts @ comparison.defaulted
    return np.asarray(counts[(defaults > 0.0) & (defaults < counts.sum(axis=1))])


@dataclass(frozen=True, slots=True)
class _Side:
    """What one scorecard's figures are computed from, once for all resamples."""

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    """Of ties, in that order."""
    rows: npt.NDArray[np.float64]
    """Shape (n, 8): cost, squared error, log-loss, stated less observed, and the Newton step's five sums."""
    slope: npt.NDArray[np.float64]
    """Intercept and slope of all rows."""

    @classmethod
    def of(cls, comparison: ChampionComparison, *, challenger: bool) -> "_Side":
        probability = comparison.challenger if challenger else comparison.champion
        cost = comparison.challenger_cost if challenger else comparison.champion_cost
        defaulted = comparison.defaulted
        order = np.argsort(probability, kind="stable")
        inside = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
        fitted, sums = _slope(probability, defaulted, comparison.weight)
        losses = np.column_stack(
            [
                cost,
                (probability - defaulted) ** 2,
                -np.where(defaulted, np.log(inside), np.log1p(-inside)),
                probability - defaulted,
                sums,
            ]
        )
        ties = np.append(True, np.diff(probability[order]) != 0.0)
        return cls(order, np.flatnonzero(ties), losses, fitted)

    def figures(self, counts: Counts, defaulted: Labels) -> Mapping[str, Probabilities]:
        """By name, shape (draws,) of counts of shape (draws, n)."""
        sums = counts @ self.rows
        means = sums / counts.sum(axis=1)[:, None]
        return {
            "auc": self._auc(counts, defaulted),
            **{name: means[:, place] for place, name in enumerate(MEANS)},
            "level": means[:, 3],
            "slope": self.slope[1] + _newton_step(sums[:, 4:]),
        }

    def _auc(self, counts: Counts, defaulted: Labels) -> Probabilities:
        ordered, labels = counts[:, self.order], defaulted[self.order]
        defaults, repaid = ordered * labels, ordered * ~labels
        if len(self.starts) < len(labels):
            defaults = np.add.reduceat(defaults, self.starts, axis=1)
            repaid = np.add.reduceat(repaid, self.starts, axis=1)
        below = np.cumsum(repaid, axis=1) - repaid / 2.0
        return np.asarray(np.einsum("ij,ij->i", defaults, below) / (defaults.sum(axis=1) * repaid.sum(axis=1)))


def _slope(
    probability: Probabilities, defaulted: Labels, weight: Probabilities
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Intercept and slope of observed on stated log-odds (Cox 1958), and each row's part of the next Newton step."""
    x = logit(probability)
    design = np.column_stack([np.ones(len(x)), x])
    fitted = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        stated = sigmoid(design @ fitted)
        curvature = design.T @ (design * (weight * stated * (1.0 - stated))[:, None]) + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (weight * (defaulted - stated)))
        # Bounded: where the classes are nearly parted, a whole step overshoots.
        fitted = fitted + np.clip(step, -1.0, 1.0)
        if not np.abs(step).max() >= RIDGE:
            break
    stated = sigmoid(design @ fitted)
    missed, spread = defaulted - stated, stated * (1.0 - stated)
    return fitted, np.column_stack([missed, missed * x, spread, spread * x, spread * x * x])


def _newton_step(sums: npt.NDArray[np.float64]) -> Probabilities:
    """Change of the slope by one step from where all rows have it, shape (draws,)."""
    missed, missed_x, spread, spread_x, spread_xx = sums.T
    determinant = (spread + RIDGE) * (spread_xx + RIDGE) - spread_x**2
    return np.asarray(((spread + RIDGE) * missed_x - spread_x * missed) / determinant)
