"""The model registry: the champion, the challenger, and their bundles in a cache by digest.

Reading works without MLflow's library (`scorecard.registry.version_reader`); writing, by training and people,
uses its client (`scorecard.registry.mlflow_client`). All calls block and give up early; a caller that must not
wait calls them in a thread. A version's bundle never changes, so a downloaded bundle is used from the cache alone
while MLflow is unavailable.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from schemas.errors import SetupError
from schemas.urls import mask_credentials
from scorecard.registry.bundle_cache import BundleCache, take_all
from scorecard.registry.client_reader import version_of
from scorecard.registry.download import fetch_bundle
from scorecard.registry.mlflow_client import Answer, ModelRegistryAwayError, ask
from scorecard.registry.registered_version import RegisteredVersion
from scorecard.registry.version_reader import reader_of

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"


class NoVersionError(SetupError):
    """MLflow has no such version of the scorecard."""


class MissingBundleError(SetupError):
    """MLflow has the version, and its bundle is not at the path that MLflow names; names both."""


class ModelRegistry:
    """One registered model. Whatever asks MLflow raises `ModelRegistryAwayError` where it does not answer."""

    def __init__(
        self,
        tracking_uri: str,
        model_name: str,
        cache: Path,
        require_signature: Callable[[Path, str], None] = take_all,
    ) -> None:
        """Asks nothing yet.

        Args:
            tracking_uri: `http(s)://...` of a server, or `sqlite:///...` without one.
            cache: where bundles are kept by digest; shared by all processes of a machine.
            require_signature: see `BundleCache`.
        """
        self._uri = tracking_uri
        self._reader = reader_of(tracking_uri)
        self._cache = BundleCache(cache, of=tracking_uri, require_signature=require_signature)
        self.name = model_name

    def champion(self, alias: str = CHAMPION) -> RegisteredVersion | None:
        """The version that the alias points to; None while it points nowhere."""
        return self._reader.by_alias(self.name, alias)

    def remember(self, champion: RegisteredVersion) -> None:
        """Stores the champion of this machine, for `cached_champion`; to be called with a version found fit."""
        self._cache.remember(champion, CHAMPION)

    def cached_champion(self) -> RegisteredVersion | None:
        """The last champion that decided on this machine, its bundle at hand; None where there is none."""
        registered = self._cache.recall(self.name, CHAMPION)
        return registered if registered and self._cache.find(registered.digest) else None

    def version(self, version: str) -> RegisteredVersion | None:
        """A version by its number; None where there is no such."""
        return self._reader.by_number(self.name, version)

    def fetch(self, version: str | RegisteredVersion) -> Path:
        """The folder of a version's bundle, its digest checked; from the cache where it is there.

        Args:
            version: its number, or what the registry said of it: then nothing is asked for what the cache has.

        Raises:
            ModelRegistryAwayError: MLflow does not answer, and the cache has not seen this version.
            NoVersionError: there is no such version.
            MissingBundleError: the version's files are gone, or moved.
            BundleError: what MLflow holds is not what was registered, or lacks a signature (`SignatureError`).
        """
        registered = version if isinstance(version, RegisteredVersion) else self._version(version)
        place = self._cache.find(registered.digest) or self._download(registered)
        self._cache.remember(registered, registered.version)
        return place

    def register(
        self, source: str, run_id: str, tags: Mapping[str, str], model_id: str | None = None
    ) -> RegisteredVersion:
        """A new version, its tags set in the same act: there is no version without its digest.

        Args:
            source: URI of a logged model that holds the bundle.
            tags: `digest` and `family` among them.
        """
        self._ensure_model()
        made = self._ask(
            lambda client: client.create_model_version(
                self.name, source=source, run_id=run_id, tags=dict(tags), model_id=model_id
            )
        )
        if made is None:
            raise ModelRegistryAwayError
        return version_of(self.name, made)

    def point(self, alias: str, version: str, tags: Mapping[str, str] | None = None) -> None:
        """One alias move; tags with the reason are set before it, so that no champion is without them.

        Raises:
            ModelRegistryAwayError: MLflow does not answer; the alias may have moved or not.
            NoVersionError: there is no such version.
        """

        def point_alias(client: Any) -> bool:
            for key, value in (tags or {}).items():
                client.set_model_version_tag(self.name, version, key, value)
            client.set_registered_model_alias(self.name, alias, version)
            return True

        if self._ask(point_alias) is None:
            problem = f"{self.name} has no version {version}"
            raise NoVersionError(problem)

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Tags of a version, over those of the same names."""

        def set_tags(client: Any) -> None:
            for key, value in tags.items():
                client.set_model_version_tag(self.name, version, key, value)

        self._ask(set_tags)

    def drop(self, alias: str) -> None:
        """Takes an alias away; nothing where it points nowhere."""
        self._ask(lambda client: client.delete_registered_model_alias(self.name, alias))

    def history(self) -> Sequence[RegisteredVersion]:
        """All versions, oldest first."""
        return sorted(self._reader.all_of(self.name), key=lambda registered: int(registered.version))

    def with_tag(self, tag: str, value: str) -> RegisteredVersion | None:
        """The newest version that carries a tag of this value; None where none does."""
        return next((one for one in reversed(self.history()) if one.tags.get(tag) == value), None)

    def _version(self, version: str) -> RegisteredVersion:
        try:
            registered = self.version(version)
        except ModelRegistryAwayError:
            registered = self._cache.recall(self.name, version)
            if registered is None:
                raise
        if registered is None:
            problem = f"{self.name} has no version {version}"
            raise NoVersionError(problem)
        return registered

    def _ensure_model(self) -> None:
        if self._ask(lambda client: client.get_registered_model(self.name)) is None:
            self._ask(lambda client: client.create_registered_model(self.name))

    def _download(self, registered: RegisteredVersion) -> Path:
        place = self._reader.place_of(self.name, registered.version)
        if place is None:
            raise self._missing_bundle(registered, "an unknown place")
        with self._cache.room() as room:
            folder = fetch_bundle(place, room, self._uri)
            if folder is None:
                raise self._missing_bundle(registered, place)
            return self._cache.keep(folder, registered.digest)

    def _missing_bundle(self, registered: RegisteredVersion, place: str) -> MissingBundleError:
        named = mask_credentials(place)
        problem = f"{self.name} version {registered.version}: its bundle is not at {named}, where MLflow has it"
        return MissingBundleError(f"{problem}; was the folder moved?")

    def _ask(self, question: Callable[[Any], Answer]) -> Answer | None:
        return ask(self._uri, question)
