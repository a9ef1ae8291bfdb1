"""The fairness of a judged scorecard on its training's rows."""

import numpy as np

from schemas.contract.contract import Kind, Role
from scorecard.policy import APPROVE, outcomes
from scorecard.scorecard import Scorecard
from training.fairness.applicant_groups import watched_groups
from training.fairness.fairness_report import FairnessReport
from training.fairness.group_figures import group_figures
from training.fairness.proxies import ScoredFeatures, proxies
from training.pipeline.training_steps import TrainingSteps
from training.search.search import SearchResult


def fairness_of(steps: TrainingSteps, scorecard: Scorecard, found: SearchResult) -> FairnessReport:
    """Decisions by group on all rows that a forest not fitted to them can score, and proxies among the features."""
    contract = steps.material.contract
    stated = steps.honest_probability(scorecard, found)
    known = ~np.isnan(stated)
    rows, stated = steps.material.rows.take(known), stated[known]
    groups = watched_groups(contract, rows.values)
    if not groups:
        return FairnessReport(rows=len(rows))
    numbers = {
        field.name: rows.values[:, place]
        for place, field in enumerate(contract.observed)
        if field.role is Role.WATCHED and field.kind is Kind.NUMBER
    }
    approved = outcomes(steps.plan.policy or scorecard.policy, stated) == APPROVE
    features = ScoredFeatures(steps.features, steps.encoded.matrix[known])
    return FairnessReport(
        rows=len(rows),
        figures=group_figures(groups, rows.defaulted, stated, approved),
        proxies=proxies(groups, numbers, features, steps.plan.seed),
    )
