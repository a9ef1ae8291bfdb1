"""An application's exchange over the topics: publish, wait, answer.

The gateway decides nothing: an answer is the decision that a scoring worker published, found by the
application's id and coordinates. Runs in the event loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.exchange.pending_decisions import Decision, Entry, PendingDecisions
from schemas.errors import LoanError
from schemas.records import Headers
from streams.kafka.kafka_errors import BrokerAwayError


class Publisher(Protocol):
    """The part of `ApplicationPublisher` that is needed here."""

    schema_id: int

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The application in wire format."""

    async def publish(self, key: bytes, value: bytes, headers: Headers) -> tuple[int, int]:
        """Partition and offset once the broker has it. Raises OutageError, SetupError."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One application to be decided."""

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

    def __init__(self, pending: PendingDecisions, publisher: Publisher, *, timeout_s: float) -> None:
        """Starts nothing."""
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
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._accept(entries, submissions)
                return [await asyncio.shield(entry.decision) for entry in entries]
        except TimeoutError:
            if not all(entry.accepted for entry in entries):
                raise BrokerAwayError from None
            open_ids = [entry.application_id for entry in entries if not entry.decision.done()]
            raise UndecidedError(open_ids) from None
        finally:
            for entry in entries:
                self.pending.leave(entry)

    async def _accept(self, entries: Sequence[Entry], submissions: Sequence[Submission]) -> None:
        """All acknowledged. A caller that leaves meanwhile takes back nothing: what is on its way is kept track of."""
        tasks = []
        for entry, submission in zip(entries, submissions, strict=True):
            if entry.publishing is None and not entry.accepted:
                entry.publishing = asyncio.create_task(self._publish(entry, submission))
                entry.publishing.add_done_callback(_retrieve_exception)
            if entry.publishing is not None:
                tasks.append(entry.publishing)
        for task in tasks:
            await asyncio.shield(task)

    async def _publish(self, entry: Entry, submission: Submission) -> None:
        # Repeated after a failure, it is the same bytes, which have the same decision.
        entry.value = entry.value or self._publisher.encode(submission.record)
        try:
            place = await self._publisher.publish(entry.application_id.encode(), entry.value, submission.headers)
        finally:
            entry.publishing = None
        self.pending.accept(entry, place)


def _retrieve_exception(task: "asyncio.Task[None]") -> None:
    # Its fault reaches whoever awaits; where nobody does any more, it is no news to the loop either.
    if not task.cancelled() and isinstance(task.exception(), LoanError):
        return
