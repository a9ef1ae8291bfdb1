"""From rows to a scorecard that may become champion: one function, no registry, no broker.

The same rows, plan and seed give the same bundle, byte for byte: it contains no time and no run id.
The parts of `training.rows.split` never overlap.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scorecard.forest.forest import Forest
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.scorecard import Scorecard
from training.evaluation import calibration_choice, reason_check
from training.evaluation import discrimination_figures as evaluation
from training.fairness.fairness_report import FairnessReport
from training.families.family import FittedModel
from training.families.parity import Parity
from training.pipeline.fairness_step import fairness_of
from training.pipeline.free_memory import release_memory
from training.pipeline.plan import NO_PROGRESS, Material, Plan, TrainingProgress
from training.pipeline.recalibration import KeptForest
from training.pipeline.training_steps import TrainingSteps
from training.rows.labelled_rows import LabelledRows
from training.rows.split import Split
from training.rows.split_parts import SplitPart
from training.search.cross_validation import SearchData
from training.search.journal import FileJournal, Forgetful, Journal
from training.search.search import SearchResult, search


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCandidate:
    """A scorecard with all that judging it and telling of it takes."""

    plan: Plan
    material: Material
    scorecard: Scorecard
    judged: Scorecard
    """That the figures are of: the same, unless it was fitted once more to all rows."""
    split: Split
    found: SearchResult
    journal: Journal
    """Of the search; to be ended when a version is registered."""
    fitted: FittedModel
    calibrated: calibration_choice.CalibrationChoice
    judged_on: LabelledRows
    probability: npt.NDArray[np.float64]
    """On the judgement rows."""
    judgement: evaluation.Judgement
    cutoff: float
    """From which F1 and its like call a default; chosen on the rows for cut-offs."""
    logistic: npt.NDArray[np.float64]
    """A logistic regression's probabilities of the judgement rows."""
    cost_per_applicant: float
    """Of the policy on the rows for cut-offs, in lost good loans."""
    parity: Parity
    faults: tuple[str, ...]
    """Why it may not decide, in words."""
    reasons: tuple[reason_check.ReasonCount, ...]
    """For the judgement rows: how many are given each reason, and of how many it is true."""
    fairness: FairnessReport

    @property
    def logistic_auc(self) -> float:
        """Of the logistic regression, on the judgement rows."""
        return evaluation.auc(self.judged_on.defaulted, self.logistic)


def train_candidate(material: Material, plan: Plan, watch: TrainingProgress = NO_PROGRESS) -> TrainedCandidate:
    """The scorecard that a plan makes of rows, its bundle written.

    Raises:
        RowsError: the rows cannot be split.
        ReasonlessError: a feature has no reason text.
        ContractError: a feature tells, by its words, a protected characteristic that the contract does not declare.
        CompileError: the model cannot be made a forest of plain arrays.
        ParityError: the forest does not answer as the model does.
        StoppedError: `watch.stop` requested it.
    """
    release_memory()
    kept = material.kept
    if kept is not None:
        material = replace(material, rows=kept.decidable(material.contract, material.rows))
    work = TrainingSteps.of(material, plan)
    found, journal, model, forest = _searched_forest(work, watch) if kept is None else _kept_forest(kept)
    watch.step("calibrate")
    draft, calibrated = work.draft(model, forest)
    watch.step("prove")
    parity = work.parity(model, forest, draft)
    watch.step("explain")
    scorecard = work.write(draft, model, forest)
    watch.step("judge")
    probability, cutoff, cost = work.judge(scorecard)
    # A forest that is kept is fitted to nothing.
    refit = plan.refit and kept is None
    if refit:
        watch.step("refit")
    served, served_parity = work.refit(draft, model) if refit else (scorecard, parity)
    places = work.split.places(SplitPart.JUDGEMENT)
    # As they came: a champion of before may score a given ratio as it is given.
    rows, seen = material.rows.take(places), work.material.rows.take(places)
    policy = plan.policy or scorecard.policy
    return TrainedCandidate(
        plan=plan,
        material=material,
        scorecard=served,
        judged=scorecard,
        split=work.split,
        found=found,
        journal=journal,
        fitted=model,
        calibrated=calibrated,
        judged_on=rows,
        probability=probability,
        judgement=evaluation.judgement(rows.defaulted, probability, cutoff, plan.seed),
        cutoff=cutoff,
        logistic=work.logistic(),
        cost_per_applicant=cost,
        parity=served_parity,
        faults=decisions_without_reason(scorecard, seen, policy),
        reasons=reason_check.counts(scorecard, material.contract, seen.values, policy),
        fairness=fairness_of(work, scorecard, found),
    )


def _searched_forest(work: TrainingSteps, watch: TrainingProgress) -> tuple[SearchResult, Journal, FittedModel, Forest]:
    watch.step("search")
    searched = work.search_data()
    journal = _journal(searched, work.plan)
    found = search(searched, work.plan.budget, watch.trial, watch.stop, journal)
    release_memory()
    watch.step("fit")
    model = work.fit(found)
    release_memory()
    watch.step("compile")
    return found, journal, model, model.forest(len(work.features.columns))


def _kept_forest(kept: KeptForest) -> tuple[SearchResult, Journal, FittedModel, Forest]:
    return kept.search_result(), Forgetful(), kept.model(), kept.scorecard.forest


def _journal(searched: SearchData, plan: Plan) -> Journal:
    if plan.journals is None:
        return Forgetful()
    return FileJournal(plan.journals, searched.key(plan.budget))


def decisions_without_reason(scorecard: Scorecard, rows: LabelledRows, policy: Policy) -> tuple[str, ...]:
    """Applicants who would not be approved, and for whom the scorecard has no reason, in words; usually none."""
    scores = scorecard.score(rows.values)
    refused = outcomes(policy, scores.probability) != APPROVE
    features = rows.values[refused][:, scorecard.features.positions]
    reasonless = scorecard.reasons.principal_reasons(features, scores.contributions[refused]).places[:, 0] < 0
    if not reasonless.any():
        return ()
    return (f"{int(reasonless.sum())} of {int(refused.sum())} applicants not approved would hear no reason",)
