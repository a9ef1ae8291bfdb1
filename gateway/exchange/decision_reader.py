"""One reader of all decisions for a whole gateway: `read_committed`, without a group, from the end.

A thread polls `confluent_kafka.Consumer`; a record whose key nobody waits for is dropped undecoded, so that
reading costs the gateway little and the broker one fetch of each decision. The latest drift report
comes the same way.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import RecordError, StoppedError
from schemas.event_codec import avro_schema
from schemas.event_decoder import EventDecoder
from schemas.events.decisions import LoanDecision
from schemas.events.drift import DriftReport
from schemas.registry_client import WriterSchemas
from schemas.wire_format import schema_ids
from streams.kafka.consumer_config import ConsumerConfig, properties
from streams.kafka.errors import BrokerAwayError, NoTopicError
from streams.runtime.lifecycle import Lifecycle
from streams.runtime.settings import Connection

ASK_S: Final = 5.0
POLL_S: Final = 0.5
MOST: Final = 1_000
REPORTS_BACK: Final = 20
"""Offsets before the end at which the last drift report is looked for: transaction markers take offsets, too."""

Decisions = Sequence[Mapping[str, Any]]
log = structlog.get_logger(__name__)


class DecisionReader:
    """Reads from `start` to `close` in a thread `decisions`.

    `positioned` is true from the moment on at which no later decision can be missed.
    """

    def __init__(
        self,
        connection: Connection,
        lifecycle: Lifecycle,
        *,
        wants: Callable[[bytes | None], bool],
        decided: Callable[[Decisions], None],
        seen: Callable[[int], None] = lambda _records: None,
    ) -> None:
        """Connects nothing before `open`.

        Args:
            wants: True for the key of a decision that is waited for.
            decided: takes decisions of wanted keys, in the reading thread.
            seen: told how many decisions were read.
        """
        self._connection = connection
        self._lifecycle = lifecycle
        self._wants, self._decided, self._seen = wants, decided, seen
        topics = connection.topics()
        self._decisions, self._reports = topics.decisions.name, topics.drift_reports.name
        events = {self._decisions: LoanDecision, self._reports: DriftReport}
        self._writers = {topic: WriterSchemas(connection.registry(), topic) for topic in events}
        self._decoders = {topic: EventDecoder(avro_schema(event)) for topic, event in events.items()}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
        self._consumer: Any = None
        self.positioned = False
        self.last_report: Mapping[str, Any] | None = None

    def open(self, writer_ids: frozenset[int]) -> None:
        """Take position at the end of every partition, and read from now on.

        Args:
            writer_ids: schema ids that decisions are known to be written with: asked for now, so that the registry may
                be away later.

        Raises:
            OutageError: broker or registry do not answer.
            NoTopicError: a topic is not there.
        """
        self._writers[self._decisions].of(writer_ids)
        reading = ConsumerConfig(topics=[self._decisions, self._reports], from_beginning=False)
        consumer = Consumer(properties(self._connection, reading))
        try:
            consumer.assign([*_ends(consumer, self._decisions, 0), *_ends(consumer, self._reports, REPORTS_BACK)])
        except KafkaException as cause:
            consumer.close()
            raise BrokerAwayError(cause.args[0].name()) from cause
        self._consumer, self.positioned = consumer, True
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
            self._consumer.close()

    @property
    def reading(self) -> bool:
        """True while decisions are read."""
        return self.positioned and self._thread.is_alive()

    def _run(self) -> None:
        # The first record is waited for, the rest is what has arrived.
        while not self._stopped.is_set():
            try:
                messages = self._consumer.consume(1, POLL_S)
                messages += self._consumer.consume(MOST - 1, 0) if messages else []
            except (KafkaException, RuntimeError) as cause:
                log.warning("read.failed", error=type(cause).__name__)
                continue
            self._take([message for message in messages if _is_record(message)])

    def _take(self, messages: Sequence[Any]) -> None:
        decisions = [message for message in messages if message.topic() == self._decisions]
        self._seen(len(decisions))
        wanted = [message for message in decisions if self._wants(message.key())]
        if wanted:
            self._decided(self._read(wanted))
        reports = self._read([message for message in messages if message.topic() == self._reports])
        if reports:
            self.last_report = reports[-1]

    def _read(self, messages: Sequence[Any]) -> list[Mapping[str, Any]]:
        records = []
        for message in messages:
            try:
                records.append(self._record(message.topic(), message.value()))
            except RecordError as fault:
                log.warning("record.skipped", topic=message.topic(), reason=fault.reason)
            except StoppedError:
                log.info("read.stopped")
        return records

    def _record(self, topic: str, value: bytes | None) -> Mapping[str, Any]:
        ids, of_topic = schema_ids([value]), self._writers[topic]
        # A schema that a newer worker writes is asked for once; the registry may be away meanwhile.
        writers = self._lifecycle.patiently("registry", lambda: of_topic.of(ids), lambda: not self._stopped.is_set())
        return self._decoders[topic].decode(value, writers)


def _ends(consumer: Any, topic: str, back: int) -> list[TopicPartition]:
    described = consumer.list_topics(topic, timeout=ASK_S).topics[topic]
    if not described.partitions:
        if described.error is not None and described.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise KafkaException(described.error)
        problem = f"no topic {topic}: run `loanctl topics apply`"
        raise NoTopicError(problem)
    ends = []
    for partition in sorted(described.partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_S)
        ends.append(TopicPartition(topic, partition, max(low, high - back)))
    return ends


def _is_record(message: Any) -> bool:
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        log.warning("read.failed", error=error.name())
    return error is None
