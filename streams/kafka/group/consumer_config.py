"""What a consumer reads, the librdkafka properties that follow from it, and what its owner does at a rebalance."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.records import Partition
from streams.kafka.group.start_offsets import Start
from streams.runtime.settings import Connection

SESSION_MS: Final = 8_000
"""A killed worker is replaced after this long; brokers allow no less than six seconds by default."""
HEARTBEAT_MS: Final = 2_000
LOCAL_QUEUE_KB: Final = 16_384
"""Read ahead per partition. The default of 64 MB makes memory follow the backlog."""
QUEUE_BACKOFF_MS: Final = 20
"""Time after which a full local queue is checked again. The default of a second starves a fast reader."""
GATHERED_BYTES: Final = 65_536
"""A broker answers a reader that lingers as soon as so much has come."""
LINGER_S: Final = 0.05
"""For those whose transaction of one record costs as much as that of dozens, and who need no record at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerConfig:
    """What to read, and how."""

    topics: Sequence[str]
    group: str = ""
    """Empty: no group. All partitions are read from the beginning (or the end), and nothing is committed."""
    instance_id: str = ""
    """Static membership: a process that comes back under its name gets its partitions back at once."""
    most_records: int = 500
    linger_s: float = 0.0
    """How long the records of one read may gather behind the first; 0 where somebody waits for each. A thousand reads
    of one record cost broker and reader far more than one read of a thousand."""
    in_flight: int = 2
    """Batches handed over and not done. Two: one is worked on while the next forms."""
    from_beginning: bool = True
    """Where reading begins if the group has never committed."""
    output_topics: Sequence[str] = ()
    """Output topics of the group. Records on one of them show that a group without any offset has lost its offsets."""
    stop_on_lost_offsets: bool = False
    """Raise instead of reading on where the group lost its place."""
    drain_s: float = 5.0
    """How long a rebalance waits for batches in flight: shorter than a session, so that no member loses its session."""

    def description(self) -> str:
        """Topics and group, for an operator who must grant a right."""
        return description_of(self.topics, self.group)


def description_of(topics: Sequence[str], group: str) -> str:
    """As `ConsumerConfig.description`; without a group where it is empty."""
    return f"{', '.join(topics)}{f' (group {group})' if group else ''}"


def nothing(*_: object) -> None:
    """The hook of a client whose owner need not act."""


def _start_at_commits(_starts: Sequence[Start]) -> Mapping[Partition, int]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerHooks:
    """What a consumer's owner does at a rebalance; called in the reading thread, inside `consume`."""

    leaving: Callable[[], object] = nothing
    """Called before partitions are revoked in good order; may block for seconds."""
    left: Callable[[frozenset[Partition]], object] = nothing
    """These partitions are gone, in good order or not."""
    joined: Callable[[str], object] = nothing
    """Called with this member's new id in the group."""
    begin: Callable[[Sequence[Start]], Mapping[Partition, int]] = _start_at_commits
    """These partitions are ours; the offsets of those where reading begins elsewhere than the start says."""
    offsets_lost: Callable[[Start], object] = nothing
    """The group lost its place in a partition."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Ends a wait inside a rebalance."""


def properties(connection: Connection, reading: ConsumerConfig, **own: object) -> dict[str, Any]:
    """Of librdkafka, for a reader.

    Args:
        connection: broker.
        reading: what it reads.
        own: further properties, dots written as underscores.
    """
    static = {"group.instance.id": reading.instance_id} if reading.instance_id else {}
    lingering = {"fetch.wait.max.ms": round(reading.linger_s * 1_000), "fetch.min.bytes": GATHERED_BYTES}
    return connection.kafka(
        {
            # librdkafka asks for a name even where no group is joined and nothing is committed.
            "group.id": reading.group or "unused",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # `streams.kafka.group.assignment` says where reading begins; an offset that is out of range is an error.
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "check.crcs": True,
            "queued.max.messages.kbytes": LOCAL_QUEUE_KB,
            "fetch.queue.backoff.ms": QUEUE_BACKOFF_MS,
            **static,
            **(lingering if reading.linger_s else {}),
            **{name.replace("_", "."): value for name, value in own.items()},
        }
    )
