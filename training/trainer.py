"""One training from rows to succession: made, logged, judged, registered, promoted, announced.

The shell of `training.pipeline.pipeline` and `training.promotion.gate`. A version appears in the registry in one
step and with its verdict. So an interrupted training leaves none, and the steps after it
(`settle`) can be finished from its tags alone, however often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import structlog

from schemas.applications import Matrix
from schemas.contract.contract import Contract
from schemas.events.retraining import RetrainScope
from scorecard import bundle
from scorecard.registry.download import BUNDLE
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import DIGEST_TAG, FAMILY_TAG, RegisteredVersion
from training.evaluation import reason_check
from training.pipeline.pipeline import TrainedCandidate, train_candidate
from training.pipeline.plan import Material, Plan, TrainingProgress
from training.pipeline.recalibration import KeptForest, UnfitForRecalibrationError
from training.promotion import version_tags
from training.promotion.champion_comparison import (
    ChallengerAnswers,
    ChampionComparison,
    ComparisonRules,
    Incomparable,
    compare_with_champion,
)
from training.promotion.current_champion import CurrentChampion, doubtful_ranges, read_champion
from training.promotion.gate import Candidate, GateResult, Terms, gate
from training.promotion.reigns import comparisons
from training.rows.labelled_rows import CleanRows
from training.rows.split import clone_keys
from training.rows.split_parts import SplitPart
from training.search.trial import TrialPreference
from training.tracking import mlflow_run, run_report
from training.tracking.model_record import TrainingRecord
from training.tracking.model_signature import model_signature

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Input of a training, with its command and reason."""

    cleaned: CleanRows
    window: Matrix | None = None
    """Applications that the reference population is to be."""
    scope: RetrainScope = RetrainScope.FULL
    command_id: str = ""
    why: str = ""
    facts: Mapping[str, str] | None = None
    """Source of the rows: offsets, the dataset's digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    registered: RegisteredVersion
    answer: GateResult
    candidate: TrainedCandidate
    before: RegisteredVersion | None
    card: str


class Trainer:
    def __init__(
        self,
        contract: Contract,
        registry: ModelRegistry,
        tracking_uri: str,
        plan: Plan,
        terms: Terms,
    ) -> None:
        self._contract = contract
        self._registry = registry
        self._uri = tracking_uri
        self._plan = plan
        self._terms = terms

    def train(self, task: Task, watch: TrainingProgress) -> TrainingResult:
        """A registered version with its verdict, not yet acted on; see `settle`.

        Raises:
            OutageError: MLflow is away; no version was registered.
            SetupError: the rows or the contract cannot be trained on.
        """
        before = self._registry.champion()
        asked = {version_tags.COMMAND: task.command_id, version_tags.WHY: task.why}
        with (
            TemporaryDirectory(prefix="loan-training-") as room,
            mlflow_run.run(self._uri, self._plan.name, "training", asked) as run,
        ):
            facts = run_report.params(self._contract, self._plan, task.cleaned)
            run.params({**facts, **(task.facts or {})})
            run.dataset(self._contract.product, facts["rows.digest"], facts["rows.source"], facts["rows.kept"])

            def report_trial(trial: Any) -> None:
                run.trial(trial)
                watch.trial(trial)

            kept = self._kept_forest(before) if task.scope is RetrainScope.RECALIBRATION else None
            material = Material(self._contract, task.cleaned.rows, Path(room) / BUNDLE, task.window, kept)
            one = train_candidate(material, self._plan, TrainingProgress(watch.step, report_trial, watch.stop))
            self._plan.sign(material.folder)
            watch.step("log")
            champion = read_champion(self._registry, before, self._contract) if before else None
            comparison = self._contest(one, champion) if champion else None
            answer = self._answer(one, comparison, doubtful_ranges(task.cleaned, champion, self._contract))
            record = self._record(task)
            card = run_report.log_run(run, one, answer, record)
            made = one.scorecard
            signature = model_signature(self._contract, made.features.names, made.policy)
            logged = run.model(material.folder, self._contract, signature, run_report.example(one))
            watch.step("register")
            registered = self._registry.register(
                logged.source,
                run.run_id,
                {**_tags(task, one, answer, before, record), **_comparison_tags(made.digest, comparison)},
                logged.model_id,
            )
        one.journal.end()
        log.info(
            "version.registered", version=registered.version, digest=registered.digest, verdict=answer.verdict.value
        )
        return TrainingResult(registered=registered, answer=answer, candidate=one, before=before, card=card)

    def _kept_forest(self, champion: RegisteredVersion | None) -> KeptForest:
        """The champion as it is to be recalibrated.

        Raises:
            UnfitForRecalibrationError: there is none, or its bundle does not say what it was made of.
            BundleError: it cannot be read.
        """
        if champion is None:
            problem = f"{self._registry.name} has no champion to recalibrate"
            raise UnfitForRecalibrationError(problem)
        folder = self._registry.fetch(champion)
        made_of = bundle.training_identities(folder)
        if made_of is None:
            problem = f"version {champion.version} does not say which rows it was made of: retrain it wholly"
            raise UnfitForRecalibrationError(problem)
        return KeptForest(bundle.read(folder, self._contract, champion.digest), champion.version, made_of)

    def _record(self, task: Task) -> TrainingRecord:
        return TrainingRecord(
            cleaned=task.cleaned, terms=self._terms, trained_at=datetime.now(UTC), valid_days=self._plan.valid_days
        )

    def _answer(
        self,
        one: TrainedCandidate,
        comparison: ChampionComparison | Incomparable | None,
        range_doubts: Sequence[str],
    ) -> GateResult:
        candidate = Candidate(
            digest=one.scorecard.digest,
            figures=one.judgement.figures,
            lowest={name: low for name, (low, _) in one.judgement.intervals.items()},
            defaulted=one.judged_on.defaulted,
            probability=one.probability,
            logistic=one.logistic,
            faults=one.faults,
            doubts=(
                *range_doubts,
                *reason_check.doubts(one.reasons),
                *one.fairness.doubts(self._terms.min_adverse_impact_ratio),
            ),
            remarks=(*_choice_remark(one), *one.fairness.summary()),
        )
        return gate(candidate, self._terms, comparison)

    def _contest(
        self, one: TrainedCandidate, champion: CurrentChampion | Incomparable
    ) -> ChampionComparison | Incomparable:
        """Both on the same rows, or why not."""
        if isinstance(champion, Incomparable):
            return champion
        judged = one.material.rows.identities[one.split.places(SplitPart.JUDGEMENT)]
        made_of = champion.made_of
        strange = np.ones(len(judged), dtype=np.bool_) if made_of is None else ~np.isin(judged, made_of)
        _, groups = np.unique(clone_keys(self._contract, one.judged_on).astype("S"), return_inverse=True)
        answers = ChallengerAnswers(one.probability, one.scorecard.policy, groups)
        amount = self._contract.position[self._plan.amount] if self._plan.amount else None
        rules = ComparisonRules(
            costs=self._plan.costs,
            amount=amount,
            exploration_share=self._plan.exploration_share,
            policy=self._plan.policy,
        )
        comparison = compare_with_champion(champion.scorecard, one.judged_on, answers, strange, rules)
        if isinstance(comparison, Incomparable):
            return comparison
        return replace(comparison, looks=1 + comparisons(champion.version, self._registry.history(), datetime.now(UTC)))


def _choice_remark(one: TrainedCandidate) -> tuple[str, ...]:
    """How the trial was chosen, where it was not for being cheap."""
    return (one.found.why,) if one.plan.budget.prefer is TrialPreference.FAIREST else ()


def _comparison_tags(digest: str, comparison: ChampionComparison | Incomparable | None) -> Mapping[str, str]:
    """The time of a comparison; the champion itself, made again, was not compared."""
    if not isinstance(comparison, ChampionComparison) or comparison.champion_digest == digest:
        return {}
    return {version_tags.COMPARED: datetime.now(UTC).isoformat(timespec="milliseconds")}


def _tags(
    task: Task,
    one: TrainedCandidate,
    answer: GateResult,
    before: RegisteredVersion | None,
    record: TrainingRecord,
) -> Mapping[str, str]:
    return {
        DIGEST_TAG: one.scorecard.digest,
        FAMILY_TAG: one.scorecard.family,
        version_tags.COMMAND: task.command_id,
        version_tags.VERDICT: answer.verdict.value,
        version_tags.WHY: answer.why,
        version_tags.PREVIOUS: before.version if before else "",
        version_tags.ROWS: str(len(task.cleaned.rows)),
        version_tags.VALID_UNTIL: record.expires.date().isoformat(),
        **{f"{version_tags.METRIC}{name}": repr(value) for name, value in one.judgement.figures.items()},
        **({} if one.fairness.least is None else {version_tags.IMPACT_RATIO: repr(one.fairness.least_ratio)}),
    }
