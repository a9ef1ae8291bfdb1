"""Versions by MLflow's own client, which reads any of its stores."""

from collections.abc import Callable, Sequence
from typing import Any

from scorecard.registry.mlflow_client import ask
from scorecard.registry.stored_version import StoredVersion


class ClientReader:
    """One store, by its URI."""

    def __init__(self, tracking_uri: str) -> None:
        """Asks nothing yet."""
        self._uri = tracking_uri

    def by_alias(self, name: str, alias: str) -> StoredVersion | None:
        """See `VersionReader`."""
        return self._one(name, lambda client: client.get_model_version_by_alias(name, alias))

    def by_number(self, name: str, version: str) -> StoredVersion | None:
        """See `VersionReader`."""
        return self._one(name, lambda client: client.get_model_version(name, version))

    def all_of(self, name: str) -> Sequence[StoredVersion]:
        """See `VersionReader`."""

        def ask_client(client: Any) -> list[StoredVersion]:
            return [_stored_version(client, name, each) for each in client.search_model_versions(f"name = '{name}'")]

        return ask(self._uri, ask_client) or ()

    def _one(self, name: str, question: Callable[[Any], Any]) -> StoredVersion | None:
        return ask(self._uri, lambda client: _stored_version(client, name, question(client)))


def _stored_version(client: Any, name: str, found: Any) -> StoredVersion:
    return StoredVersion(
        version=str(found.version),
        run_id=found.run_id or "",
        tags=dict(found.tags),
        place=client.get_model_version_download_uri(name, found.version),
    )
