"""The scorecards that decisions name, from the registry; the latest few are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import OutageError, SetupError
from scorecard import bundle
from scorecard.decisions.scoring import RegisteredScorecard
from streams.worker.settings import ScoringSettings

MOST: Final = 4
"""Some ten megabytes each; a stretch of a topic meets one after the other."""
SHORT: Final = 12
"""Digits of a digest that tell bundles apart."""


@dataclass(frozen=True, slots=True)
class ShelvedScorecard:
    """A scorecard that a decision names."""

    champion: RegisteredScorecard | None
    """None where its bundle cannot be had."""
    problem: str = ""
    """Why the registry does not have it as the decision names it; empty where it does."""


class ScorecardShelf:
    """Scorecards of one registry, by version and digest."""

    def __init__(self, settings: ScoringSettings) -> None:
        """Asks nothing yet."""
        self._contract = settings.contract()
        self._registry, self._cache = settings.model_registry(), settings.bundle_cache()
        self._kept: dict[tuple[str, str], ShelvedScorecard] = {}

    def scorecard(self, version: str, digest: str) -> ShelvedScorecard:
        """The scorecard of this digest, whichever version has it now.

        Raises:
            OutageError: MLflow does not answer, and the bundle is not in the cache.
        """
        name = (version, digest)
        found = self._kept.pop(name, None) or self._fetch(version, digest)
        self._kept[name] = found
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return found

    def _fetch(self, version: str, digest: str) -> ShelvedScorecard:
        try:
            registered = self._registry.version(version)
            other = registered is None or registered.digest != digest
            source = self._registry.with_tag("digest", digest) if other else registered
        except OutageError:
            place = self._cache.find(digest)
            if place is None:
                raise
            return self._read(place, version, digest, "")
        problem = ""
        if other:
            now = f"has digest {registered.digest[:SHORT]}" if registered else "is not there"
            problem = f"version {version} of {self._registry.name} {now}, and the decision names {digest[:SHORT]}"
        if source is None:
            return ShelvedScorecard(None, problem)
        try:
            place = self._registry.fetch(source)
        except SetupError as fault:
            return ShelvedScorecard(None, str(fault))
        return self._read(place, version, digest, problem)

    def _read(self, place: Path, version: str, digest: str, problem: str) -> ShelvedScorecard:
        try:
            scorecard = bundle.read(place, self._contract, digest)
        except SetupError as fault:
            return ShelvedScorecard(None, str(fault))
        return ShelvedScorecard(RegisteredScorecard(scorecard=scorecard, version=version), problem)
