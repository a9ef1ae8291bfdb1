"""The search for a family and its parameters: Hyperopt's TPE over grouped folds, seeded and bounded.

It sees only the rows to search on and those that stop boosting early; calibration,
cut-offs and judgement have other rows. The first trial of each family uses sound defaults,
so that a small budget is well spent. Trials in a journal are not fitted again.
Source: Bergstra et al., *Algorithms for hyper-parameter optimization*, 2011.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.errors import StoppedError
from scorecard.bulk.spark_session import refuse_without_pyspark
from training.evaluation.logistic_baseline import floor_auc
from training.families.family import FamilyParameters
from training.search.budget import Budget
from training.search.cross_validation import Attempt, SearchData, run_trial
from training.search.journal import Forgetful, Journal
from training.search.proposals import Proposals
from training.search.spark import OPTION, spark_map
from training.search.trial import Trial
from training.search.trial_choice import choose
from training.search.usable_families import usable_families

STARTS_BEFORE_TPE: Final = 6
"""Trials before the surrogate is used; Hyperopt's own 20 would make a usual budget a random search."""

Watch = Callable[[Trial], None]

FORGETFUL: Final = Forgetful()


@dataclass(frozen=True, slots=True)
class SearchResult:
    best: Trial
    trials: Sequence[Trial]
    floor_auc: float
    """Of a logistic regression on the same folds."""
    why: str
    out_of_fold: npt.NDArray[np.float64] | None = None
    """The best trial's probabilities, each by a model of the other folds, shape (n,); None: it did not run here."""


def search(
    searched: SearchData,
    budget: Budget,
    watch: Watch = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    journal: Journal = FORGETFUL,
) -> SearchResult:
    """The best choice within a budget.

    Args:
        watch: called with every trial as it ends, or is recalled.
        stop: called between trials.
        journal: answers for trials of an earlier search that was interrupted, and keeps those of this one.

    Raises:
        StoppedError: `stop` requested it.
        SparkError: there is no cluster where the budget names one.
    """
    logging.getLogger("hyperopt").setLevel(logging.WARNING)
    if budget.spark:
        refuse_without_pyspark(OPTION)
    out_of_fold: dict[int, npt.NDArray[np.float64]] = {}
    trials = _trials(searched, budget, watch, stop, journal, out_of_fold)
    best, why = choose(trials, budget)
    floor = floor_auc(searched.rows, searched.folds)
    return SearchResult(best=best, trials=trials, floor_auc=floor, why=why, out_of_fold=out_of_fold.get(best.number))


def _trials(  # noqa: PLR0913 - the search's own arguments, and what it fills in
    searched: SearchData,
    budget: Budget,
    watch: Watch,
    stop: Callable[[], bool],
    journal: Journal,
    out_of_fold: dict[int, npt.NDArray[np.float64]],
) -> Sequence[Trial]:
    """Trials, one or a batch of them proposed at once, with the same results wherever each runs.

    Fills in the probabilities of those that ran.
    """
    import hyperopt

    families, share = usable_families(budget.families), float(searched.rows.defaulted.mean())
    proposals = Proposals(families, share, budget.most_trees, _tpe(hyperopt), searched.seed)
    trials: list[Trial] = []
    ended = time.monotonic() + budget.seconds
    while not trials or not (_enough(trials, budget) or time.monotonic() >= ended):
        if stop():
            raise StoppedError
        choices = proposals.ask(min(budget.batch_size, budget.trials - len(trials)))
        known, fresh = _batch(searched, budget, list(enumerate(choices, len(trials))), journal)
        ended -= sum(trial.seconds for trial in known) / budget.batch_size
        for trial, probability in fresh:
            journal.keep(trial)
            out_of_fold[trial.number] = probability
        whole = [*known, *(trial for trial, _ in fresh)]
        for trial in whole:
            watch(trial)
        trials += whole
        proposals.tell([1.0 - trial.auc for trial in whole])
    return trials


def _batch(
    searched: SearchData, budget: Budget, numbered: Sequence[tuple[int, FamilyParameters]], journal: Journal
) -> tuple[Sequence[Trial], Sequence[Attempt]]:
    """The trials of a batch that a journal answers for, and the others, tried now; the journal's come first."""
    recalled = [journal.recall(number, choice) for number, choice in numbered]
    known = [trial for trial in recalled if trial is not None]
    left = numbered[len(known) :]
    attempt = partial(_attempt, searched=searched, budget=budget)
    if not left:
        return known, ()
    return known, spark_map(attempt, left) if budget.spark else [attempt(one) for one in left]


def _attempt(numbered: tuple[int, FamilyParameters], searched: SearchData, budget: Budget) -> Attempt:
    return run_trial(*numbered, searched, budget)


def _enough(trials: Sequence[Trial], budget: Budget) -> bool:
    best = max(trials, key=lambda trial: trial.auc)
    return len(trials) >= budget.trials or len(trials) - 1 - best.number >= budget.patience


def front(trials: Sequence[Trial]) -> Sequence[Trial]:
    """The trials that no other beats in both AUC and cost, cheapest first."""
    kept: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.cost, -trial.auc)):
        if not kept or trial.auc > kept[-1].auc:
            kept.append(trial)
    return kept


def _tpe(hyperopt: Any) -> Callable[..., Any]:
    def suggest(*args: Any, **kwargs: Any) -> Any:
        return hyperopt.tpe.suggest(*args, n_startup_jobs=STARTS_BEFORE_TPE, **kwargs)

    return suggest
