"""Decisions that lie on a topic, read again: the first of each application, as far as they are asked about.

What is asked of them: `scorecard.policy_effect`, `loanctl.reports.challenger_comparison`.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from drift.performance.outcome_join import EventPosition, digest_of
from schemas.codec.projection import Projection
from schemas.errors import SetupError
from schemas.timestamps import millis_of, time_of
from schemas.topics import Topic
from scorecard.decisions.decision_records import REPLAY
from streams.kafka.topics.topic_reader import Record, partition_ranges
from streams.kafka.topics.topic_scan import read_fields
from streams.runtime.settings import Connection


class NothingDecidedError(SetupError):
    """There is no decision to look at."""

    @classmethod
    def on(cls, topic: Topic, chosen: "Span") -> Self:
        """None on this topic in this span."""
        return cls(f"no decision on {topic.name}{chosen}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which records: by when they were produced, and how many at most, the latest."""

    since: datetime | None = None
    """Inclusive."""
    until: datetime | None = None
    """Exclusive."""
    most: int | None = None

    @property
    def begins(self) -> int | None:
        """The earliest time that is meant, milliseconds since 1970."""
        return None if self.since is None else millis_of(self.since)

    def __contains__(self, timestamp: int) -> bool:
        """Whether a record of this time is meant, milliseconds since 1970."""
        after = self.begins is None or timestamp >= self.begins
        return after and (self.until is None or timestamp < millis_of(self.until))

    def __str__(self) -> str:
        begin = f" from {self.since:%Y-%m-%d %H:%M:%S}" if self.since else ""
        end = f" until {self.until:%Y-%m-%d %H:%M:%S}" if self.until else ""
        return begin + end


@dataclass(frozen=True, slots=True)
class PastDecisions:
    """What was decided: the fields asked for, by application id, the earliest first."""

    decisions: Mapping[str, Mapping[str, Any]]
    began: datetime
    """When the earliest of them was made."""


def span(since: datetime | None, until: datetime | None, most: int | None) -> Span:
    """As the command line gives it: times without a zone are UTC."""
    return Span(since=_utc(since), until=_utc(until), most=most)


def every(_decision: Mapping[str, Any]) -> bool:
    """Any decision is meant."""
    return True


def first_decisions(
    connection: Connection,
    topic: Topic,
    projection: Projection,
    chosen: Span,
    meant: Callable[[Mapping[str, Any]], bool] = every,
) -> PastDecisions:
    """The first decision of each application in a span, read_committed; later ones are repetitions.

    Args:
        topic: of decisions, or of the challenger's.
        projection: the fields needed, `application_id` among them.
        chosen: by the records' timestamps.
        meant: of such decisions alone; no other is a first, nor one of the latest so many.

    Raises:
        OutageError: broker or registry is away.
        NothingDecidedError: there is no such decision.
    """
    first = _First(chosen.most)
    for place, decision in _read(connection, topic, projection, chosen):
        if meant(decision):
            first.add(place, decision)
    kept = first.latest()
    if not kept:
        raise NothingDecidedError.on(topic, chosen)
    began = time_of(kept[0][1][0])
    return PastDecisions({name: decision for name, _, decision in kept}, began)


def latest_decision(connection: Connection, topic: Topic, projection: Projection, chosen: Span) -> Mapping[str, Any]:
    """The last decision made in a span, read_committed; no replay counts.

    Raises:
        OutageError: broker or registry is away.
        NothingDecidedError: there is none.
    """
    found = max(
        _read(connection, topic, projection, chosen, lambda record: REPLAY not in record.headers),
        key=lambda one: one[0],
        default=None,
    )
    if found is None:
        raise NothingDecidedError.on(topic, chosen)
    return found[1]


def _read(
    connection: Connection,
    topic: Topic,
    projection: Projection,
    chosen: Span,
    meant: Callable[[Record], bool] = lambda _: True,
) -> Iterator[tuple[EventPosition, Mapping[str, Any]]]:
    lying = partition_ranges(connection, [topic.name], chosen.begins)
    # Within a partition timestamps need not rise, so the beginning is not enough.
    wanted = read_fields(connection, lying, projection, lambda one: one.timestamp in chosen and meant(one))
    for record, decision in wanted:
        if decision is not None:
            yield record.place, decision


class _First:
    """The first decision of each application; of all but the latest so many no more than that they were.

    Of those the digest of each id is kept, about a hundred bytes in memory: ten million take a gigabyte, and
    two of them share one with a chance of three in a million.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._found: dict[str, tuple[EventPosition, Mapping[str, Any]]] = {}
        self._passed: set[int] = set()

    def add(self, place: EventPosition, decision: Mapping[str, Any]) -> None:
        name = decision["application_id"]
        before = self._found.get(name)
        # One that was passed would be none of the latest by an earlier decision either.
        if (before is None and digest_of(name) not in self._passed) or (before is not None and place < before[0]):
            self._found[name] = (place, decision)
        if self._most is not None and len(self._found) > 2 * self._most:
            latest = {name for name, _, _ in self.latest()}
            self._passed.update(digest_of(name) for name in self._found if name not in latest)
            self._found = {name: found for name, found in self._found.items() if name in latest}

    def latest(self) -> list[tuple[str, EventPosition, Mapping[str, Any]]]:
        """The latest so many, earliest first."""
        found = [(name, place, decision) for name, (place, decision) in self._found.items()]
        latest = found if self._most is None else heapq.nlargest(self._most, found, key=lambda one: one[1])
        return sorted(latest, key=lambda one: one[1])


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
