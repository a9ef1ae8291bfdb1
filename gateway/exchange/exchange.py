"""An application's exchange over the topics: publish, wait, answer.

The gateway decides nothing: an answer is the decision that a scoring worker published, found by the
application's id and coordinates. Runs in the event loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from gateway.exchange.pending_decisions import Decision, Entry, PendingDecisions
from schemas.records import Headers, RecordPosition
from streams.kafka.kafka_errors import BrokerAwayError

if TYPE_CHECKING:
    from streams.traces.tracer import Tracer


class Publisher(Protocol):
    """The part of `ApplicationPublisher` that is needed here."""

    schema_id: int

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The application as it is published. Raises OutageError, SetupError where it is sealed."""

    def publish(self, key: bytes, value: bytes, headers: Headers) -> "asyncio.Future[RecordPosition]":
        """Partition and offset once the broker has it; its exception is an OutageError or a SetupError."""


def with_spans(publisher: Publisher, tracer: "Tracer | None", topic: str) -> Publisher:
    """The publisher, with a span of each application where traces are on."""
    if tracer is None:
        return publisher
    from gateway.exchange.application_spans import TracedPublisher

    return TracedPublisher(publisher, tracer, topic)


@dataclass(frozen=True, slots=True)
class Submission:
    application_id: str
    digest: str
    record: Mapping[str, Any]
    headers: Headers = ()
    named: bool = True
    """False for an id that the gateway has just generated: it cannot have been used before."""


class UndecidedError(Exception):
    """The time is over; the applications named are accepted, and will be decided."""

    def __init__(self, application_ids: Sequence[str]) -> None:
        super().__init__()
        self.application_ids = application_ids


class Exchange:
    """Submits applications and gives back their decisions."""

    def __init__(
        self, pending: PendingDecisions, publisher: Publisher, *, timeout_s: float, seals: bool = False
    ) -> None:
        """Starts nothing.

        Args:
            seals: the publisher asks a database for a key before it encodes, which may take a while.
        """
        self._seals = seals
        self.pending = pending
        self._publisher = publisher
        self._timeout_s = timeout_s

    @property
    def schema_id(self) -> int:
        """The id of the application schema in the registry; 0 before it is known."""
        return self._publisher.schema_id

    async def decisions(self, submissions: Sequence[Submission]) -> list[Decision]:
        """The decision on each application, in order; one that was submitted before is not published again.

        Raises:
            BodyConflictError, TooManyPendingError: nothing was published.
            OutageError, SetupError: at least one is not known to have been accepted.
            UndecidedError: all are accepted, and at least one is not decided in time.
        """
        entries = self.pending.enter([(each.application_id, each.digest) for each in submissions])
        awaited = [entry.decision for entry in entries]
        try:
            self._publish(entries, submissions)
            async with asyncio.timeout(self._timeout_s):
                # A caller that leaves takes nothing back from others who wait for the same.
                return list(await asyncio.gather(*map(asyncio.shield, awaited)))
        except TimeoutError:
            if not all(entry.accepted for entry in entries):
                raise BrokerAwayError from None
            open_ids = [entry.application_id for entry in entries if not entry.decision.done()]
            raise UndecidedError(open_ids) from None
        finally:
            for entry in entries:
                self.pending.leave(entry)

    def _publish(self, entries: Sequence[Entry], submissions: Sequence[Submission]) -> None:
        for entry, submission in zip(entries, submissions, strict=True):
            if entry.publishing is None and not entry.accepted:
                entry.publishing = self._position_of(entry, submission)
                entry.publishing.add_done_callback(partial(self._acknowledge, entry))

    def _position_of(self, entry: Entry, submission: Submission) -> "asyncio.Future[RecordPosition]":
        if self._seals and not entry.value:
            return asyncio.ensure_future(self._seal_and_publish(entry, submission))
        # Repeated after a failure, it is the same bytes, which have the same decision.
        entry.value = entry.value or self._publisher.encode(submission.record)
        return self._publisher.publish(entry.application_id.encode(), entry.value, submission.headers)

    async def _seal_and_publish(self, entry: Entry, submission: Submission) -> RecordPosition:
        # A key is asked for in a thread: its database may take a while, and the loop serves all callers.
        entry.value = await asyncio.to_thread(self._publisher.encode, submission.record)
        return await self._publisher.publish(entry.application_id.encode(), entry.value, submission.headers)

    def _acknowledge(self, entry: Entry, publishing: "asyncio.Future[RecordPosition]") -> None:
        entry.publishing = None
        fault = publishing.exception()
        if fault is None:
            self.pending.accept(entry, publishing.result())
        else:
            self.pending.fail(entry, fault)
