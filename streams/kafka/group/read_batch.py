"""A batch of records with everything needed to commit it. No client is called here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TopicPartition

from schemas.errors import LoanError, OutageError
from schemas.records import RecordBatch


class StaleBatchError(OutageError):
    """The batch was read before a rebalance: it is someone else's now, and must not be committed."""


class CommitGapError(LoanError):
    """A batch read before this one is not committed: to commit this one would lose it. A fault in our code."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Records of one topic with all that committing them needs."""

    records: RecordBatch
    metadata: Any
    """The consumer group's, of the moment when the records were read; None without a group."""
    first_offsets: Mapping[int, int]
    """By partition: where reading of this batch began, which is where the one before it ended."""
    next_offsets: Mapping[int, int]
    """By partition: the last offset of this batch plus one."""
    epoch: int
    """The rebalance after which it was read."""
    number: int = -1
    """Counts the batches that one reader handed over, without gaps."""

    def positions(self) -> list[TopicPartition]:
        """What to commit."""
        topic = self.records.topic
        return [TopicPartition(topic, partition, offset) for partition, offset in self.next_offsets.items()]


def records_of(topic: str, messages: Sequence[Any], *, headers: bool = True) -> RecordBatch:
    """Columns of a consumer's messages.

    Args:
        topic: theirs.
        messages: no ends of partitions among them.
        headers: whether they are needed; six of a record cost as much as all the rest of it.
    """
    return RecordBatch(
        topic=topic,
        keys=[message.key() for message in messages],
        values=[message.value() for message in messages],
        partitions=[message.partition() for message in messages],
        offsets=[message.offset() for message in messages],
        timestamps=[message.timestamp()[1] for message in messages],
        headers=[tuple(message.headers() or ()) if headers else () for message in messages],
    )
