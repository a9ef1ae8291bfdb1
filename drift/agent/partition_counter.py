"""The counting half of an agent: applications and decisions in, partial counts of closed panes out.

A shell around `drift.windows.panes`: one consumer, a `PartitionPanes` for each assigned partition. Offsets
are committed only up to the first record of an open pane, in the transaction that publishes the closed
panes; the partition's next owner reads on from there and gets the same counts. The group may
have any number of agents.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import TopicPartition

from drift.agent.pauses import Pauses
from drift.agent.transaction_output import offset_of, position_of, record_of
from drift.binning.binned_records import NO_TIME
from drift.binning.binner import ApplicationRules, cells_of
from drift.binning.reference import Reference
from drift.metrics import DriftMetrics
from drift.settings import DriftSettings
from drift.windows.alignment import ReadProgress
from drift.windows.panes import PartitionPanes
from drift.windows.partial_counts import PartialCounts, PartitionState
from schemas.codec.wire_format import schema_ids
from schemas.events.drift import DriftCounts
from schemas.records import Partition, RecordBatch
from schemas.registry_client import EventSerde, WriterSchemas
from streams.kafka.admin import partitions_of
from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import LINGER_S, ConsumerConfig, ConsumerHooks, nothing
from streams.kafka.group.record_columns import RecordColumns, gather
from streams.kafka.group.start_offsets import Start
from streams.kafka.producer.transactions import TransactionalProducer
from streams.runtime.application_keys import application_keys

SETTLE_S: Final = 1.0
"""How long panes are held back after all partitions were idle: partitions that resume together are counted together,
and the first to be read cannot close windows for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterDeps:
    """What counting needs from its process."""

    settings: DriftSettings
    instance: str
    """Names the static member."""
    writers: Mapping[str, WriterSchemas]
    """By topic."""
    metrics: DriftMetrics
    stopping: threading.Event
    """Ends a wait inside a rebalance."""
    joined: Callable[[str], object] = nothing
    """Called with the id that the group knows us by."""
    clock: Callable[[], float] = time.monotonic
    """Seconds; tells silence."""


class PartitionCounter:
    """One member of the group that counts. Used from one thread."""

    def __init__(self, means: CounterDeps, reference: Reference) -> None:
        """Join the group.

        Args:
            means: settings and dependencies.
            reference: of the champion to count for, until another one is followed.
        """
        self._settings = settings = means.settings
        self._product = settings.contract().product
        self._writers = means.writers
        self._metrics = means.metrics
        self._clock = means.clock
        self._places: dict[Partition, PartitionState] = {}
        self._held_until = 0.0
        self._reference = reference
        self._keys = application_keys(settings)
        self._cells = self._cells_of(reference)
        self._partitions: dict[str, int] = {}
        reading = ConsumerConfig(
            topics=settings.sources(),
            group=settings.group(),
            instance_id=means.instance,
            linger_s=LINGER_S,
            output_topics=[settings.topics().drift_counts.name],
        )
        hooks = ConsumerHooks(
            begin=self._begin,
            left=self._release,
            joined=means.joined,
            offsets_lost=means.metrics.offsets.count,
            stopping=means.stopping,
        )
        self._consumer = GroupConsumer(settings, reading, hooks)
        self._pauses = Pauses(self._consumer, settings.aligned_ms())

    @property
    def assigned(self) -> bool:
        """True once the group has assigned partitions, possibly none."""
        return self._consumer.assigned.is_set()

    @property
    def lost(self) -> bool:
        """True if the group has continued without this member: a new session is needed."""
        return self._consumer.lost

    @property
    def places(self) -> Sequence[Partition]:
        return sorted(self._places)

    @property
    def watermarks(self) -> Mapping[Partition, datetime | None]:
        """Event time of each assigned partition; None before its first record."""
        marks = {place: counted.panes.watermark for place, counted in sorted(self._places.items())}
        return {
            place: datetime.fromtimestamp(at / 1_000, UTC) if at != NO_TIME else None for place, at in marks.items()
        }

    def step(self, timeout_s: float) -> bool:
        """Read what has arrived and count it; whether something had.

        Raises:
            ReadingError: this consumer is of no use any more.
            RegistryAwayError: the registry does not answer.
        """
        gathered = gather(self._consumer, self._settings.batch_records, timeout_s, self._columns_of)
        arrived = {place: records for place, records in gathered.items() if place in self._places}
        now = self._clock()
        for place, records in arrived.items():
            self._places[place].ended = records.ended
        slept = all(counted.idle for counted in self._places.values())
        for place, records in arrived.items():
            if records:
                self._observe(place, records.batch(), now)
        if slept and any(counted.awake for counted in self._places.values()):
            self._held_until = now + SETTLE_S
        self._align(now)
        return any(map(len, arrived.values()))

    def tell(self, outbox: TransactionalProducer, serde: EventSerde[DriftCounts]) -> int:
        """Tell of closed panes, of waking and of silence, and commit; how many messages.

        Raises:
            DeliveryError: begin again from what is in Kafka.
        """
        now = self._clock()
        messages: list[DriftCounts] = []
        for place, counted in sorted(self._places.items()):
            messages += self._teller(place).wake(counted)
        if now >= self._held_until:
            for place, counted in sorted(self._places.items()):
                messages += self._teller(place).flush(counted, now, self._settings.silence_s())
        if messages:
            topic = self._settings.topics().drift_counts
            records = [
                record_of(topic, f"{message.source}-{message.partition}", message, serde) for message in messages
            ]
            outbox.commit(records, self._positions(messages), self._consumer.metadata())
        return len(messages)

    def follow(self, reference: Reference) -> None:
        """Count for another champion: open panes are counted again, in its bins; call after `tell`."""
        self._reference = reference
        self._cells = self._cells_of(reference)
        for place, counted in self._places.items():
            position = counted.panes.position().for_successor()
            counted.panes = self._panes(place, position)
            if counted.read:
                self._consumer.seek(place, position.next_offset)

    def close(self) -> None:
        """Leave without waiting; a static member's partitions wait for it."""
        self._consumer.close()

    def _columns_of(self, place: Partition) -> RecordColumns:
        """Of decisions headers say nothing that is counted."""
        return RecordColumns(place, headers=place[0] != self._settings.topics().decisions.name)

    def _align(self, now: float) -> None:
        self._pauses.align(
            {place: ReadProgress(each.panes.watermark, waiting=not each.ended) for place, each in self._places.items()}
        )
        for place in self._pauses.places:
            # It does not speak because we do not listen.
            self._places[place].seen_at = now

    def _observe(self, place: Partition, batch: RecordBatch, now: float) -> None:
        seen = self._cells[place[0]].observe(batch, self._writers[place[0]].of(schema_ids(batch.values)))
        counted = self._places[place]
        counted.panes.observe(seen)
        counted.read = True
        if len(seen.offsets):
            counted.seen_at, counted.awake = now, True
        self._metrics.count_records(place[0], len(seen.offsets))

    def _cells_of(self, reference: Reference) -> Any:
        settings = self._settings
        rules = ApplicationRules(limits=settings.record_limits(), keys=self._keys, producers=settings.panes().producers)
        return cells_of(settings.contract(), settings.topics(), reference, rules)

    def _teller(self, place: Partition) -> PartialCounts:
        return PartialCounts(
            product=self._product,
            place=place,
            partitions=self._partitions_of,
            reference=self._reference,
        )

    def _positions(self, messages: Iterable[DriftCounts]) -> list[TopicPartition]:
        places = sorted({(message.source, message.partition) for message in messages})
        return [offset_of(place, self._places[place].panes.position(), self._reference) for place in places]

    def _partitions_of(self, topic: str) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = len(partitions_of(self._settings, topic))
        return self._partitions[topic]

    def _panes(self, place: Partition, position: Any) -> PartitionPanes:
        return PartitionPanes(self._settings.panes(), self._cells[place[0]].shape, position)

    def _begin(self, starts: Sequence[Start]) -> Mapping[Partition, int]:
        self._partitions.clear()
        for start in starts:
            position = position_of(start, self._reference)
            panes = self._panes(start.place, position)
            self._places[start.place] = PartitionState(panes, position.horizon, self._clock())
        return {}

    def _release(self, places: Iterable[Partition]) -> None:
        self._pauses.forget()
        for place in places:
            self._places.pop(place, None)
