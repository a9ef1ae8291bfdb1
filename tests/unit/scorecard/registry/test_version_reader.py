"""Versions read without MLflow's library are those that its own client reads."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scorecard.registry import version_reader
from scorecard.registry.client_reader import ClientReader
from scorecard.registry.mlflow_client import ModelRegistryAwayError, ModelRegistryRefusedError, ask
from scorecard.registry.rest_reader import RestReader
from scorecard.registry.sqlite_reader import UNDER_WAY_S, SqliteReader
from scorecard.registry.version_reader import reader_of
from tests.doubles.http_server import Handler, web_server

NAME = "card"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """Three versions, one of them deleted; aliases of two, one of which was taken away."""
    path = tmp_path / "mlflow.db"
    path.write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{path}"

    def fill(client: Any) -> None:
        client.create_registered_model(NAME)
        client.create_registered_model("other")
        for number in range(3):
            client.create_model_version(
                NAME, f"{tmp_path}/model-{number}", run_id=f"{number}" * 32, tags={"n": f"{number}"}
            )
        client.create_model_version("other", f"{tmp_path}/else")
        client.delete_model_version(NAME, "2")
        client.set_registered_model_alias(NAME, "champion", "3")
        client.set_registered_model_alias(NAME, "challenger", "1")
        client.delete_registered_model_alias(NAME, "challenger")

    ask(uri, fill)
    return uri


def everything(reader: Any) -> Any:
    names = (NAME, "other", "nobody")
    aliases = {(name, alias): reader.by_alias(name, alias) for name in names for alias in ("champion", "challenger")}
    numbers = {(name, number): reader.by_number(name, number) for name in names for number in ("1", "2", "3", "99")}
    places = {(name, number): reader.place_of(name, number) for name in names for number in ("1", "2", "3", "99")}
    return aliases, numbers, places, {name: sorted(reader.all_of(name), key=lambda one: one.version) for name in names}


def test_a_file_is_read_as_mlflow_s_client_reads_it(store: str) -> None:
    by_client = everything(ClientReader(store))

    assert isinstance(reader_of(store, {}), SqliteReader)
    aliases, numbers, places, versions = everything(SqliteReader(store))
    assert (aliases, numbers, places, versions) == by_client
    assert [one.version for one in versions[NAME]] == ["1", "3"]


def test_a_file_that_is_not_there_yet_has_no_versions_and_is_not_made(tmp_path: Path) -> None:
    reader = SqliteReader(f"sqlite:///{tmp_path}/mlflow.db")

    assert (reader.by_alias(NAME, "champion"), list(reader.all_of(NAME))) == (None, [])
    assert not (tmp_path / "mlflow.db").exists()


def test_another_program_s_file_is_refused_with_what_to_do_unless_its_tables_may_be_under_way(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE things (name TEXT)")
    reader = SqliteReader(f"sqlite:///{path}")

    with pytest.raises(ModelRegistryAwayError, match="may be under way"):
        reader.by_alias(NAME, "champion")
    long_ago = path.stat().st_mtime - UNDER_WAY_S
    os.utime(path, (long_ago, long_ago))
    with pytest.raises(ModelRegistryRefusedError, match="not those of MLflow 3: see `mlflow db upgrade`"):
        reader.by_alias(NAME, "champion")


@pytest.mark.slow
def test_whoever_reads_a_file_while_mlflow_makes_its_tables_is_not_sent_away_for_good(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    reader = SqliteReader(uri)
    making = threading.Thread(target=ask, args=(uri, lambda client: client.search_registered_models()))
    making.start()

    answers: set[Any] = set()
    while making.is_alive():
        try:
            answers.add(reader.by_alias(NAME, "champion"))
        except ModelRegistryAwayError:
            answers.add(ModelRegistryAwayError)
    making.join()

    assert answers == {None, ModelRegistryAwayError}
    assert reader.by_alias(NAME, "champion") is None


@pytest.fixture
def server() -> Iterator[Callable[[dict[str, Any]], tuple[str, list[Any]]]]:
    """Starts a server with an answer for each question, and gives its URL and what it was asked."""
    asked: list[Any] = []
    answers: dict[str, Any] = {}

    class AnswerHandler(Handler):
        def respond(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/base/api/2.0/mlflow/")
            asked.append((path, parse_qs(parts.query), self.headers.get("Authorization")))
            found = answers[path]
            self.reply(200, json.dumps(found.pop(0) if isinstance(found, list) else found).encode())

    with web_server(AnswerHandler) as address:

        def start(given: dict[str, Any]) -> tuple[str, list[Any]]:
            answers.update(given)
            return f"{address}/base", asked

        yield start


def a_version(number: int) -> dict[str, Any]:
    return {
        "name": NAME,
        "version": f"{number}",
        "run_id": "r",
        "tags": [{"key": "digest", "value": "d"}],
        "source": "s",
    }


def test_a_server_s_pages_are_read_to_the_end(server: Callable[[dict[str, Any]], tuple[str, list[Any]]]) -> None:
    url, asked = server(
        {
            "model-versions/search": [
                {"model_versions": [a_version(2)], "next_page_token": "more"},
                {"model_versions": [a_version(1)]},
            ],
            "model-versions/get-download-uri": {"artifact_uri": "s3://bucket/model"},
        }
    )

    reader = RestReader(url, {})
    found = reader.all_of(NAME)
    paths = [path for path, _, _ in asked]

    assert paths == ["model-versions/search"] * 2, "nothing is asked for each version"
    assert [(one.version, one.tags, reader.place_of(NAME, one.version)) for one in found] == [
        ("2", {"digest": "d"}, "s3://bucket/model"),
        ("1", {"digest": "d"}, "s3://bucket/model"),
    ]
    searches = [parameters for path, parameters, _ in asked if path == "model-versions/search"]
    assert [each.get("page_token") for each in searches] == [None, ["more"]]


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "hush"}, "Basic bWU6aHVzaA=="),
        ({"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_TRACKING_USERNAME": "me"}, "Bearer t"),
    ],
)
def test_credentials_are_those_of_mlflow_s_variables(
    environment: dict[str, str],
    header: str | None,
    server: Callable[[dict[str, Any]], tuple[str, list[Any]]],
) -> None:
    url, asked = server({"registered-models/alias": {"model_version": a_version(1)}})

    found = RestReader(url, environment).by_alias(NAME, "champion")

    assert found is not None
    assert {authorization for _, _, authorization in asked} == {header}


@pytest.mark.parametrize(
    ("uri", "environment", "reader"),
    [
        ("http://mlflow:5000", {}, RestReader),
        ("https://mlflow", {"MLFLOW_TRACKING_TOKEN": "t"}, RestReader),
        ("https://mlflow", {"MLFLOW_TRACKING_AUTH": "plugin"}, ClientReader),
        ("https://mlflow", {"MLFLOW_TRACKING_AWS_SIGV4": "true"}, ClientReader),
        ("https://mlflow", {"MLFLOW_WORKSPACE": "risk"}, ClientReader),
        ("postgresql://mlflow/db", {}, ClientReader),
        ("databricks", {}, ClientReader),
        ("sqlite:///mlflow.db", {}, SqliteReader),
    ],
)
def test_what_only_mlflow_can_do_is_left_to_its_client(
    uri: str, environment: dict[str, str], reader: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(version_reader, "CREDENTIALS_FILE", tmp_path / "credentials")

    assert type(reader_of(uri, environment)) is reader
    (tmp_path / "credentials").touch()
    assert type(reader_of(uri, environment)) is ClientReader


@pytest.mark.slow
def test_a_process_that_only_reads_never_holds_mlflow(store: str, tmp_path: Path) -> None:
    script = f"""
import sys
import drift.agent.process, gateway.process, ledger.process, streams.worker.process
from pathlib import Path
from scorecard.registry.model_registry import MissingBundleError, ModelRegistry
registry = ModelRegistry({store!r}, {NAME!r}, Path({str(tmp_path)!r}))
registry.history()
try:
    registry.fetch(registry.champion())
except MissingBundleError:
    print(sorted(name for name in ("mlflow", "sklearn", "xgboost", "matplotlib", "scipy.stats") if name in sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)

    assert ran.stdout.strip() == "[]", ran.stderr
