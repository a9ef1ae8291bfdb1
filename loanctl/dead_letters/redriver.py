"""Dead letters back onto the applications topic, some at a time in one transaction each.

One transactional id for all: whoever opens it ends what a killed predecessor left open and shuts out one that still
runs, so that what it reads afterwards is all that was ever redriven. Offsets of a group would say as much of letters
in their order alone, and a person chooses by reason, id and time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Producer

from schemas.errors import SetupError
from schemas.records import OutgoingRecord
from schemas.topics import redrive_id
from streams.kafka.producer.transactions import FencedDeliveryError, TransactionalProducer
from streams.runtime.settings import Connection

TOGETHER: Final = 200
"""Records of one transaction: well within its time-out at 64 KB each."""


class OvertakenRedriveError(SetupError):
    """Another redrive began while this one ran."""


class Redriver:
    """The one who may redrive now. Used from one thread; each transaction blocks for some seconds at most."""

    def __init__(self, producer: TransactionalProducer) -> None:
        self._producer = producer

    def send(self, records: Sequence[OutgoingRecord]) -> Iterator[int]:
        """Sends all in order; yields how many each committed transaction held.

        Raises:
            OutageError: whether the last transaction was committed is unknown; run again.
            OvertakenRedriveError: the rest is another's.
        """
        for start in range(0, len(records), TOGETHER):
            some = records[start : start + TOGETHER]
            try:
                self._producer.commit(some, (), None)
            except FencedDeliveryError as cause:
                problem = "another `loanctl dlq redrive` has begun since: it sends the rest"
                raise OvertakenRedriveError(problem) from cause
            yield len(some)


@contextmanager
def redriver(connection: Connection, make: Callable[[dict[str, Any]], Any] = Producer) -> Iterator[Redriver]:
    """Be the one who redrives, for the length of the block.

    Raises:
        OutageError: the broker is away.
        SetupError: the transactional id is not ours to use.
    """
    producer = TransactionalProducer(connection, redrive_id(connection.topics()), make)
    producer.open()
    try:
        yield Redriver(producer)
    finally:
        producer.close()
