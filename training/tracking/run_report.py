"""The report of a training for its MLflow run: parameters, figures, plots, tables and a card."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from schemas.contract.contract import Contract
from schemas.small_groups import is_small
from scorecard.profile_sample import profile_sample
from scorecard.scorecard import Scores
from training.evaluation import segments
from training.evaluation.partial_dependence import Dependence, dependences
from training.evaluation.points_table import points_table
from training.evaluation.reason_check import ReasonCount
from training.fairness.fairness_report import group_table, proxy_table
from training.pipeline.pipeline import TrainedCandidate
from training.pipeline.plan import Plan
from training.promotion.gate import GateResult
from training.rows.admission import counts
from training.rows.labelled_rows import CleanRows, LabelledRows
from training.search.search import front
from training.tracking import mlflow_run, model_card, plots
from training.tracking.dependence_plot import draw_dependence
from training.tracking.model_record import TrainingRecord
from training.tracking.plots import PlotData
from training.tracking.vintage_table import vintage_table

REASON_COLUMNS: Final = tuple(field.name for field in fields(ReasonCount))
MOST_CURVES: Final = 9
EXAMPLES: Final = 5
"""Applicants in the model's input example."""


def params(contract: Contract, plan: Plan, cleaned: CleanRows) -> Mapping[str, Any]:
    """The training's facts before it begins."""
    return {
        "product": contract.product,
        "contract": contract.fingerprint,
        "seed": plan.seed,
        "with_pricing": plan.with_pricing,
        "trials": plan.budget.trials,
        "folds": plan.budget.folds,
        "patience": plan.budget.patience,
        "seconds": plan.budget.seconds,
        "batch": plan.budget.batch_size,
        "spark": plan.budget.spark,
        "cutoff_rule": plan.rule.value,
        "rows.source": cleaned.source,
        "rows.read": cleaned.read,
        "rows.kept": len(cleaned.rows),
        "rows.recent": int(cleaned.rows.recent.sum()),
        **{f"rows.admission.{word}": count for word, count in counts(cleaned.rows.admission).items()},
        "rows.digest": dataset_digest(cleaned.rows),
        "rows.ignored_columns": ", ".join(cleaned.ignored_columns) or "none",
        **{f"rows.left_out.{word}": count for word, count in cleaned.left_out.items()},
    }


def dataset_digest(rows: LabelledRows) -> str:
    """SHA-256 over the rows in their order, hexadecimal."""
    digest = hashlib.sha256()
    for array in (rows.values, rows.defaulted, rows.applied_at):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def log_run(run: mlflow_run.TrackedRun, made: TrainedCandidate, answer: GateResult, record: TrainingRecord) -> str:
    """Everything that is known once the verdict is there; gives the model card."""
    run.params(_made_params(made))
    run.metrics(_metrics(made))
    run.tags({"verdict": answer.verdict.value, "why": answer.why, "digest": made.scorecard.digest})
    scores = made.judged.score(made.judged_on.values)
    table = segments.table(made.material.contract, made.judged_on, scores.probability, made.scorecard.policy)
    card = model_card.text(made, answer, record)
    run.text(card, "model_card.md")
    run.text(table.to_csv(index=False), "segments.csv")
    run.text(group_table(made.fairness.figures).to_csv(index=False), "fairness.csv")
    run.text(proxy_table(made.fairness.proxies).to_csv(index=False), "proxies.csv")
    run.text(vintage_table(made.material.rows).to_csv(index=False), "vintages.csv")
    run.text(_trials(made).to_csv(index=False), "trials.csv")
    points = points_table(made.scorecard.forest, made.scorecard.features, made.scorecard.space)
    if points:
        run.text(pd.DataFrame(points).to_csv(index=False), "points.csv")
    told = [asdict(one) for one in made.reasons if not is_small(one.told)]
    run.text(pd.DataFrame(told, columns=REASON_COLUMNS).to_csv(index=False), "reasons.csv")
    with tempfile.TemporaryDirectory() as room:
        drawn = plots.draw_plots(_plot_data(made, scores), Path(room))
        dependence = draw_dependence(_dependences(made, scores), Path(room) / "partial_dependence.png")
        run.files((*drawn, dependence), "plots")
    return card


def example(made: TrainedCandidate) -> pd.DataFrame:
    """Some made-up applicants, for the model's input example."""
    card, contract = made.scorecard, made.material.contract
    values = profile_sample(card.profile, contract, EXAMPLES, with_pricing=card.features.with_pricing)
    return mlflow_run.example_of(contract, values)


def _made_params(made: TrainedCandidate) -> Mapping[str, Any]:
    return {
        "split": made.split.how,
        "family": made.scorecard.family,
        "choice": made.found.why,
        "calibration": made.calibrated.kind,
        "refit": made.judged is not made.scorecard,
        "approve_below": made.scorecard.policy.approve_below,
        "decline_from": made.scorecard.policy.decline_from,
        "policy": made.scorecard.policy.version,
        "reference": made.scorecard.profile.reference_id,
        "reference.from": "rows not fitted to" if made.material.window is None else "the command's window",
        **{f"best.{name}": value for name, value in made.found.best.choice.parameters.items()},
        **{f"split.{name}": size for name, size in made.split.sizes().items()},
    }


def _metrics(made: TrainedCandidate) -> Mapping[str, float]:
    judgement = made.judgement
    intervals = {
        f"{name}_{end}": value
        for name, ends in judgement.intervals.items()
        for end, value in zip(("low", "high"), ends, strict=True)
    }
    losses = {
        f"calibration.{kind}.{name}": value
        for kind, pair in made.calibrated.losses.items()
        for name, value in zip(("brier", "log_loss"), pair, strict=True)
    }
    return {
        **judgement.figures,
        **intervals,
        **losses,
        "cutoff_f1": made.cutoff,
        "logistic_auc": made.logistic_auc,
        "search.logistic_auc": made.found.floor_auc,
        "trees": made.fitted.trees,
        "nodes": len(made.scorecard.forest.feature),
        "cost_of_explanation": made.fitted.cost,
        "cost_per_applicant": made.cost_per_applicant,
        "rows_judged": judgement.rows,
        "least_adverse_impact_ratio": made.fairness.least_ratio,
        "parity.margin_error": made.parity.margin_error,
        "parity.contribution_error": made.parity.contribution_error,
    }


def _trials(made: TrainedCandidate) -> pd.DataFrame:
    """Every trial; `front` marks those that no other beats in both AUC and cost."""
    kept = {trial.number for trial in front(made.found.trials)}
    return pd.DataFrame(
        [
            {
                "number": trial.number,
                "family": trial.choice.family,
                "auc": trial.auc,
                "auc_sd": trial.auc_sd,
                "log_loss": trial.log_loss,
                "cost": trial.cost,
                "impact_ratio": trial.impact_ratio,
                "seconds": trial.seconds,
                "front": trial.number in kept,
                "chosen": trial.number == made.found.best.number,
                "parameters": dict(trial.choice.parameters),
            }
            for trial in made.found.trials
        ]
    )


def _dependences(made: TrainedCandidate, scores: Scores) -> Sequence[Dependence]:
    """Of the features that weigh most."""
    names = made.scorecard.features.names
    strongest = np.argsort(-np.abs(scores.contributions).mean(axis=0), kind="stable")[:MOST_CURVES]
    features = [names[place] for place in strongest]
    return dependences(made.judged, made.material.contract, made.judged_on.values, features)


def _plot_data(made: TrainedCandidate, scores: Scores) -> PlotData:
    space = made.scorecard.features
    values = made.judged_on.values[:, list(space.positions)]
    return PlotData(
        defaulted=made.judged_on.defaulted,
        probability=scores.probability,
        cutoff=made.cutoff,
        features=space.names,
        contributions=scores.contributions,
        encoded=np.where(np.isnan(values), -np.inf, values),
    )
