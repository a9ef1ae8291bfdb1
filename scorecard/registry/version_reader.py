"""Reads versions without MLflow's library, which costs a process 200 MB and seconds of its start.

A server is queried over REST, a file by SQL. Everything that only MLflow's own client can do (other stores, its plugins
for credentials, workspaces) is left to that client.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from scorecard.registry.client_reader import ClientReader
from scorecard.registry.mlflow_client import SQLITE
from scorecard.registry.registered_version import RegisteredVersion
from scorecard.registry.rest_reader import RestReader
from scorecard.registry.sqlite_reader import SqliteReader

MLFLOW_ALONE: Final = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_WORKSPACE")
"""Variables whose meaning only MLflow's client knows."""
CREDENTIALS_FILE: Final = Path("~/.mlflow/credentials")
SERVERS: Final = ("http://", "https://")


class VersionReader(Protocol):
    """Reads versions of registered models. Every call blocks.

    Raises:
        ModelRegistryAwayError: MLflow does not answer.
        ModelRegistryRefusedError: it refuses this process, or is not MLflow.
    """

    def by_alias(self, name: str, alias: str) -> RegisteredVersion | None:
        """The version that an alias points to; None where it points nowhere."""

    def by_number(self, name: str, version: str) -> RegisteredVersion | None:
        """One version; None where there is no such."""

    def all_of(self, name: str) -> Sequence[RegisteredVersion]:
        """Every version of a model, in any order."""

    def place_of(self, name: str, version: str) -> str | None:
        """URI of the folder of a version's model; None where there is no such version."""


def reader_of(tracking_uri: str, environment: Mapping[str, str] = os.environ) -> VersionReader:
    """The reader of a store, by its URI and the environment's credentials. Sends no request yet."""
    special = any(environment.get(name) for name in MLFLOW_ALONE) or CREDENTIALS_FILE.expanduser().exists()
    if tracking_uri.startswith(SQLITE) and not special:
        return SqliteReader(tracking_uri)
    if tracking_uri.startswith(SERVERS) and not special:
        return RestReader(tracking_uri, environment)
    return ClientReader(tracking_uri)
