"""Records of the topics, decoded as far as the figures of a run need them.

Reading the records is `streams.kafka.topics.topic_scan`; adding them up is `loanctl.reports.stream_audit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from loanctl.reports.stream_audit import SeenApplication, SeenDecision, SeenLetter, TopicContents
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.event_codec import Event, avro_schema, from_record
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import schema_ids
from schemas.events.decisions import LoanDecision
from schemas.events.drift import DriftReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.registry_client import WriterSchemas
from scorecard.decisions.dead_letter_office import CONNECT
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_reader import Record
from streams.kafka.topics.topic_scan import read_whole
from streams.runtime.application_keys import application_keys
from streams.runtime.settings import Connection


def read_topics(connection: Connection) -> TopicContents:
    """What a product's topics say, as far as the figures need it.

    Raises:
        OutageError: broker or registry is away.
    """
    topics = connection.topics()
    inputs = (topics.applications, topics.decisions, topics.dead_letters)
    done = (topics.drift_reports, topics.retrain_commands, topics.retrain_results, topics.champions)
    found = read_whole(connection, [topic.name for topic in (*inputs, *done)])
    records = {name: topic.by_time() for name, topic in found.items()}
    reading = RecordDecoder(connection)
    return TopicContents(
        applications=reading.applications(records[topics.applications.name]),
        decisions=reading.decisions(records[topics.decisions.name]),
        dead_letters=[letter(record) for record in records[topics.dead_letters.name]],
        reports=reading.events(DriftReport, records[topics.drift_reports.name]),
        commands=reading.events(RetrainCommand, records[topics.retrain_commands.name]),
        results=reading.events(RetrainResult, records[topics.retrain_results.name]),
        announcements=reading.events(ChampionAnnouncement, records[topics.champions.name]),
    )


class RecordDecoder:
    """Records to what they say, by the schemas of the registry; what cannot be read is passed over and said."""

    def __init__(self, connection: Connection) -> None:
        self._registry = connection.registry()
        self._passed_over = SkippedRecords()
        self._reader = ApplicationReader(
            connection.contract(), connection.record_limits(), application_keys(connection)
        )

    def applications(self, records: Sequence[Record]) -> list[SeenApplication]:
        """Each record, with its id where it can be read."""
        values = [record.value for record in records]
        decoded = self._reader.read(values, self._writers(records))
        ids = dict(zip(decoded.places.tolist(), decoded.applications.ids, strict=True))
        return [
            SeenApplication(
                place=(record.partition, record.offset), timestamp=record.timestamp, application_id=ids.get(number)
            )
            for number, record in enumerate(records)
        ]

    def decisions(self, records: Sequence[Record]) -> list[SeenDecision]:
        """Each decision, as far as the figures need it."""
        return [_seen_decision(record, plain) for record, plain in self._plain(LoanDecision, records)]

    def events(self, event: type[Event], records: Sequence[Record]) -> list[Event]:
        return [from_record(event, plain) for _, plain in self._plain(event, records)]

    def _plain(self, event: type, records: Sequence[Record]) -> Iterator[tuple[Record, Mapping[str, Any]]]:
        decoder, writers = EventDecoder(avro_schema(event)), self._writers(records)
        for record in records:
            decode = partial(decoder.decode, record.value, writers)
            plain = self._passed_over.read(decode, record.topic, record.offset)
            if plain is not None:
                yield record, plain

    def _writers(self, records: Sequence[Record]) -> Writers:
        if not records:
            return {}
        return WriterSchemas(self._registry, records[0].topic).of(schema_ids([record.value for record in records]))


def letter(record: Record) -> SeenLetter:
    """What the headers of a dead letter say."""
    partition, offset = (int(record.headers[f"{CONNECT}{name}"] or b"-1") for name in ("partition", "offset"))
    return SeenLetter(source=(partition, offset), reason=(record.headers["reason"] or b"").decode())


def _seen_decision(record: Record, decision: Mapping[str, Any]) -> SeenDecision:
    margin, base = decision["margin"], decision["base_value"]
    added = sum(item["contribution"] for item in decision["contributions"])
    return SeenDecision(
        place=(record.partition, record.offset),
        timestamp=record.timestamp,
        decision_id=decision["decision_id"],
        application_id=decision["application_id"],
        source=(decision["source_partition"], decision["source_offset"]),
        outcome=decision["outcome"],
        scorecard_version=decision["scorecard_version"],
        gap=None if margin is None else abs(base + added - margin),
        reasons=len(decision["reasons"]),
    )
