"""Commands to a trainer under test, and what it answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from loanctl.simulation import loan_tables, synthetic_population
from schemas.events.retraining import RetrainCause, RetrainCommand, RetrainResult, RetrainStatus
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from tests.drift_events import COMMAND
from tests.system.topic_records import read_events
from tests.system.training_stage import BASE_ROWS, SMALL

UNATTENDED: Final = {"promotion": "manual", "retrain_schedule": "", "least_outcomes": 0}
"""It trains on its table, and no other process follows what it registers."""


@dataclass
class Retraining:
    connection: Connection
    folder: Path

    def settings(self) -> dict[str, Any]:
        """Of a trainer whose search takes seconds, with an MLflow of its own: what is killed may hold locks in it."""
        base = self.folder / "base.csv"
        if not base.exists():
            loan_tables.write_table(synthetic_population.applicants(BASE_ROWS, 1), base)
        store = f"sqlite:///{self.folder / 'mlflow.db'}"
        return {**SMALL, **UNATTENDED, "base_table": base, "mlflow_uri": store, "cache_dir": self.folder / "cache"}

    def command(self, command_id: str) -> None:
        product = self.connection.contract().product
        asked = {"cause": RetrainCause.PERSON, "issued_at": datetime.now(UTC)}
        command = replace(COMMAND, command_id=command_id, product=product, **asked)
        with EventPublisher(self.connection, "/test") as publisher:
            publisher.publish(self.connection.topics().retrain_commands, command_id, command)

    def commands(self) -> Sequence[str]:
        """The id of each record on the topic."""
        topic = self.connection.topics().retrain_commands
        return [each.command_id for each in read_events(self.connection, RetrainCommand, topic)]

    def results(self) -> Sequence[tuple[str, bool]]:
        """Id of each, and whether it says that the command was answered before."""
        found = read_events(self.connection, RetrainResult, self.connection.topics().retrain_results)
        return [(each.command_id, each.status is RetrainStatus.DUPLICATE) for each in found]

    def answered(self) -> bool:
        """Whether each command has a result."""
        return len(self.results()) >= len(self.commands())
