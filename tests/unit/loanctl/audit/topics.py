"""Topics in memory for the commands of audit, and champions that decide on what lies there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from loanctl.audit import application_lookup, decision_check, decision_search, offset_ranges, replay
from loanctl.audit.scorecard_shelf import ShelvedScorecard
from loanctl.commands.decisions import decisions
from schemas.codec.event_codec import avro_schema
from schemas.events.decisions import LoanDecision
from scorecard.decisions.reproduction import recomputation
from scorecard.decisions.scoring import RegisteredScorecard
from streams.kafka.topics import topic_scan
from streams.kafka.topics.topic_reader import PartitionRange, Record, batch_of
from streams.runtime import logs
from streams.worker.settings import ScoringSettings
from tests.builders import (
    APPLICATION_SCHEMA_ID,
    DECISION_SCHEMA_ID,
    PARSED,
    RELEASE,
    a_champion,
    a_wire,
    application_bytes,
)

SETTINGS = ScoringSettings()
TOPICS = SETTINGS.topics()
SCHEMAS = {APPLICATION_SCHEMA_ID: PARSED, DECISION_SCHEMA_ID: avro_schema(LoanDecision)}
BEGAN_MS = 1_772_366_400_000


class Writers:
    """Knows the two schemas of the tests."""

    def __init__(self, *_: Any) -> None:
        pass

    def of(self, ids: frozenset[int]) -> dict[int, Any]:
        return {schema_id: SCHEMAS.get(schema_id) for schema_id in ids}


@dataclass
class Topics:
    """Records by topic and partition; offsets that were let go are remembered."""

    records: dict[str, dict[int, list[Record]]] = field(default_factory=dict)
    begins: dict[tuple[str, int], int] = field(default_factory=dict)

    def put(self, topic: str, value: bytes | None, key: bytes = b"", partition: int = 0, **fields: Any) -> Record:
        """One more record, a second after the last."""
        lying = self.records.setdefault(topic, {}).setdefault(partition, [])
        offset = self.begins.get((topic, partition), 0) + len(lying)
        record = Record(topic, partition, offset, BEGAN_MS + 1_000 * offset, key, value, fields.get("headers", ()))
        lying.append(record)
        return record

    def apply(self, *names: str, partition: int = 0, **fields: Any) -> list[Record]:
        """Applications of these ids."""
        topic = TOPICS.applications.name
        return [
            self.put(topic, application_bytes(application_id=name, **fields), name.encode(), partition)
            for name in names
        ]

    def decide(self, applications: Sequence[Record], champion: RegisteredScorecard | None = None) -> None:
        """The decisions on them, as a worker publishes them."""
        holder = champion or a_champion()
        batch = batch_of(TOPICS.applications.name, applications)
        for made in recomputation(batch, SCHEMAS, holder, holder.scorecard.policy, a_wire()):
            if made is not None:
                self.put(TOPICS.decisions.name, made.value, made.key or b"")

    def lose(self, topic: str, before: int, partition: int = 0) -> None:
        """Retention takes what lies before an offset."""
        lying = self.records[topic][partition]
        self.records[topic][partition] = [record for record in lying if record.offset >= before]
        self.begins[topic, partition] = before

    def replace(self, topic: str, offset: int, value: bytes | None, partition: int = 0) -> None:
        """What nobody can do, done."""
        lying = self.records[topic][partition]
        [place] = [place for place, record in enumerate(lying) if record.offset == offset]
        old = lying[place]
        lying[place] = Record(topic, partition, offset, old.timestamp, old.key, value, old.header_pairs)

    def ranges(self, _settings: Any, names: Sequence[str], since: int | None = None) -> list[PartitionRange]:
        return [
            PartitionRange(
                name,
                partition,
                next((each.offset for each in lying if each.timestamp >= (since or 0)), self._end(lying)),
                self._end(lying),
            )
            for name in names
            for partition, lying in sorted(self.records.get(name, {}).items())
        ]

    def blocks(self, _settings: Any, wanted: Sequence[PartitionRange]) -> Iterator[list[Record]]:
        for extent in wanted:
            lying = self.records.get(extent.topic, {}).get(extent.partition, [])
            yield [record for record in lying if extent.first <= record.offset < extent.end]

    @staticmethod
    def _end(lying: Sequence[Record]) -> int:
        return lying[-1].offset + 1 if lying else 0


@dataclass
class Shelf:
    """Scorecards by version; what is not there has a problem."""

    champions: dict[str, RegisteredScorecard] = field(default_factory=lambda: {"1": a_champion()})

    def __call__(self, _settings: Any) -> "Shelf":
        return self

    def scorecard(self, version: str, digest: str) -> ShelvedScorecard:
        found = self.champions.get(version)
        if found is None:
            return ShelvedScorecard(None, f"no version {version}")
        return ShelvedScorecard(found, "" if found.scorecard.digest == digest else "another digest")


def lay(monkeypatch: pytest.MonkeyPatch, topics: Topics, shelf: Shelf) -> None:
    """Let the modules of audit find these instead of a broker and a registry."""
    # A process configures its logs once, and this one belongs to all tests.
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    monkeypatch.setattr(decision_check, "ScorecardShelf", shelf)
    for module in (application_lookup, decision_search, replay, decisions, topic_scan):
        monkeypatch.setattr(module, "blocks", topics.blocks)
    for module in (application_lookup, decision_search, replay, offset_ranges):
        monkeypatch.setattr(module, "partition_ranges", topics.ranges)
    for module in (decision_check, decision_search, replay, topic_scan):
        monkeypatch.setattr(module, "WriterSchemas", Writers)
    for module in (decision_check, replay):
        monkeypatch.setattr(module, "registered_id", lambda *_: DECISION_SCHEMA_ID)
    monkeypatch.setattr(replay, "code_version", lambda: RELEASE)
