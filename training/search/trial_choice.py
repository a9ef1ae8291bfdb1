"""Which trial of a search is taken: of those that are as good as the best, the cheapest or the fairest. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from training.search.budget import Budget
from training.search.trial import Trial, TrialPreference

AS_GOOD: Final = 0.001
"""Difference in AUC: trials closer than this are ranked by cost. Seeds alone move it by .004."""


def choose(trials: Sequence[Trial], budget: Budget) -> tuple[Trial, str]:
    """The trial to take, and why in words.

    Args:
        trials: at least one.
        budget: of the search; says what is preferred, and over how many folds figures are means.
    """
    top = max(trials, key=lambda trial: trial.auc)
    if budget.prefer is TrialPreference.FAIREST and any(trial.impact_ratio is not None for trial in trials):
        return _fairest(trials, top, top.auc_sd / math.sqrt(budget.folds))
    alike = [trial for trial in trials if trial.auc >= top.auc - AS_GOOD]
    best = min(alike, key=lambda trial: (trial.cost, trial.number))
    return best, f"{_name(best)}, the cheapest to explain of {len(alike)} within {AS_GOOD} of the best ({top.auc:.4f})"


def _fairest(trials: Sequence[Trial], top: Trial, noise: float) -> tuple[Trial, str]:
    """Within one standard error of the best (Breiman et al., *Classification and regression trees*, 1984)."""
    alike = [trial for trial in trials if trial.auc >= top.auc - noise]
    best = min(alike, key=lambda trial: (-_ratio(trial), trial.cost, trial.number))
    why = (
        f"{_name(best)}, the least discriminatory of {len(alike)} within {noise:.4f} (one standard error over the"
        f" folds) of the best ({top.auc:.4f}): least adverse impact ratio {_ratio(best):.3f},"
        f" the best's {_ratio(top):.3f}"
    )
    return best, why


def _ratio(trial: Trial) -> float:
    return 0.0 if trial.impact_ratio is None else trial.impact_ratio


def _name(trial: Trial) -> str:
    return f"trial {trial.number} ({trial.choice.family}): AUC {trial.auc:.4f} over the folds"
