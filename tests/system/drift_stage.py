"""A champion, made-up applicants before it, and what the drift agent says of them; for tests of drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import fastavro
import numpy as np
import pandas as pd

from loanctl.simulation import playback, synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import Script
from schemas.applications import Matrix
from schemas.codec.application_decoder import ApplicationReader
from schemas.events.decisions import LoanOutcome
from schemas.events.drift import DriftReport
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCommand
from schemas.records import OutgoingRecord
from schemas.registry_client import EventSerde
from schemas.topics import Topic
from scorecard import bundle
from scorecard.profile import Population, Profile, profile_of
from scorecard.reasons import MOST
from scorecard.registry.download import BUNDLE
from scorecard.registry.model_registry import CHAMPION, ModelRegistry
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from tests.builders import feature_space, scorecard_parts
from tests.decisions import a_decision
from tests.drift_events import ANNOUNCEMENT
from tests.system.topic_records import read_events

BEGAN: Final = datetime(2026, 3, 1, tzinfo=UTC)
SPACING: Final = timedelta(seconds=3)
REFERENCE_ROWS: Final = 6_000
APPROVE_BELOW: Final = 0.3


@dataclass
class DriftStage:
    """One test's topics, and the clock of its applicants."""

    connection: Connection
    folder: Path
    clock: datetime = BEGAN
    seed: int = 100

    def crown(self, rows: pd.DataFrame | None = None, command_id: str = "") -> tuple[str, str]:
        """A champion whose profile is that of these applicants, registered and announced; version and digest."""
        self.seed += 1
        values = self.values(rows if rows is not None else synthetic_population.applicants(REFERENCE_ROWS, self.seed))
        parts = scorecard_parts(profile=a_profile(values, self.connection))
        model = self.folder / f"champion-{self.seed}"
        digest = bundle.write(parts, self.connection.contract(), values, model / "artifacts" / BUNDLE)
        registry = ModelRegistry(
            self.connection.mlflow_uri, self.connection.registered_model(), self.folder / "maker-cache"
        )
        made = registry.register(model.as_uri(), "", {"digest": digest, "family": "xgboost"})
        registry.point(CHAMPION, made.version)
        self.announce(made.version, digest, command_id)
        return made.version, digest

    def announce(self, version: str, digest: str, command_id: str = "") -> None:
        named = {"name": self.connection.registered_model(), "version": version, "digest": digest}
        announced = replace(ANNOUNCEMENT, command_id=command_id, announced_at=datetime.now(UTC), **named)
        with EventPublisher(self.connection, "/test") as publisher:
            publisher.publish(self.connection.topics().champions, "credit_risk", announced)

    def records(self, rows: pd.DataFrame, name: str = "") -> list[OutgoingRecord]:
        """These applicants as records, from where the clock stands; it goes on."""
        self.seed += 1
        table = Table(name or f"play-{self.seed}", f"play-{self.seed}", rows)
        records = list(
            playback.applications(
                table, Script(start=self.clock, spacing=SPACING), playback.playback_codec(self.connection)
            )
        )
        self.clock += len(rows) * SPACING
        return records

    def send(self, records: Sequence[OutgoingRecord]) -> None:
        with EventPublisher(self.connection, "/test") as publisher:
            publisher.send(records)

    def decide(self, names: Sequence[str], probabilities: Sequence[float], version: str = "1") -> None:
        """The champion has decided on these applications, all signed where the clock stands."""
        made = zip(names, probabilities, strict=True)
        common = {
            "applied_at": self.clock,
            "approve_below": APPROVE_BELOW,
            "decline_from": APPROVE_BELOW,
            "scorecard_version": version,
            "scorecard_digest": "",
            "reference_id": "",
        }
        self.tell(
            self.connection.topics().decisions,
            {name: a_decision(name, probability, **common) for name, probability in made},
        )

    def end(self, names: Sequence[str], defaulted: Sequence[bool]) -> None:
        """These loans have ended, thirty days later."""
        at = self.clock + timedelta(days=30)
        told = {
            name: LoanOutcome(application_id=name, defaulted=bool(answer), observed_at=at)
            for name, answer in zip(names, defaulted, strict=True)
        }
        self.tell(self.connection.topics().outcomes, told)

    def tell(self, topic: Topic, events: Mapping[str, object]) -> None:
        """Events of one type by key, all at once."""
        serde = EventSerde(self.connection.registry(), type(next(iter(events.values()))), topic.name)
        self.send([OutgoingRecord(topic.name, key.encode(), serde.encode(event)) for key, event in events.items()])

    def values(self, rows: pd.DataFrame) -> Matrix:
        """The same applicants as a matrix."""
        contract = self.connection.contract()
        records = self.records(rows)
        writer = fastavro.parse_schema(dict(contract.schema))
        ids = {int.from_bytes(record.value[1:5], "big") for record in records}
        decoded = ApplicationReader(contract).read([r.value for r in records], dict.fromkeys(ids, writer))
        return decoded.applications.values

    def reports(self) -> list[DriftReport]:
        return read_events(self.connection, DriftReport, self.connection.topics().drift_reports)

    def looks(self) -> list[PerformanceReport]:
        return read_events(self.connection, PerformanceReport, self.connection.topics().performance_reports)

    def commands(self) -> list[RetrainCommand]:
        return read_events(self.connection, RetrainCommand, self.connection.topics().retrain_commands)


def a_profile(values: Matrix, connection: Connection) -> Profile:
    contract, space = connection.contract(), feature_space()
    codes = list(dict.fromkeys(field.reason.code for field in space.fields if field.reason))
    scored = Population(
        values=values,
        probability=np.linspace(0.05, 0.9, len(values)),
        contributions=np.random.default_rng(1).normal(size=(len(values), len(space.names))),
        reasons=np.full((len(values), MOST), -1),
        outcomes=np.full(len(values), 1, dtype=np.int8),
    )
    return profile_of(contract, space.names, codes, scored)
