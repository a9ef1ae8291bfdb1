"""A file scored by a bundle, or by the champion: its reference, and its performance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from drift.binning.reference import Reference
from drift.performance.outcome_join import Notes
from drift.settings import DriftSettings
from loanctl.file_checks.chunk_reports import ChunkReport, FileReference
from loanctl.file_checks.file_scores import FileScores, file_scores, scored_profile
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary
from loanctl.reports.champion_reference import champion_scorecard
from loanctl.reports.file_check import matrix
from loanctl.simulation.loan_tables import Table, default_flags
from schemas.applications import Matrix
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from scorecard import bundle
from scorecard.policy import Policy
from scorecard.scorecard import Scorecard


class NoScorecardError(SetupError):
    """The bundle that was named cannot score."""


@dataclass(frozen=True, slots=True)
class ScorecardOfFiles:
    """Decides on files by one scorecard and the cut-offs in force."""

    scorecard: Scorecard
    contract: Contract
    policy: Policy

    def __call__(self, table: Table, values: Matrix) -> FileScores:
        """The decisions on a file's rows, with the labels that it has."""
        labelled = self.contract.label.column in table.rows.columns
        labels = default_flags(table, self.contract) if labelled else ()
        return file_scores(values, self.scorecard, self.contract, self.policy, labels)


def scored_reference(against: Table | None, bundle_folder: Path | None, settings: DriftSettings) -> FileReference:
    """A bundle's profile, or the champion's; or a file's, scored by it.

    Raises:
        NoReferenceError: no bundle is named, and there is no champion.
        OutageError: MLflow is away.
        SetupError: the bundle is damaged, or of another contract, or can score no row of the file.
    """
    contract = settings.contract()
    if bundle_folder is not None:
        version, scorecard = bundle_folder.name, bundle.read(bundle_folder, contract)
    else:
        version, scorecard = champion_scorecard(settings)
    profile, policy = scorecard.profile, settings.policy() or scorecard.policy
    if against is not None:
        values, version = matrix(against, contract), against.name
        scores = file_scores(values, scorecard, contract, policy)
        if np.isnan(scores.probability).all():
            problem = f"{against.name}: no row of it can be scored"
            raise NoScorecardError(problem)
        profile = scored_profile(values, scores, scorecard, contract, settings.bin_plan())
    reference = Reference.of(0, version, scorecard.digest, profile, contract, scorecard.policy.approve_below)
    return FileReference(reference=reference, scorer=ScorecardOfFiles(scorecard, contract, policy))


def performance_summary(found: Sequence[ChunkReport], now: datetime) -> PerformanceSummary:
    """The performance of all parts as page and terminal show it; final where all its loans are old enough."""
    performances = tuple(
        ChampionPerformance(
            start=each.report.window_start,
            end=each.report.window_end,
            champion_version=each.report.champion_version,
            # A file that does not say how old its loans are may hold young ones.
            final=each.performance_ends is not None and each.performance_ends <= now,
            performance=each.performance,
            rows=each.rows,
        )
        for each in found
        if each.performance is not None
    )
    return PerformanceSummary(as_of=now, age_days=float("inf"), kept=1.0, notes=Notes(), performances=performances)
