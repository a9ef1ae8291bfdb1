"""Applications in flight and their answers: which requests wait for which decision.

Belongs to the event loop's thread, except for `wants`, which the reading thread calls. Nothing here does
input or output. Memory is bounded: `most_waiting` requests, and `remembered` applications whose
answers (encoded, 1-3 KB) are kept for repeated requests.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.records import RecordPosition

Decision = Mapping[str, Any]
"""A decoded `LoanDecision`, as Avro gives it."""

MOST_CANDIDATES: Final = 8
"""Decisions of one id that are kept until the own record's coordinates are known."""


class TooManyPendingError(Exception):
    """More requests wait than are allowed."""


class BodyConflictError(Exception):
    """The id is that of an application with another body."""


@dataclass(slots=True, eq=False)
class Entry:
    """One application that this gateway publishes."""

    application_id: str
    digest: str
    """Of the request's body: the same id with another digest is a conflict."""
    decision: "asyncio.Future[Decision]"
    value: bytes = b""
    """The published record: a repeated attempt publishes the same bytes, which have the same decision."""
    accepted: bool = False
    publishing: "asyncio.Future[RecordPosition] | None" = None
    place: RecordPosition | None = None
    candidates: list[Decision] = field(default_factory=list)
    waiting: int = 0


class PendingDecisions:
    """Entries by application id, the latest last."""

    def __init__(self, most_waiting: int, remembered: int) -> None:
        """Nobody waits yet."""
        self._most_waiting = most_waiting
        self._remembered = remembered
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._wanted: dict[bytes, str] = {}
        self.waiting = 0
        """Requests that wait now, an application of a batch counted as one."""

    def wants(self, key: bytes | None) -> bool:
        """True if a decision of this key is waited for; safe from any thread."""
        return key in self._wanted

    def get(self, application_id: str) -> Entry | None:
        return self._entries.get(application_id)

    def enter(self, applications: Sequence[tuple[str, str]]) -> list[Entry]:
        """An entry for each application, new or the one that is there; all of them wait, or none does.

        Args:
            applications: id and digest of each.

        Raises:
            BodyConflictError: an id is there with another digest; its argument is the place of the application.
            TooManyPendingError: so many more may not wait.
        """
        for place, (application_id, digest) in enumerate(applications):
            known = self._entries.get(application_id)
            if known is not None and known.digest != digest:
                raise BodyConflictError(place)
        if self.waiting + len(applications) > self._most_waiting:
            raise TooManyPendingError
        return [self._enter(application_id, digest) for application_id, digest in applications]

    def leave(self, entry: Entry) -> None:
        """A request waits no more, answered or not."""
        entry.waiting -= 1
        self.waiting -= 1
        self._forget_without_record(entry)

    def accept(self, entry: Entry, place: RecordPosition) -> None:
        """The broker has the application, at this place."""
        entry.accepted, entry.place = True, place
        for decision in entry.candidates:
            self._settle(entry, decision)
        entry.candidates.clear()

    def fail(self, entry: Entry, fault: BaseException) -> None:
        """Whether the broker has the application is unknown: the waiting caller gets that answer, and may ask again."""
        failed, entry.decision = entry.decision, asyncio.get_running_loop().create_future()
        if not failed.done():
            failed.set_exception(fault)
            # Without a waiting caller there is nothing to tell the loop.
            failed.exception()
        self._forget_without_record(entry)

    def add_decisions(self, decisions: Sequence[Decision]) -> None:
        """Decisions have come, of wanted keys or not."""
        for decision in decisions:
            entry = self._entries.get(decision["application_id"])
            if entry is None or entry.decision.done():
                continue
            if entry.place is None:
                entry.candidates = [*entry.candidates, decision][-MOST_CANDIDATES:]
            else:
                self._settle(entry, decision)

    def _settle(self, entry: Entry, decision: Decision) -> None:
        # Another producer's record of the same id is another application to the worker: our answer names our offset.
        if (decision["source_partition"], decision["source_offset"]) == entry.place and not entry.decision.done():
            entry.decision.set_result(decision)
            self._wanted.pop(entry.application_id.encode(), None)

    def _enter(self, application_id: str, digest: str) -> Entry:
        entry = self._entries.get(application_id)
        if entry is None:
            entry = Entry(application_id, digest, asyncio.get_running_loop().create_future())
            self._entries[application_id] = entry
            self._wanted[application_id.encode()] = application_id
        self._entries.move_to_end(application_id)
        entry.waiting += 1
        self.waiting += 1
        self._shed()
        return entry

    def _shed(self) -> None:
        """Drop the oldest that no request waits for; an undecided one is still found by its id on the topic."""
        while len(self._entries) > self._remembered + self.waiting:
            oldest = next((entry for entry in self._entries.values() if not entry.waiting), None)
            if oldest is None:
                return
            self._forget(oldest)

    def _forget_without_record(self, entry: Entry) -> None:
        """Forget what no record can come of: one that is being sealed is published even if its caller has left."""
        if not (entry.accepted or entry.waiting or entry.value or entry.publishing):
            self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        self._entries.pop(entry.application_id, None)
        self._wanted.pop(entry.application_id.encode(), None)
