"""Labelled rows from the topics: applications joined with their loan outcomes, up to a stated time.

A shell: topics are read block by block to their ends as of its start, and only needed columns
are kept: outcomes as numbers, applications whose outcome is known or that are in a window.
Only true outcomes label a row; decisions and reviews say what let it in. An application sent twice counts once, its
first record; of several outcomes of an application the last one counts. Applications that are younger than the
contract's performance window are left out, whatever is known of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.projection import Projection, millis
from schemas.codec.wire_format import schema_ids
from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.reviews import LoanReview
from schemas.registry_client import WriterSchemas
from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks, partition_ranges
from streams.runtime.application_keys import application_keys
from streams.runtime.settings import Connection
from training.rows import identity
from training.rows.admission import DECIDED, REVIEWED, AdmissionJoin
from training.rows.identity import Identities
from training.rows.labelled_rows import LabelledRows

Integers = npt.NDArray[np.int64]

DAY_MS: Final = 86_400_000
OUTCOME: Final = ("application_id", "defaulted", "observed_at")


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """Events of the topics; `offsets` has the ranges that were read."""

    labelled: LabelledRows
    """Applications whose outcome is known, in the order they came."""
    window: Matrix
    """Values of the applications signed in the requested window; shape (n, observed)."""
    offsets: str


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The last outcome of each application: who, sorted and each once, whether it defaulted, and when; shapes (n,)."""

    who: Identities
    defaulted: npt.NDArray[np.bool_]
    observed_at: Integers
    """Milliseconds since 1970."""

    @classmethod
    def last_of_each(cls, who: Identities, defaulted: npt.NDArray[np.bool_], observed_at: Integers) -> "Outcomes":
        """Of outcomes in the order they came; of those observed at once the later one."""
        order = np.lexsort((np.arange(len(who)), observed_at, who))
        who, defaulted, observed_at = who[order], defaulted[order], observed_at[order]
        last = np.ones(len(who), dtype=np.bool_)
        last[:-1] = who[1:] != who[:-1]
        return cls(who[last], defaulted[last], observed_at[last])

    def places(self, who: Identities) -> Integers:
        """Index of each of these applications, -1 if its outcome is not known; shape of `who`."""
        return identity.places_among(self.who, who)


@dataclass(frozen=True, slots=True)
class _Applications:
    """Columns of applications; `order` has partition and offset, shape (n, 2)."""

    values: Matrix
    applied_at: Integers
    who: Identities
    order: Integers

    @classmethod
    def concatenate(cls, parts: list["_Applications"], observed: int) -> "_Applications":
        """The first record of each application, by partition and offset.

        Empties `parts` as it copies them, so that their values, nearly all of the memory, exist once.
        """
        who = np.concatenate([np.empty(0, np.uint64), *(part.who for part in parts)])
        order = np.concatenate([np.empty((0, 2), np.int64), *(part.order for part in parts)])
        came = np.lexsort((order[:, 1], order[:, 0]))
        came = came[np.sort(np.unique(who[came], return_index=True)[1])]
        place = np.full(len(who), -1)
        place[came] = np.arange(len(came))
        values, applied_at, end = np.empty((len(came), observed)), np.empty(len(came), np.int64), len(who)
        while parts:
            part = parts.pop()
            to = place[end - len(part.who) : end]
            first = to >= 0
            values[to[first]], applied_at[to[first]] = part.values[first], part.applied_at[first]
            end -= len(part.who)
        return cls(values, applied_at, who[came], order[came])

    def take(self, places: Any) -> "_Applications":
        """Those at these places, or where the mask holds."""
        return _Applications(self.values[places], self.applied_at[places], self.who[places], self.order[places])


def read_snapshot(
    connection: Connection, until: datetime, window: tuple[datetime, datetime] | None = None
) -> TopicSnapshot:
    """The current events of the topics, of records not after a time.

    Memory follows the outcomes known and the window, not the topics.

    Args:
        until: by the records' own timestamps.
        window: applications signed from the first time on and before the second are wanted, too.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: a topic does not exist.
    """
    contract, topics = connection.contract(), connection.topics()
    registry, latest = connection.registry(), round(until.timestamp() * 1000)
    # First the ends of both: an application that arrives while outcomes are read is ignored.
    applications = partition_ranges(connection, [topics.applications.name])
    ended = partition_ranges(connection, [topics.outcomes.name])
    outcomes = _outcomes(_until(connection, ended, latest), WriterSchemas(registry, topics.outcomes.name))
    span = tuple(round(end.timestamp() * 1000) for end in window) if window else (0, 0)
    reader = ApplicationReader(contract, connection.record_limits(), application_keys(connection))
    writers = WriterSchemas(registry, topics.applications.name)
    parts = [
        _relevant(_decode(reader, block, writers), outcomes, span) for block in _until(connection, applications, latest)
    ]
    found = _Applications.concatenate(parts, len(contract.observed))
    joined = _admissions(connection, outcomes, latest)
    within = (found.applied_at >= span[0]) & (found.applied_at < span[1])
    told = f"until {until.isoformat(timespec='milliseconds')}"
    return TopicSnapshot(
        labelled=_label(found, outcomes, joined, latest, contract.label.outcome_after_days),
        window=found.values[within],
        offsets=f"{_extent(applications)}; {_extent(ended)}; {told}",
    )


def known_outcomes(connection: Connection) -> Mapping[str, bool]:
    """Whether each loan defaulted, by application id, as far as the topic knows now.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: the topic does not exist.
    """
    topic = connection.topics().outcomes.name
    writers, reader = WriterSchemas(connection.registry(), topic), Projection(LoanOutcome, OUTCOME)
    last: dict[str, tuple[int, bool]] = {}
    for block in blocks(connection, partition_ranges(connection, [topic])):
        for outcome in _read(block, writers, reader):
            name, observed_at = outcome["application_id"], millis(outcome["observed_at"])
            if name not in last or observed_at >= last[name][0]:
                last[name] = observed_at, outcome["defaulted"]
    return {name: defaulted for name, (_, defaulted) in last.items()}


def _until(connection: Connection, ranges: Sequence[PartitionRange], latest: int) -> Iterator[list[Record]]:
    for block in blocks(connection, ranges):
        yield [record for record in block if record.timestamp <= latest]


def _outcomes(found: Iterator[list[Record]], writers: WriterSchemas) -> Outcomes:
    reader = Projection(LoanOutcome, OUTCOME)
    parts = [_columns(list(_read(block, writers, reader))) for block in found]
    nothing = np.empty(0, np.uint64), np.empty(0, np.bool_), np.empty(0, np.int64)
    who, defaulted, observed_at = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    return Outcomes.last_of_each(who, defaulted, observed_at)


def _columns(outcomes: Sequence[Mapping[str, Any]]) -> tuple[Identities, npt.NDArray[np.bool_], Integers]:
    return (
        identity.of_ids([outcome["application_id"] for outcome in outcomes]),
        np.array([outcome["defaulted"] for outcome in outcomes], dtype=np.bool_),
        np.array([millis(outcome["observed_at"]) for outcome in outcomes], dtype=np.int64),
    )


def _read(block: Sequence[Record], writers: WriterSchemas, reader: Projection) -> Iterator[Mapping[str, Any]]:
    """The events of a block; what cannot be read labels nothing."""
    values = [record.value for record in block]
    known = writers.of(schema_ids(values))
    return (event for value in values if (event := reader.read(value, known)) is not None)


def _decode(reader: ApplicationReader, block: Sequence[Record], writers: WriterSchemas) -> _Applications:
    values = [record.value for record in block]
    decoded = reader.read(values, writers.of(schema_ids(values)))
    order = np.array([(record.partition, record.offset) for record in block], dtype=np.int64).reshape(-1, 2)
    found = decoded.applications
    return _Applications(found.values, found.applied_at, identity.of_ids(found.ids), order[decoded.places])


def _relevant(found: _Applications, outcomes: Outcomes, span: Sequence[int]) -> _Applications:
    """Those whose outcome is known, or that are in the span; the others are dropped at once."""
    within = (found.applied_at >= span[0]) & (found.applied_at < span[1])
    return found.take(np.flatnonzero((outcomes.places(found.who) >= 0) | within))


def _admissions(connection: Connection, outcomes: Outcomes, latest: int) -> AdmissionJoin:
    """What was decided on the applications whose outcome is known."""
    topics, joined = connection.topics(), AdmissionJoin(outcomes.who)
    sources: tuple[tuple[str, type, Sequence[str], Callable[[Iterator[Mapping[str, Any]]], None]], ...] = (
        (topics.decisions.name, LoanDecision, DECIDED, joined.decide),
        (topics.reviews.name, LoanReview, REVIEWED, joined.review),
    )
    for topic, event, fields, fold in sources:
        writers, reader = WriterSchemas(connection.registry(), topic), Projection(event, fields)
        for block in _until(connection, partition_ranges(connection, [topic]), latest):
            fold(_read(block, writers, reader))
    return joined


def _label(
    found: _Applications, outcomes: Outcomes, joined: AdmissionJoin, latest: int, window_days: int
) -> LabelledRows:
    """Those whose outcome is known and that are mature: of young loans nearly all that is known is defaults.

    Args:
        latest: of the reading, milliseconds since 1970.
        window_days: a default counts within so many days of its application, and a loan is mature after them; 0 for
            no window: every outcome counts, that of an application signed ahead of the clock, too.
    """
    places, window = outcomes.places(found.who), window_days * DAY_MS
    known = places >= 0
    if window:
        known &= found.applied_at <= latest - window
    # Nearly always all are; a copy of their values would be the largest thing in memory.
    found = found if known.all() else found.take(known)
    places = places[known]
    within = outcomes.observed_at[places] <= found.applied_at + window if window else True
    return LabelledRows(
        values=found.values,
        defaulted=outcomes.defaulted[places] & within,
        applied_at=found.applied_at,
        recent=np.ones(len(places), dtype=np.bool_),
        ids=found.who,
        admission=joined.of(found.who),
    )


def _extent(ranges: Sequence[PartitionRange]) -> str:
    return f"{ranges[0].topic} " + ", ".join(f"{each.partition}:{each.first}-{each.end}" for each in ranges)
