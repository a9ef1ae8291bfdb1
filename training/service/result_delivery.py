"""Delivers a command's result and commits the command: one transaction, which the consumer group fences.

A rebalance can give a command to another trainer while this one works on it. Whoever still answers it then carries an
outdated generation of the group, and the broker refuses the transaction: of several trainers one gives the result.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from schemas.access import KafkaPrincipal
from schemas.errors import OutageError
from schemas.records import OutgoingRecord
from streams.kafka.group.read_batch import ReadBatch
from streams.kafka.producer.hanging_transactions import HangingTransactions
from streams.kafka.producer.transactions import TransactionalProducer
from streams.runtime.settings import Connection


class ResultDelivery:
    """Of one trainer. Used from one thread at a time.

    Unlike `streams.kafka.producer.delivery.ExactlyOnce` it leaves the reader alone: the thread that reads acknowledges,
    and a command that it was given before that would be nobody's.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        """Connects nothing yet.

        Args:
            name: the transactional id, of one living trainer only; the same after its restart.
        """
        self._hanging = HangingTransactions(connection, KafkaPrincipal.TRAINER)
        self._producer = TransactionalProducer(connection, name, opened=self._hanging.abort)

    @contextmanager
    def session(self) -> Iterator[None]:
        """A connection for one attempt at a command.

        It is opened before the attempt looks for an earlier answer: a transaction of unknown end is decided by then.

        Raises:
            OutageError: the broker is away.
            SetupError: this user may not use the transactional id.
        """
        self._producer.open()
        try:
            yield
        finally:
            self._producer.close()

    def check(self) -> None:
        """Find out before any training whether results can be delivered, and end transactions that hang.

        Raises:
            OutageError: the broker is away.
            SetupError: this user may not use the transactional id.
        """
        with self.session():
            pass

    def deliver(self, batch: ReadBatch, records: Sequence[OutgoingRecord]) -> None:
        """Publish the result, and commit the command that it answers; inside `session`.

        Args:
            records: the result; empty where there is nothing to say.

        Raises:
            OutageError: nothing was delivered, or this is unknown: attempt it again.
            SetupError: the topic of results does not exist, or must not be written.
        """
        self._producer.commit(records, batch.positions(), batch.metadata)

    def doubt(self, fault: OutageError) -> None:
        """Remember how a session ended, for the next connection: see `HangingTransactions.doubt`."""
        self._hanging.doubt(fault)
