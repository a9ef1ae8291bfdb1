"""Output records and consumer offsets of the agent, committed in one Kafka transaction.

Partial counts go with the positions up to which they were counted, reports and commands with the state that
led to them: after a crash neither exists without the other. A position's state (watermark, horizon)
is stored as the metadata of its committed offset, so that Kafka alone is enough to continue.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import TopicPartition

from drift.binning.reference import Reference
from drift.windows.panes import PanePosition
from schemas.codec.event_codec import Event
from schemas.records import OutgoingRecord, Partition
from schemas.registry_client import EventSerde
from schemas.topics import Topic
from streams.kafka.group.start_offsets import Start
from streams.kafka.producer.event_publisher import event_headers

SOURCE: Final = "/loan/drift"


def record_of(topic: Topic, key: str, event: Event, serde: EventSerde[Event]) -> OutgoingRecord:
    return OutgoingRecord(topic.name, key.encode(), serde.encode(event), event_headers(event, key, SOURCE))


def offset_of(place: Partition, position: PanePosition, reference: Reference) -> TopicPartition:
    """A position as an offset to commit, its memory as metadata."""
    memory = {
        "watermark": position.watermark,
        "horizon": position.horizon,
        "floor": position.floor,
        "jumped": position.jumped,
        "flushed": position.flushed,
        "generation": reference.generation,
        "champion": reference.champion_digest,
    }
    return TopicPartition(*place, position.next_offset, metadata=json.dumps(memory))


def position_of(start: Start, reference: Reference) -> PanePosition:
    """The position that was committed; of another champion's counting, the same place for this one.

    Without metadata (a group that begins, one that lost its place, a tool that moved its offsets) the partition
    begins anew there.
    """
    memory = _memory(start.metadata)
    if memory is None:
        return PanePosition(next_offset=start.offset)
    position = PanePosition(
        next_offset=start.offset,
        watermark=memory["watermark"],
        horizon=memory["horizon"],
        floor=memory["floor"],
        jumped=memory["jumped"],
        flushed=memory.get("flushed", 0),
    )
    # Earlier versions noted the offset of the announcement alone, which no generation equals.
    return position if memory.get("champion") == reference.champion_digest else position.for_successor()


def _memory(metadata: str | None) -> Mapping[str, Any] | None:
    try:
        memory = json.loads(metadata or "")
        return memory if {"watermark", "horizon", "floor", "jumped", "generation"} <= memory.keys() else None
    except (ValueError, AttributeError):
        return None
