"""Decisions that lie on a topic, read again: the first of each application, as far as they are asked about.

What is asked of them: `loanctl.policy_effect`, `loanctl.challenger_comparison`.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drift.decoding import Projection
from loanctl.observe import blocks
from schemas.codec import schema_ids
from schemas.registered import WriterSchemas
from schemas.topics import Topic
from streams.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which decisions: by when they were made, and how many at most, the latest."""

    since: datetime | None = None
    """Inclusive."""
    until: datetime | None = None
    """Exclusive."""
    most: int | None = None

    def __str__(self) -> str:
        begin = f" from {self.since:%Y-%m-%d %H:%M:%S}" if self.since else ""
        end = f" until {self.until:%Y-%m-%d %H:%M:%S}" if self.until else ""
        return begin + end


@dataclass(frozen=True, slots=True)
class Past:
    """What was decided: the fields asked for, by application id, the earliest first."""

    decisions: Mapping[str, Mapping[str, Any]]
    unreadable: int
    """Records that are no decisions."""


def span(since: datetime | None, until: datetime | None, most: int | None) -> Span:
    """As the command line gives it: times without a zone are UTC."""
    return Span(since=_utc(since), until=_utc(until), most=most)


def first_decisions(connection: Connection, topic: Topic, projection: Projection, chosen: Span) -> Past:
    """The first decision of each application in a span, read_committed; later ones are repetitions.

    Args:
        connection: broker and registry.
        topic: of decisions, or of the challenger's.
        projection: the fields needed, `application_id` among them.
        chosen: by the records' timestamps.

    Raises:
        OutageError: broker or registry is away.
    """
    writers = WriterSchemas(connection.registry())
    first: dict[str, tuple[tuple[int, int, int], Mapping[str, Any]]] = {}
    unreadable = 0
    since, until = _millis(chosen.since), _millis(chosen.until)
    for block in blocks(connection, [topic], since):
        known = writers.of(schema_ids([record.value for record in block]))
        for record in block:
            # Within a partition timestamps need not rise, so the beginning is not enough.
            if not (since or 0) <= record.timestamp < (until or record.timestamp + 1):
                continue
            decision = projection.read(record.value, known)
            if decision is None:
                unreadable += 1
                continue
            place = (record.timestamp, record.partition, record.offset)
            name = decision["application_id"]
            if name not in first or place < first[name][0]:
                first[name] = (place, decision)
    ordered = _latest(list(first.items()), chosen.most)
    return Past({name: decision for name, (_, decision) in ordered}, unreadable)


def _latest(found: list[Any], most: int | None) -> list[Any]:
    kept = found if most is None else heapq.nlargest(most, found, key=lambda item: item[1][0])
    return sorted(kept, key=lambda item: item[1][0])


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _millis(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
