"""Paired bootstrap of two scorecards on the same rows: the challenger's losses less the champion's, by figure.

Pure. A resample is a count of each row, so that all figures that are means, and one Newton step of the calibration
slope, are weighted sums; the AUC takes the order of the probabilities, which no resample changes: one pass for each.
Rows of one group (near-clones, a borrower's loans) are drawn together (Field and Welsh, *Bootstrapping clustered
data*, 2007). A row's weight multiplies its count: rows of an exploration share weigh by one over that share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from scorecard.calibration import SMALLEST, logit, sigmoid
from training.evaluation.calibration_choice import NEWTON_STEPS, RIDGE
from training.promotion.champion_comparison import ChampionComparison, Labels, Probabilities
from training.promotion.resample_sums import HEAD, count_draws, resample_sums

DRAWS: Final = 1_000
"""Resamples: a standard error to 2 %, which a bound far out in the tail is multiplied from."""
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
        draws: how many resamples; those without one of the classes are drawn again.
    """
    return _pairs([_Side.of(comparison, challenger=ours) for ours in (True, False)], seed, draws)


def paired_auc(comparison: ChampionComparison, seed: int, draws: int = DRAWS) -> PairedFigure:
    """The AUC alone, of the same resamples."""
    sides = [_Side.of_order(comparison, challenger=ours) for ours in (True, False)]
    return _pairs(sides, seed, draws)["auc"]


def _pairs(sides: Sequence["_Side"], seed: int, draws: int) -> Mapping[str, PairedFigure]:
    groups = int(sides[0].group.max()) + 1
    whole = [side.figures(side.sums(np.ones(groups))[None, :]) for side in sides]
    generator, counts = np.random.default_rng(seed), np.empty(groups)
    drawn: list[list[npt.NDArray[np.float64]]] = [[], []]
    while len(drawn[0]) < draws:
        count_draws(generator.integers(0, groups, groups), counts)
        sums = [side.sums(counts) for side in sides]
        if sums[0][0] > 0.0 and sums[0][1] > 0.0:
            for collected, one in zip(drawn, sums, strict=True):
                collected.append(one)
    resampled = [side.figures(np.array(collected)) for side, collected in zip(sides, drawn, strict=True)]
    return {name: _pair(name, whole, resampled) for name in whole[0]}


def _pair(
    name: str, whole: list[Mapping[str, Probabilities]], resampled: list[Mapping[str, Probabilities]]
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


@dataclass(frozen=True, slots=True)
class _Side:
    """What one scorecard's figures are computed from, once for all resamples; rows by its probability."""

    order: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    weight: Probabilities
    defaulted: Labels
    tied: npt.NDArray[np.bool_]
    """Whether a row's probability is that of the row before."""
    columns: npt.NDArray[np.float64]
    """Cost, squared error, log-loss, stated less observed, and the Newton step's five sums; or none."""
    slope: float

    @classmethod
    def of_order(cls, comparison: ChampionComparison, *, challenger: bool) -> "_Side":
        """For the AUC alone."""
        probability = comparison.challenger if challenger else comparison.champion
        order = np.argsort(probability, kind="stable")
        _, group = np.unique(comparison.groups, return_inverse=True)
        return cls(
            order=order,
            group=group[order],
            weight=comparison.weight[order],
            defaulted=comparison.defaulted[order],
            tied=np.append(False, np.diff(probability[order]) == 0.0),
            columns=np.empty((len(order), 0)),
            slope=np.nan,
        )

    @classmethod
    def of(cls, comparison: ChampionComparison, *, challenger: bool) -> "_Side":
        """For every figure."""
        ordered = cls.of_order(comparison, challenger=challenger)
        probability = comparison.challenger if challenger else comparison.champion
        cost = comparison.challenger_cost if challenger else comparison.champion_cost
        defaulted = comparison.defaulted
        inside = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
        fitted, sums = _slope(probability, defaulted, comparison.weight)
        columns = np.column_stack(
            [
                cost,
                (probability - defaulted) ** 2,
                -np.where(defaulted, np.log(inside), np.log1p(-inside)),
                probability - defaulted,
                sums,
            ]
        )
        return replace(ordered, columns=np.ascontiguousarray(columns[ordered.order]), slope=float(fitted[1]))

    def sums(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Of one resample, as `resample_sums` writes them; `counts` of each group, shape (groups,)."""
        sums = np.empty(HEAD + self.columns.shape[1])
        resample_sums(counts, self.group, self.weight, self.defaulted, self.tied, self.columns, sums)
        return sums

    def figures(self, sums: npt.NDArray[np.float64]) -> Mapping[str, Probabilities]:
        """By name, shape (draws,) of sums of shape (draws, 3 + columns)."""
        defaults, repaid, pairs = sums.T[:HEAD]
        auc = {"auc": pairs / (defaults * repaid)}
        if not self.columns.shape[1]:
            return auc
        means = sums[:, HEAD:] / (defaults + repaid)[:, None]
        return {
            **auc,
            **{name: means[:, place] for place, name in enumerate(MEANS)},
            "level": means[:, len(MEANS)],
            "slope": self.slope + _newton_step(sums[:, HEAD + len(MEANS) + 1 :]),
        }


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
