"""Reads versions from MLflow's SQLite file, by SQL: the tables of MLflow 3, read only."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from scorecard.registry.mlflow_client import (
    SQLITE,
    ModelRegistryAwayError,
    ModelRegistryRefusedError,
    problem_of_file,
)
from scorecard.registry.registered_version import RegisteredVersion

WAIT_S: Final = 10.0
"""For a writer to be done."""
UNDER_WAY_S: Final = 60.0
"""MLflow makes its tables in steps over some seconds, each step a transaction of its own: a file that was written to
so lately may lack what it will have."""

OF_MODEL: Final = "FROM model_versions WHERE name = ? AND current_stage IS NOT 'Deleted_Internal'"
"""A version that was deleted leaves its row."""
VERSIONS: Final = f"SELECT version, run_id {OF_MODEL}"
PLACE: Final = f"SELECT COALESCE(storage_location, source, '') {OF_MODEL} AND version = ?"
ALIAS: Final = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
TAGS: Final = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"

Answer = TypeVar("Answer")


class SqliteReader:
    """One file. It is opened for each question, so that it may be moved and put back."""

    def __init__(self, tracking_uri: str) -> None:
        """Opens nothing yet."""
        self._uri = tracking_uri
        self._path = Path(tracking_uri.removeprefix(SQLITE))

    def by_alias(self, name: str, alias: str) -> RegisteredVersion | None:
        def question(store: sqlite3.Connection) -> RegisteredVersion | None:
            row = store.execute(ALIAS, (name, alias)).fetchone()
            return _by_number(store, name, row[0]) if row else None

        return self._ask(question)

    def by_number(self, name: str, version: str) -> RegisteredVersion | None:
        return self._ask(lambda store: _by_number(store, name, version))

    def place_of(self, name: str, version: str) -> str | None:
        row = self._ask(lambda store: store.execute(PLACE, (name, version)).fetchone())
        return row[0] if row else None

    def all_of(self, name: str) -> Sequence[RegisteredVersion]:
        found = self._ask(
            lambda store: [_registered_version(store, name, row) for row in store.execute(VERSIONS, (name,))]
        )
        return found or ()

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        if problem := problem_of_file(self._uri):
            raise ModelRegistryAwayError(problem)
        if not self._path.exists():  # MLflow makes the file with the first training
            return None
        try:
            # Able to write, so that SQLite may roll back what a killed writer left; but no new file.
            with closing(
                sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_S)
            ) as store:
                return question(store) if _has_tables(store) else None
        except sqlite3.Error as cause:
            if "no such" in str(cause):
                raise self._unfit() from None
            raise ModelRegistryAwayError(type(cause).__name__) from None

    def _unfit(self) -> ModelRegistryAwayError | ModelRegistryRefusedError:
        problem = f"{self._path} holds tables that are not those of MLflow 3"
        if time.time() - self._path.stat().st_mtime < UNDER_WAY_S:
            return ModelRegistryAwayError(f"{problem}; they may be under way")
        return ModelRegistryRefusedError(f"{problem}: see `mlflow db upgrade`")


def _has_tables(store: sqlite3.Connection) -> bool:
    return bool(store.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone())


def _by_number(store: sqlite3.Connection, name: str, version: str | int) -> RegisteredVersion | None:
    row = store.execute(f"{VERSIONS} AND version = ?", (name, version)).fetchone()
    return _registered_version(store, name, row) if row else None


def _registered_version(store: sqlite3.Connection, name: str, row: tuple[int, str | None]) -> RegisteredVersion:
    version, run_id = row
    return RegisteredVersion.of(name, version, run_id, dict(store.execute(TAGS, (name, version))))
