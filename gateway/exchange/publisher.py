"""Publishes applications: Avro of the registered schema, acknowledged by all replicas.

A shell around `confluent_kafka.Producer`. `publish` is called in the event loop and does not block; one
thread serves delivery reports, another checks every second whether the broker is available.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro
from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.codec.sealed_records import seal
from schemas.codec.wire_format import frame
from schemas.contract.contract import Contract
from schemas.records import Headers, RecordPosition
from schemas.trace_context import TRACEPARENT
from streams.kafka.kafka_errors import BrokerAwayError, delivery_fault
from streams.runtime.key_database import keys_at
from streams.runtime.lifecycle import Lifecycle
from streams.runtime.settings import Connection

BROKER: Final = "broker"
POLL_S: Final = 0.1
PROBE_EVERY_S: Final = 1.0
PROBE_S: Final = 2.0
CLOSE_S: Final = 5.0
LINGER_MS: Final = 1
"""Requests that arrive together share a batch; alone, a request waits so long for company."""

DeliveryReport = tuple["asyncio.Future[RecordPosition]", KafkaError | None, Any]
"""Who waits, and what librdkafka says."""


class ApplicationPublisher:
    """Writes applications of one product.

    `await publish(...)` ends with the broker's acknowledgement. Threads: `deliveries` and `probe`, daemons, from
    `start` to `close`.
    """

    def __init__(self, connection: Connection, lifecycle: Lifecycle, *, delivery_s: float) -> None:
        """Connects nothing before `start`.

        Args:
            delivery_s: an application that is not acknowledged by then is not accepted.
        """
        self._connection = connection
        self._topic = connection.topics().applications.name
        self._id_field = connection.contract().id_field
        self._parsed = fastavro.parse_schema(dict(connection.contract().schema))
        self._lifecycle = lifecycle
        self._delivery_s = delivery_s
        self._stopped = threading.Event()
        self._producer: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reports: list[DeliveryReport] = []
        self.schema_id = 0
        """Of the application schema in the registry; 0 before `start`."""

    def start(self, schema_id: int) -> None:
        """Connect.

        Args:
            schema_id: of the application schema in the registry.
        """
        self.schema_id = schema_id
        self._producer = Producer(
            self._connection.producer({"delivery.timeout.ms": int(self._delivery_s * 1000), "linger.ms": LINGER_MS})
        )
        for work in (self._deliveries, self._probe):
            threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True).start()

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The application in wire format; sealed under a key of its own where a database of keys is set.

        Raises:
            OutageError, SetupError: the key cannot be had, or was erased.
        """
        framed = frame(self.schema_id, self._parsed, record)  # type: ignore[arg-type]  # a record schema is a dict
        url = self._connection.keys_url.get_secret_value()
        if not url:
            return framed
        name = str(record[self._id_field])
        return seal(framed, keys_at(url).issue(name), name)

    def publish(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[RecordPosition]":
        """Publish one application; partition and offset once the broker has it.

        The future's exception is an OutageError (it is not known to have been written) or a SetupError (the topic does
        not exist, or this user may not write to it).
        """
        self._loop = asyncio.get_running_loop()
        acknowledged: asyncio.Future[RecordPosition] = self._loop.create_future()

        def on_delivery(error: KafkaError | None, message: Any) -> None:
            self._reports.append((acknowledged, error, message))

        try:
            self._producer.produce(self._topic, value, key=key, headers=list(headers), on_delivery=on_delivery)
        except BufferError:
            acknowledged.set_exception(BrokerAwayError())
        except KafkaException as cause:
            acknowledged.set_exception(delivery_fault(cause.args[0], self._topic))
        return acknowledged

    def close(self) -> None:
        """Send what is under way, and let go."""
        self._stopped.set()
        if self._producer is not None:
            self._producer.flush(CLOSE_S)
            self._hand_over()

    def _deliveries(self) -> None:
        while not self._stopped.is_set():
            self._producer.poll(POLL_S)
            self._hand_over()

    def _hand_over(self) -> None:
        """Reports of one poll together: each call wakes the event loop."""
        reports, self._reports = self._reports, []
        if reports and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, reports)

    def _probe(self) -> None:
        while not self._stopped.wait(PROBE_EVERY_S):
            try:
                self._producer.list_topics(self._topic, timeout=PROBE_S)
            except KafkaException as cause:
                self._lifecycle.report_outage(BROKER, BrokerAwayError(cause.args[0].name()))
            else:
                self._lifecycle.report_recovery(BROKER)


def headers_of(contract: Contract, application_id: str, traceparent: bytes | None) -> Headers:
    """CloudEvents attributes in binary mode, and the caller's trace."""
    schema = contract.schema
    own: Headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", application_id.encode()),
        ("ce_source", b"/loan/gateway"),
        ("ce_type", f"{schema['namespace']}.{schema['name']}".encode()),
        ("content-type", b"application/avro"),
    )
    return own if traceparent is None else (*own, (TRACEPARENT, traceparent))


def _settle(reports: Sequence[DeliveryReport]) -> None:
    for acknowledged, error, message in reports:
        if acknowledged.done():
            continue
        if error is None:
            acknowledged.set_result((message.partition(), message.offset()))
        else:
            acknowledged.set_exception(delivery_fault(error, message.topic()))
