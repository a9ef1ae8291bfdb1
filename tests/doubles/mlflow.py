"""As much of MLflow's REST interface as telling one champion takes; a server that can be away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlparse

from scorecard.registry.registered_version import RegisteredVersion
from tests.doubles.http_server import Handler, web_server

API = "/api/2.0/mlflow"


@dataclass
class ChampionBoard:
    """Which champion the server tells; may be set while it answers."""

    registered: RegisteredVersion
    source: str
    versions: dict[str, tuple[RegisteredVersion, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crown(self.registered, self.source)

    def crown(self, registered: RegisteredVersion, source: str) -> None:
        """It decides from now on; those before it are known still."""
        self.versions[registered.version] = registered, source
        self.registered, self.source = registered, source


@contextmanager
def mlflow_with_champion(registered: RegisteredVersion, source: str) -> Iterator[str]:
    """The server's address, for the length of a block; afterwards nothing answers there."""
    with mlflow_of(ChampionBoard(registered, source)) as address:
        yield address


@contextmanager
def mlflow_of(board: ChampionBoard) -> Iterator[str]:
    """The same of a champion that changes."""

    class MlflowHandler(Handler):
        def respond(self) -> None:
            status, body = self.answer()
            self.reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

        def answer(self) -> tuple[int, dict[str, Any]]:
            asked = urlparse(self.path)
            wanted = parse_qs(asked.query).get("version", [board.registered.version])[0]
            if asked.path == f"{API}/registered-models/get":
                return 200, {"registered_model": {"name": board.registered.name}}
            if wanted not in board.versions:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not here"}
            registered, source = board.versions[wanted]
            of_alias = asked.path.endswith("/alias") and parse_qs(asked.query)["alias"] == ["champion"]
            if asked.path == f"{API}/model-versions/get" or (
                of_alias and parse_qs(asked.query)["alias"] == ["champion"]
            ):
                tags = [{"key": key, "value": value} for key, value in registered.tags.items()]
                version = {"name": registered.name, "version": registered.version, "source": source, "tags": tags}
                return 200, {"model_version": version}
            if asked.path == f"{API}/model-versions/get-download-uri":
                return 200, {"artifact_uri": source}
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not here"}

    with web_server(MlflowHandler) as address:
        yield address
