"""Decisions by the champion's scorecard in this process: what a worker would decide, published nowhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from loanctl.commands.scorecards.champion import NoChampionError
from scorecard import bundle
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.registry.model_registry import NoVersionError
from scorecard.registry.registered_version import RegisteredVersion
from streams.worker.settings import ScoringSettings

UNPUBLISHED: Final = {"decision_id": ""}
"""Its id would name bytes that are on no topic."""


class OfflineScorer:
    """Decides by one scorecard, under the cut-offs in force."""

    def __init__(self, settings: ScoringSettings, champion: RegisteredScorecard) -> None:
        """Fetches nothing: `load_champion` does."""
        self._champion = champion
        self._policy = settings.policy() or champion.scorecard.policy
        self._hypotheticals = Hypotheticals(settings.contract())

    @property
    def digest(self) -> str:
        """Of the scorecard."""
        return self._champion.scorecard.digest

    def decisions(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The decision on each application, in order, without an id of its own."""
        decided = self._hypotheticals.decisions(records, self._champion, self._policy)
        return [{**decision, **UNPUBLISHED} for decision in decided]


def load_champion(settings: ScoringSettings, version: str = "") -> RegisteredScorecard:
    """The champion as it is now, or another version in its place, from the cache where it is there.

    Raises:
        NoChampionError: the alias points nowhere.
        NoVersionError: there is no such version.
        OutageError: MLflow does not answer.
        SetupError: the bundle is damaged, or of another contract.
    """
    registry, registered = settings.model_registry(), registered_version(settings, version)
    scorecard = bundle.read(registry.fetch(registered), settings.contract(), registered.digest)
    return RegisteredScorecard(scorecard=scorecard, version=registered.version)


def registered_version(settings: ScoringSettings, version: str = "") -> RegisteredVersion:
    """The champion as it is now, or another version.

    Raises:
        NoChampionError: the alias points nowhere.
        NoVersionError: there is no such version.
        OutageError: MLflow does not answer.
    """
    registry = settings.model_registry()
    registered = registry.version(version) if version else registry.champion()
    if registered is None and version:
        problem = f"{registry.name} has no version {version}"
        raise NoVersionError(problem)
    if registered is None:
        problem = f"{registry.name} has no champion: `loanctl train` makes one"
        raise NoChampionError(problem)
    return registered
