"""From rows to a scorecard that may become champion: one function, no registry, no broker.

The same rows, plan and seed give the same bundle, byte for byte: it contains no time and no run id.
The parts of `training.rows.split` never overlap.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Fault, Matrix
from schemas.contract.contract import ContractError
from schemas.contract.field_rules import declaration_problem
from scorecard import bundle
from scorecard.costs import sizes_of
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest, margins
from scorecard.policy import APPROVE, outcomes
from scorecard.profile_sample import profile_sample
from scorecard.reasons import ReasonBook
from scorecard.scorecard import Scorecard, raw_probability
from training.evaluation import calibration_choice, cutoffs, reason_check
from training.evaluation import discrimination_figures as evaluation
from training.evaluation.logistic_baseline import logistic
from training.families import family_registry
from training.families.family import FamilyParameters, FittedModel, TrainingSample
from training.families.parity import Parity, prove_parity
from training.pipeline.plan import NO_PROGRESS, Material, Plan, TrainingProgress
from training.pipeline.recalibration import PROVEN, KeptForest
from training.pipeline.reference_population import Draft, peers, population_profile
from training.rows.labelled_rows import LabelledRows
from training.rows.rare_levels import learnable_features
from training.rows.split import Split, SplitPart, clone_keys, folds, split
from training.search.journal import FileJournal, Forgetful, Journal
from training.search.search import SearchData, SearchResult, search

CALIBRATION_FOLDS: Final = 5
PARITY_ROWS: Final = 100
"""A library takes milliseconds to explain one, and each is explained twice; a forest that errs errs on many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCandidate:
    """A scorecard with all that judging it and telling of it takes."""

    plan: Plan
    material: Material
    scorecard: Scorecard
    """As it is registered."""
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
    kept = material.kept
    if kept is not None:
        material = replace(material, rows=kept.decidable(material.contract, material.rows))
    work = _Work.of(material, plan)
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
    rows = material.rows.take(work.split.places(SplitPart.JUDGEMENT))
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
        faults=decisions_without_reason(scorecard, rows),
        reasons=reason_check.counts(scorecard, material.contract, rows.values),
    )


def _searched_forest(work: "_Work", watch: TrainingProgress) -> tuple[SearchResult, Journal, FittedModel, Forest]:
    watch.step("search")
    searched = work.search_data()
    journal = _journal(searched, work.plan)
    found = search(searched, work.plan.budget, watch.trial, watch.stop, journal)
    watch.step("fit")
    model = work.fit(found)
    watch.step("compile")
    return found, journal, model, model.forest(len(work.features.columns))


def _kept_forest(kept: KeptForest) -> tuple[SearchResult, Journal, FittedModel, Forest]:
    return kept.search_result(), Forgetful(), kept.model(), kept.scorecard.forest


def _journal(searched: SearchData, plan: Plan) -> Journal:
    if plan.journals is None:
        return Forgetful()
    return FileJournal(plan.journals, searched.key(plan.budget))


def decisions_without_reason(scorecard: Scorecard, rows: LabelledRows) -> tuple[str, ...]:
    """Applicants whom the scorecard would not approve, and for whom it has no reason, in words; usually none."""
    scores = scorecard.score(rows.values)
    refused = outcomes(scorecard.policy, scores.probability) != APPROVE
    features = rows.values[refused][:, scorecard.features.positions]
    reasonless = scorecard.reasons.principal_reasons(features, scores.contributions[refused]).places[:, 0] < 0
    if not reasonless.any():
        return ()
    return (f"{int(reasonless.sum())} of {int(refused.sum())} applicants not approved would hear no reason",)


@dataclass(frozen=True, slots=True)
class _Work:
    """Context of every step of one training."""

    material: Material
    plan: Plan
    features: FeatureSpace
    split: Split
    encoded: TrainingSample
    keys: npt.NDArray[np.object_]

    @classmethod
    def of(cls, material: Material, plan: Plan) -> "_Work":
        contract, rows = material.contract, material.rows
        if material.kept is None:
            features = learnable_features(contract, rows.values, with_pricing=plan.with_pricing)
        else:
            features = material.kept.scorecard.features
        # What may not be scored is refused before any work, and so is a feature without a reason text.
        problem = declaration_problem(features.fields)
        if problem:
            raise ContractError(problem)
        ReasonBook.of(features.fields, np.zeros(len(features.names)))
        parts = split(contract, rows, plan.seed, plan.method)
        return cls(
            material=material,
            plan=plan,
            features=features,
            split=parts if material.kept is None else material.kept.split(parts, rows),
            encoded=TrainingSample(features.encode(rows.values), rows.defaulted),
            keys=clone_keys(contract, rows),
        )

    def sample(self, part: SplitPart) -> TrainingSample:
        return self.encoded.take(self.split.places(part))

    def search_data(self) -> SearchData:
        return SearchData(
            rows=self.sample(SplitPart.SEARCH),
            folds=folds(self.keys[self.split.places(SplitPart.SEARCH)], self.plan.budget.folds, self.plan.seed),
            stopping=self.sample(SplitPart.STOPPING),
            monotone=self.features.monotone,
            seed=self.plan.seed,
        )

    def fit(self, found: SearchResult) -> FittedModel:
        parts = self.sample(SplitPart.SEARCH), self.sample(SplitPart.STOPPING)
        return family_registry.fit(found.best.choice, *parts, self.features.monotone, self.plan.seed)

    def draft(self, model: FittedModel, forest: Forest) -> tuple[Draft, calibration_choice.CalibrationChoice]:
        forest_space = model.family.contribution_space
        own, others = self.sample(SplitPart.CALIBRATION), self.sample(SplitPart.CUTOFFS)
        own_folds = folds(self.keys[self.split.places(SplitPart.CALIBRATION)], CALIBRATION_FOLDS, self.plan.seed)
        raw = raw_probability(forest_space, margins(forest, own.matrix))
        chosen = calibration_choice.choose_calibration(raw, own.defaulted, own_folds)
        stated = chosen.calibration.apply(raw_probability(forest_space, margins(forest, others.matrix)))
        draft = Draft(
            contract=self.material.contract,
            features=self.features,
            space=forest_space,
            explainer=Explainer(forest, self.features.groups, len(self.features.names)),
            calibration=chosen.calibration,
            policy=cutoffs.policy(self.plan.rule, stated, others.defaulted, self.plan.costs, self._sizes()),
        )
        return draft, chosen

    def parity(self, model: FittedModel, forest: Forest, draft: Draft) -> Parity:
        if self.material.kept is not None:
            return PROVEN
        rows = self.material.rows.values[self.split.places(SplitPart.JUDGEMENT)]
        served = self.features.encode(with_missing_values(self.features, rows[:PARITY_ROWS]))
        return prove_parity(model.family, model.model, forest, draft.explainer, served)

    def refit(self, draft: Draft, model: FittedModel) -> tuple[Scorecard, Parity]:
        """The same choice fitted to all rows, with as many trees, and the calibration and cut-offs that were judged."""
        choice = FamilyParameters(model.choice.family, {**model.choice.parameters, "trees": float(model.trees)})
        # Rows of the stopping part are among those that it learns from, so that it does not stop before its last tree.
        parts = self.encoded.take(self.split.parts >= SplitPart.SEARCH), self.sample(SplitPart.STOPPING)
        again = family_registry.fit(choice, *parts, self.features.monotone, self.plan.seed)
        forest = again.forest(len(self.features.columns))
        explainer = Explainer(forest, self.features.groups, len(self.features.names))
        whole = replace(draft, explainer=explainer)
        return self.write(whole, again, forest, SplitPart.JUDGEMENT), self.parity(again, forest, whole)

    def write(self, draft: Draft, model: FittedModel, forest: Forest, last: SplitPart = SplitPart.CUTOFFS) -> Scorecard:
        """The whole scorecard, as in its bundle, made of the parts up to `last`."""
        contract, rows = self.material.contract, self.material.rows
        unfitted = rows.values[self.split.parts > SplitPart.SEARCH]
        compared = peers(draft, unfitted)
        parts = bundle.ScorecardParts(
            name=self.plan.name,
            family=model.family.name,
            space=draft.space,
            features=self.features,
            forest=forest,
            calibration=draft.calibration,
            policy=draft.policy,
            reason_baseline=compared.baseline,
            typical=compared.typical,
            profile=population_profile(
                draft,
                self._reference(unfitted),
                compared,
                self.plan.bins,
                None if self.material.window is None else unfitted,
            ),
        )
        # Nobody's: a bundle is copied to every machine that decides.
        shown = profile_sample(parts.profile, contract, bundle.EXPECTED_ROWS, with_pricing=self.features.with_pricing)
        made_of = rows.identities[(self.split.parts >= SplitPart.SEARCH) & (self.split.parts <= last)]
        if self.material.kept is not None:
            made_of = np.union1d(made_of, self.material.kept.made_of)
        digest = bundle.write(parts, contract, shown, self.material.folder, made_of)
        return bundle.scorecard_of(parts, contract, digest)

    def judge(self, scorecard: Scorecard) -> tuple[npt.NDArray[np.float64], float, float]:
        """Probabilities of the judgement rows, the cut-off of F1 and the policy's cost on those for cut-offs."""
        values = self.material.rows.values
        probability = scorecard.score(values[self.split.places(SplitPart.JUDGEMENT)]).probability
        stated = scorecard.score(values[self.split.places(SplitPart.CUTOFFS)]).probability
        defaulted = self.sample(SplitPart.CUTOFFS).defaulted
        cost = cutoffs.cost(scorecard.policy, stated, defaulted, self.plan.costs, self._sizes())
        return probability, cutoffs.best_f1(stated, defaulted), cost

    def logistic(self) -> npt.NDArray[np.float64]:
        fitted = SplitPart.SEARCH if self.material.kept is None else SplitPart.CALIBRATION
        return logistic(self.sample(fitted), self.sample(SplitPart.JUDGEMENT))

    def _sizes(self) -> cutoffs.Sizes | None:
        """Of the rows for cut-offs; a loan without an amount counts as one of the mean."""
        if not self.plan.amount:
            return None
        column = self.material.contract.position[self.plan.amount]
        amounts = self.material.rows.values[self.split.places(SplitPart.CUTOFFS), column]
        return sizes_of(amounts)

    def _reference(self, unfitted: Matrix) -> Matrix:
        window = self.material.window
        if window is None:
            return unfitted
        scorable = self.features.faults(self.material.contract, window).codes == Fault.NONE
        return np.asarray(window[scorable])


def with_missing_values(features: FeatureSpace, values: Matrix) -> Matrix:
    """The rows, and after each a copy without one of the features that may be missing: each of these in turn.

    Args:
        features: scored.
        values: shape (n, observed fields of the contract).
    """
    emptied = values.copy()
    optional = [place for field, place in zip(features.fields, features.positions, strict=True) if field.missing]
    if optional:
        emptied[np.arange(len(values)), np.resize(optional, len(values))] = np.nan
    return np.stack([values, emptied], axis=1).reshape(-1, values.shape[1])
