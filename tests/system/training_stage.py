"""A base table, labelled applications on the topics, and commands to the trainer; for tests of training."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from loanctl.simulation import loan_tables, playback, synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import Script
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from tests.drift_events import COMMAND
from tests.system.commands import CompletedCommand, run_command, variables_of
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.topic_records import read_events

BEGAN: Final = datetime(2026, 3, 1, tzinfo=UTC)
SPACING: Final = timedelta(seconds=3)
BASE_ROWS: Final = 2_000
SMALL: Final = {"trials": 1, "folds": 2, "max_trees": 60, "jobs": 1, "exploration_share": 1}
"""A search of a second; and what became of all applications is played."""
CHANGED: Final = PopulationShift(income_factor=1.6, changed_risk=1.0)
"""A world in which the first champion is wrong."""


@dataclass(frozen=True)
class FirstChampion:
    """A first champion in an MLflow file, to copy."""

    store: Path
    base: Path
    summary: dict[str, Any]


def first_champion(folder: Path, store: Path) -> FirstChampion:
    """The first champion by `loanctl train`, announced nowhere: there is no broker."""
    base = folder / "base.csv"
    loan_tables.write_table(synthetic_population.applicants(BASE_ROWS, 1), base)
    own = {"LOAN_MLFLOW_URI": f"sqlite:///{store}", "LOAN_BOOTSTRAP_SERVERS": "127.0.0.1:1", "OMP_NUM_THREADS": "1"}
    variables = {**os.environ, **own, **variables_of(SMALL)}
    ran = run_command(("train", "--data", str(base), "--json"), variables, folder)
    assert ran.status == 0, ran.err
    return FirstChampion(store, base, dict(json.loads(ran.out.splitlines()[-1])))


@dataclass
class TrainingStage:
    """One test's topics, on top of what the first champion was made of."""

    first: FirstChampion
    connection: Connection
    processes: Processes
    folder: Path
    web_port: int

    def settings(self, **more: Any) -> dict[str, Any]:
        cache = self.folder / "cache"
        usual = {"base_table": self.first.base, "cache_dir": cache, "retrain_schedule": "", **SMALL}
        return {**usual, **more}

    def crown(self) -> dict[str, Any]:
        """Let the first champion decide; its summary."""
        shutil.copy(self.first.store, self.folder / "mlflow.db")
        return self.first.summary

    def loanctl(self, *arguments: str, **more: Any) -> CompletedCommand:
        return self.processes.loanctl(*arguments, **self.settings(**more))

    def trainer(self, **more: Any) -> ProcessUnderTest:
        return self.processes.start("training", **self.settings(**{"web_port": self.web_port, **more}))

    def faulty_trainer(self, steps: Sequence[str]) -> ProcessUnderTest:
        return self.processes.faulty("training", steps, **self.settings(web_port=self.web_port, retry_s=1))

    def applicants(self, count: int, seed: int = 7, shift: PopulationShift = CHANGED) -> tuple[datetime, datetime]:
        """Applications and what became of them, onto the topics; from when until when they were signed."""
        table = Table("made up", f"s{seed}", synthetic_population.applicants(count, seed, shift))
        script, writing = Script(start=BEGAN, spacing=SPACING), playback.playback_codec(self.connection)
        with EventPublisher(self.connection, "/test") as publisher:
            publisher.send(playback.applications(table, script, writing))
            publisher.send(playback.outcomes(table, script, writing))
        return BEGAN, BEGAN + count * SPACING

    def command(
        self, command_id: str, window: tuple[datetime, datetime] | None = None, digest: str = "", **overrides: Any
    ) -> None:
        start, end = window or (None, None)
        command = replace(
            COMMAND,
            command_id=command_id,
            champion_version="1" if digest else "",
            champion_digest=digest,
            window_start=start,
            window_end=end,
            issued_at=datetime.now(UTC),
        )
        with EventPublisher(self.connection, "/test") as publisher:
            publisher.publish(self.connection.topics().retrain_commands, command_id, replace(command, **overrides))

    def results(self) -> list[RetrainResult]:
        return read_events(self.connection, RetrainResult, self.connection.topics().retrain_results)

    def commands(self) -> list[RetrainCommand]:
        return read_events(self.connection, RetrainCommand, self.connection.topics().retrain_commands)

    def announcements(self) -> list[ChampionAnnouncement]:
        return read_events(self.connection, ChampionAnnouncement, self.connection.topics().champions)

    def registry(self) -> ModelRegistry:
        connection = self.connection
        return ModelRegistry(connection.mlflow_uri, connection.registered_model(), self.folder / "cache")

    def champion(self) -> RegisteredVersion:
        found = self.registry().champion()
        assert found is not None
        return found

    def stage(self) -> str:
        """What the trainer says that it does."""
        try:
            with urlopen(f"http://127.0.0.1:{self.web_port}/health", timeout=2) as answer:
                return str(json.load(answer)["stage"])
        except (URLError, OSError, ValueError):
            return ""

    def metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{self.web_port}/metrics", timeout=2) as answer:
            return str(answer.read().decode())
