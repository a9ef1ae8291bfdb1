"""The steps of one training, each from what those before it made.

`training.pipeline.pipeline` takes them in their order. The parts of `training.rows.split` never overlap.
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
from scorecard.profile_sample import profile_sample
from scorecard.reasons import ReasonBook
from scorecard.scorecard import Scorecard, raw_probability
from training.evaluation import calibration_choice, cutoffs
from training.evaluation.auc_offset import auc_offset
from training.evaluation.logistic_baseline import logistic
from training.fairness.applicant_groups import watched_groups
from training.families import family_registry
from training.families.family import FamilyParameters, FittedModel, TrainingSample
from training.families.parity import Parity, prove_parity
from training.pipeline.plan import Material, Plan
from training.pipeline.recalibration import PROVEN
from training.pipeline.reference_population import Draft, peers, population_profile
from training.rows.rare_levels import learnable_features
from training.rows.split import Split, clone_keys, folds, split
from training.rows.split_parts import SplitPart
from training.search.cross_validation import SearchData, cross_fit
from training.search.search import SearchResult

CALIBRATION_FOLDS: Final = 5
PARITY_ROWS: Final = 100
"""A library takes milliseconds to explain one, and each is explained twice; a forest that errs errs on many."""


@dataclass(frozen=True, slots=True)
class TrainingSteps:
    material: Material
    plan: Plan
    features: FeatureSpace
    split: Split
    encoded: TrainingSample
    keys: npt.NDArray[np.object_]

    @classmethod
    def of(cls, material: Material, plan: Plan) -> "TrainingSteps":
        """Features, parts and encoded rows; each row keeps its identity, by what its source gave.

        Raises:
            RowsError: the rows cannot be split.
            ReasonlessError: a feature has no reason text.
            ContractError: a feature may not be scored.
        """
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
        window = None if material.window is None else features.with_computed_ratios(material.window)
        rows = replace(rows, ids=rows.identities, values=features.with_computed_ratios(rows.values))
        return cls(
            material=replace(material, rows=rows, window=window),
            plan=plan,
            features=features,
            split=parts if material.kept is None else material.kept.split(parts, rows),
            encoded=TrainingSample(features.encode(rows.values), rows.defaulted),
            keys=clone_keys(contract, rows),
        )

    def sample(self, part: SplitPart) -> TrainingSample:
        return self.encoded.take(self.split.places(part))

    def search_data(self) -> SearchData:
        """Input of the search, near-clones in one fold.

        Its trials are decided by the operator's cut-offs or, without any, by those that follow from the costs: those of
        F1, Youden or amounts are chosen after the search, of calibrated probabilities.
        """
        policy = self.plan.policy or cutoffs.least_cost(self.plan.costs)
        return SearchData(
            rows=self.sample(SplitPart.SEARCH),
            folds=folds(self.keys[self.split.places(SplitPart.SEARCH)], self.plan.budget.folds, self.plan.seed),
            stopping=self.sample(SplitPart.STOPPING),
            monotone=self.features.monotone,
            seed=self.plan.seed,
            groups=watched_groups(
                self.material.contract, self.material.rows.values[self.split.places(SplitPart.SEARCH)]
            ),
            approve_below=policy.approve_below,
        )

    def fit(self, found: SearchResult) -> FittedModel:
        parts = self.sample(SplitPart.SEARCH), self.sample(SplitPart.STOPPING)
        return family_registry.fit(found.best.choice, *parts, self.features.monotone, self.plan.seed)

    def draft(self, model: FittedModel, forest: Forest) -> tuple[Draft, calibration_choice.CalibrationChoice]:
        """The scorecard as far as its cut-offs, each made of its own part."""
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
            auc_offset=auc_offset(others.defaulted, stated, self.plan.seed),
        )
        return draft, chosen

    def parity(self, model: FittedModel, forest: Forest, draft: Draft) -> Parity:
        """The compiled forest against the library. Raises ParityError."""
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
        # Whom reasons compare with, and the outcomes that drift is measured from, are those of the cut-offs in force.
        decided = replace(draft, policy=self.plan.policy or draft.policy)
        compared = peers(decided, unfitted)
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
                decided,
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

    def honest_probability(self, scorecard: Scorecard, found: SearchResult) -> npt.NDArray[np.float64]:
        """Of each row, by a forest that was not fitted to it; NaN where there is none. Shape (n,).

        Rows of the search are scored by the same choice fitted to the other folds, and calibrated as the scorecard is.
        """
        parts, values = self.split.parts, self.material.rows.values
        probability = np.full(len(parts), np.nan)
        unfitted = parts > SplitPart.SEARCH
        probability[unfitted] = scorecard.score(values[unfitted]).probability
        if self.material.kept is None:
            raw = found.out_of_fold
            if raw is None:
                raw, _ = cross_fit(found.best.choice, self.search_data(), self.plan.budget.jobs)
            probability[parts == SplitPart.SEARCH] = scorecard.calibration.apply(raw)
        return probability

    def logistic(self) -> npt.NDArray[np.float64]:
        """A logistic regression's probabilities of the judgement rows."""
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
        values: shape (n, observed fields of the contract).
    """
    emptied = values.copy()
    optional = [place for field, place in zip(features.fields, features.positions, strict=True) if field.missing]
    if optional:
        emptied[np.arange(len(values)), np.resize(optional, len(values))] = np.nan
    return np.stack([values, emptied], axis=1).reshape(-1, values.shape[1])
