"""The ledger's loop: records of all its topics into the database, from the positions in the database.

One member of a consumer group. The group only distributes partitions: reading begins at the offsets that the database
stores beside the rows (`ledger.ingest.store`), and offsets committed to Kafka are for lag monitors. An outage of the
database, the registry or the broker ends the membership; it resumes once the database answers.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from confluent_kafka import TopicPartition

from ledger.ingest.store import Store
from ledger.ingest.table_rows import RowMaker
from ledger.metrics import LedgerMetrics
from ledger.query import review_queue
from ledger.sql.database import Database
from schemas.codec.wire_format import schema_ids
from schemas.errors import OutageError, SetupError
from schemas.records import Partition, RecordBatch
from schemas.registry_client import WriterSchemas
from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks
from streams.kafka.group.read_batch import records_of
from streams.kafka.group.start_offsets import Start
from streams.kafka.topics.messages import ends
from streams.runtime.lifecycle import Backoff, Lifecycle
from streams.runtime.settings import Connection

if TYPE_CHECKING:
    from streams.traces.batch_spans import BatchSpans

POLL_S: Final = 0.2
TICK_S: Final = 5.0
"""Interval of checks of what changes without a record: ends of partitions, age of the waiting cases."""

log = structlog.get_logger(__name__)


class AnotherTopicError(SetupError):
    """A partition ends before its recorded position: it was recreated, or is of another cluster."""


@dataclass
class Recorder:
    """Reads and records. Everything happens in the thread that calls `run`; health and metrics ask from others."""

    connection: Connection
    reading: ConsumerConfig
    database: Database
    makers: Mapping[str, RowMaker]
    writers: Mapping[str, WriterSchemas]
    """By topic."""
    metrics: LedgerMetrics
    lifecycle: Lifecycle
    daily: Callable[[], None] = lambda: None
    """Called every few seconds; does by itself what is due once a day."""
    spans: "BatchSpans | None" = None
    """None where traces are off."""
    consumer: GroupConsumer | None = None
    newest: int = 0
    """When the last record recorded was produced, in milliseconds since 1970."""
    _ticked_at: float = field(default=0.0, init=False)
    _ends: dict[Partition, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._store = Store(self.database)
        self.metrics.watch_lag(self.lag, lambda: self.newest)

    @property
    def ready(self) -> bool:
        """Whether records are being read."""
        return self.consumer is not None and self.consumer.assigned.is_set() and not self.lifecycle.away

    def lag(self) -> int:
        """Records that wait."""
        return self.consumer.lag if self.consumer else 0

    def run(self) -> None:
        """Run until a stop is requested.

        Raises:
            SetupError: a person must act.
        """
        waits = Backoff()
        hooks = ConsumerHooks(begin=self._begin, stopping=self.lifecycle.stopping)
        while not self.lifecycle.stopping.is_set():
            try:
                self._store.positions(self.reading.topics)
                self.lifecycle.report_recovery("database")
                with closing(GroupConsumer(self.connection, self.reading, hooks)) as self.consumer:
                    self._follow(self.consumer, waits)
            except OutageError as fault:
                self.lifecycle.wait_out(fault, waits)
            finally:
                self.consumer = None

    def _begin(self, starts: Sequence[Start]) -> Mapping[Partition, int]:
        """The database's positions at which reading of partitions continues."""
        known = self._store.positions(sorted({start.place[0] for start in starts}))
        return {
            start.place: self._first(start, known[start.place].next_offset if start.place in known else None)
            for start in starts
        }

    def _first(self, start: Start, recorded_to: int | None) -> int:
        (topic, partition), low, high = start.place, start.extent.low, start.extent.high
        if recorded_to is None:
            return low
        if recorded_to < low:
            self.metrics.missed.inc(low - recorded_to)
            log.warning("records.missed", topic=topic, partition=partition, first=recorded_to, end=low)
            self._store.miss(topic, partition, low)
            return low
        if recorded_to > high:
            problem = (
                f"{topic}-{partition} ends at {high}, and the ledger holds it to {recorded_to}: the topic was made "
                "anew, or is of another cluster; give it a database of its own (LOAN_LEDGER_URL)"
            )
            raise AnotherTopicError(problem)
        return recorded_to

    def _follow(self, consumer: GroupConsumer, waits: Backoff) -> None:
        self.lifecycle.at("recording")
        while not self.lifecycle.stopping.is_set():
            messages = consumer.consume(self.reading.most_records, POLL_S)
            if consumer.assigned.is_set():
                self.lifecycle.report_recovery("broker")
                waits.reset()
            for batch in _by_topic(messages):
                self.record(consumer, batch)
            self._ends.update({(each.topic(), each.partition()): each.offset() for each in messages if ends(each)})
            if time.monotonic() - self._ticked_at >= TICK_S:
                self._ticked_at = time.monotonic()
                self._tick()

    def record(self, consumer: GroupConsumer, batch: RecordBatch) -> None:
        """Records of one topic become rows, and their offsets positions."""
        items = self.makers[batch.topic].items(batch, self.writers[batch.topic].of(schema_ids(batch.values)))
        self.lifecycle.report_recovery("registry")
        following = {at: offset + 1 for at, offset in zip(batch.partitions, batch.offsets, strict=True)}
        table = self.makers[batch.topic].table
        began_ns = time.time_ns()
        with self.metrics.write_seconds.time():
            written = self._store.write(table, batch.topic, items, following)
        if self.spans is not None:
            self.spans.record(batch, began_ns, {"db.collection.name": table.name})
        self.newest = batch.timestamps[-1]
        self.metrics.rows.labels(table.name).inc(written.rows)
        for reason, count in written.passed_over.items():
            self.metrics.passed_over.labels(table.name, reason).inc(count)
        consumer.read_to(batch.topic, following)
        consumer.commit([TopicPartition(batch.topic, at, offset) for at, offset in following.items()])

    def _tick(self) -> None:
        if self._ends:
            # After the records before them, so that no restart and no retention takes a marker for a record.
            self._store.reach(self._ends)
            self._ends = {}
        self.daily()
        with self.database.read_transaction() as connection:
            self.metrics.waiting.set(review_queue.size(connection))
            oldest = review_queue.oldest(connection)
        self.metrics.oldest_seconds.set(max(0.0, time.time() - oldest.timestamp()) if oldest else 0.0)


def _by_topic(messages: Sequence[Any]) -> Sequence[RecordBatch]:
    topics: dict[str, list[Any]] = {}
    for message in messages:
        if message.error() is None:
            topics.setdefault(message.topic(), []).append(message)
    return [records_of(topic, its) for topic, its in topics.items()]
