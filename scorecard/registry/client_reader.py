"""Reads versions with MLflow's own client, which supports all of its stores."""

from collections.abc import Callable, Sequence
from typing import Any

from scorecard.registry.mlflow_client import ask
from scorecard.registry.registered_version import RegisteredVersion


class ClientReader:
    def __init__(self, tracking_uri: str) -> None:
        """Asks nothing yet."""
        self._uri = tracking_uri

    def by_alias(self, name: str, alias: str) -> RegisteredVersion | None:
        return self._one(name, lambda client: client.get_model_version_by_alias(name, alias))

    def by_number(self, name: str, version: str) -> RegisteredVersion | None:
        return self._one(name, lambda client: client.get_model_version(name, version))

    def all_of(self, name: str) -> Sequence[RegisteredVersion]:
        found = ask(self._uri, lambda client: client.search_model_versions(f"name = '{name}'"))
        return [version_of(name, each) for each in found or ()]

    def place_of(self, name: str, version: str) -> str | None:
        return ask(self._uri, lambda client: str(client.get_model_version_download_uri(name, version)))

    def _one(self, name: str, question: Callable[[Any], Any]) -> RegisteredVersion | None:
        found = ask(self._uri, question)
        return None if found is None else version_of(name, found)


def version_of(name: str, found: Any) -> RegisteredVersion:
    """From the client's own record of a version."""
    return RegisteredVersion.of(name, found.version, found.run_id, dict(found.tags))
