"""The champion as a reference."""

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.reports.report_recompute import scorecard_of
from schemas.errors import SetupError
from scorecard.scorecard import Scorecard


class NoReferenceError(SetupError):
    """There is nothing to measure the file against."""


def by_champion(settings: DriftSettings) -> Reference:
    """The champion's profile.

    Raises:
        NoReferenceError: there is no champion.
        OutageError: MLflow is away.
    """
    version, scorecard = champion_scorecard(settings)
    return Reference.of_scorecard(0, version, scorecard, settings.contract())


def champion_scorecard(settings: DriftSettings) -> tuple[str, Scorecard]:
    """Version and scorecard of the champion.

    Raises:
        NoReferenceError: there is no champion.
        OutageError: MLflow is away.
    """
    registry = settings.model_registry()
    champion = registry.champion()
    if champion is None:
        problem = f"{registry.name} has no champion: train one, or name a file by --against"
        raise NoReferenceError(problem)
    return champion.version, scorecard_of(champion.version, champion.digest, settings)
