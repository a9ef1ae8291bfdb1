"""Cross-validation of one choice of family and parameters, over the folds of a search."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.fairness.applicant_groups import ApplicantGroup, least_impact_ratio
from training.families import family_registry
from training.families.family import FamilyParameters, TrainingSample
from training.families.family_registry import USUAL
from training.search.budget import Budget
from training.search.journal import key_of
from training.search.trial import Trial, TrialPreference

Attempt = tuple[Trial, npt.NDArray[np.float64]]
"""A trial, and its probabilities, each by a model of the other folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchData:
    rows: TrainingSample
    folds: npt.NDArray[np.int64]
    stopping: TrainingSample
    monotone: tuple[int, ...]
    seed: int
    groups: tuple[ApplicantGroup, ...] = ()
    """Of the rows, for the impact ratio of a trial's decisions."""
    approve_below: float = 0.0
    """The cut-off of those decisions."""

    def key(self, budget: Budget) -> str:
        """Id of a search of these rows in a journal; more trials or time do not change it."""
        drawn = [self.seed, self.monotone, budget.folds, budget.most_trees]
        # Journals of before named no families.
        named = [] if budget.families == USUAL else [budget.families]
        # Only the fairest trial depends on who is compared, and by which decisions.
        fair = budget.prefer is TrialPreference.FAIREST
        # Keys of before had no reference.
        groups = [[each.field, each.name, *([True] if each.reference else [])] for each in self.groups]
        compared = [groups, self.approve_below] if fair else []
        return key_of(self.rows, self.stopping, self.folds, [*drawn, *named, *compared])


def run_trial(number: int, choice: FamilyParameters, searched: SearchData, budget: Budget) -> Attempt:
    """Fit a choice on all folds but one, in turn, and measure it on the one left out."""
    began = time.perf_counter()
    probability, costs = cross_fit(choice, searched, budget.jobs)
    aucs, losses = zip(*(_fold_figures(searched, probability, fold) for fold in range(budget.folds)), strict=True)
    trial = Trial(
        number=number,
        choice=choice,
        auc=float(np.mean(aucs)),
        auc_sd=float(np.std(aucs)),
        log_loss=float(np.mean(losses)),
        cost=float(np.mean(costs)),
        seconds=time.perf_counter() - began,
        impact_ratio=least_impact_ratio(searched.groups, probability < searched.approve_below),
    )
    return trial, probability


def cross_fit(
    choice: FamilyParameters, searched: SearchData, jobs: int
) -> tuple[npt.NDArray[np.float64], Sequence[float]]:
    """Probabilities, each by a model of the other folds, shape (n,), and what each model costs to explain."""
    numbers = np.unique(searched.folds)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        answers = list(pool.map(lambda fold: _fold(choice, searched, int(fold)), numbers))
    probability = np.empty(len(searched.folds))
    for fold, (part, _) in zip(numbers, answers, strict=True):
        probability[searched.folds == fold] = part
    return probability, [cost for _, cost in answers]


def _fold_figures(searched: SearchData, probability: npt.NDArray[np.float64], fold: int) -> tuple[float, float]:
    from sklearn.metrics import log_loss, roc_auc_score

    held = searched.folds == fold
    defaulted = searched.rows.defaulted[held]
    return (
        float(roc_auc_score(defaulted, probability[held])),
        float(log_loss(defaulted, np.clip(probability[held], 1e-6, 1 - 1e-6))),
    )


def _fold(choice: FamilyParameters, searched: SearchData, fold: int) -> tuple[npt.NDArray[np.float64], float]:
    """Probabilities of the rows left out, by a model of all others, and its cost."""
    held = searched.folds == fold
    fitted, seed = searched.rows.take(~held), searched.seed + fold
    model = family_registry.fit(choice, fitted, searched.stopping, searched.monotone, seed)
    return model.probability(searched.rows.take(held).matrix), model.cost
