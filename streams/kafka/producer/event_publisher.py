"""Publishes events and records, each acknowledged by the broker before the call returns.

For infrequent records: announcements, reports, commands, results. Decisions go through
`streams.kafka.producer.delivery`.
"""

from collections.abc import Iterable
from typing import Any, Final, Self

from confluent_kafka import KafkaException, Producer

from schemas.codec.event_codec import avro_schema
from schemas.records import Headers, OutgoingRecord
from schemas.registry_client import EventSerde
from schemas.topics import Topic
from streams.kafka.kafka_errors import BrokerAwayError, delivery_fault
from streams.kafka.producer.transactions import RecordFailures, first_fault
from streams.runtime.settings import Connection

DELIVERY_TIMEOUT_MS: Final = 20_000
"""An event that took longer raises an error to the caller, who knows better whether to try again."""
MARGIN_S: Final = 5.0
"""Beyond the delivery timeout librdkafka has reported every record, delivered or not."""


def event_headers(event: object, event_id: str, source: str) -> Headers:
    """CloudEvents attributes in binary mode; when it happened is in the event and in the record's timestamp."""
    schema = avro_schema(type(event))
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"{schema['namespace']}.{schema['name']}".encode()),
        ("content-type", b"application/avro"),
    )


class EventPublisher:
    """Publishes events of any type of this project, one acknowledged call at a time."""

    def __init__(self, connection: Connection, source: str) -> None:
        """Connects nothing before the first event.

        Args:
            source: CloudEvents source, a URI reference that names the process, for example `/loan/trainer`.
        """
        self._registry = connection.registry()
        self._source = source
        self._serdes: dict[tuple[str, type], EventSerde[Any]] = {}
        self._producer = Producer(connection.producer({"delivery.timeout.ms": DELIVERY_TIMEOUT_MS, "linger.ms": 0}))

    def publish(self, topic: Topic, key: str, event: object, event_id: str = "") -> None:
        """Publish one event, and wait until it is safe.

        Args:
            event_id: the same for the same fact; the key where empty.

        Raises:
            OutageError: broker or registry is away; nothing is known to have been written.
            SetupError: topic or schema is not there.
        """
        value = self._serde(topic, type(event)).encode(event)
        headers = event_headers(event, event_id or key, self._source)
        self.send([OutgoingRecord(topic.name, key.encode(), value, headers)])

    def send(self, records: Iterable[OutgoingRecord]) -> int:
        """Send records as they are, and wait until all are safe; how many.

        Raises:
            OutageError: at least one is not known to have been written.
            SetupError: a topic does not exist, or this user may not write to it.
        """
        failures = RecordFailures()
        count = 0
        for record in records:
            self._enqueue(record, failures.note)
            count += 1
        left = self._producer.flush(DELIVERY_TIMEOUT_MS / 1000 + MARGIN_S)
        if failures.found:
            raise first_fault(failures.found)
        if left:
            raise BrokerAwayError
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._producer.flush(MARGIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serde(self, topic: Topic, event: type) -> EventSerde[Any]:
        place = (topic.name, event)
        if place not in self._serdes:
            self._serdes[place] = EventSerde(self._registry, event, topic.name)
        return self._serdes[place]

    def _enqueue(self, record: OutgoingRecord, delivered: Any) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    on_delivery=delivered,
                )
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as cause:
                raise delivery_fault(cause.args[0], record.topic) from cause
            else:
                self._producer.poll(0)
                return
