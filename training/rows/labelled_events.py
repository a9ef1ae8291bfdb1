"""Labelled rows from the topics: applications joined with what became of their loans, up to a stated time.

A shell: the topics are read whole, to where they ended when it looked. Only true outcomes label a
row; decisions are never read here. An application sent twice counts once, its first record; of
several outcomes of an application the last one stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from schemas.application_decoder import ApplicationReader
from schemas.applications import Applications, Matrix
from schemas.contract import Contract
from schemas.errors import RecordError
from schemas.event_codec import avro_schema, from_record
from schemas.event_decoder import EventDecoder
from schemas.events.decisions import LoanOutcome
from schemas.registry_client import WriterSchemas
from schemas.resolution.writer_schemas import Writers
from schemas.wire_format import schema_ids
from streams.runtime.settings import Connection
from training.committed import whole
from training.rows.labelled_rows import LabelledRows

BLOCK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Seen:
    """Applications of a topic, one for each id, and outcomes by id; `offsets` says up to where they were read."""

    contract: Contract
    applications: Applications
    outcomes: Mapping[str, LoanOutcome]
    offsets: str

    def labelled(self) -> LabelledRows:
        """The applications whose outcome is known, in the order they came."""
        known_outcomes = [place for place, name in enumerate(self.applications.ids) if name in self.outcomes]
        defaulted = [self.outcomes[self.applications.ids[place]].defaulted for place in known_outcomes]
        chosen = np.array(known_outcomes, dtype=np.int64)
        return LabelledRows(
            values=self.applications.values[chosen],
            defaulted=np.array(defaulted, dtype=np.bool_),
            applied_at=self.applications.applied_at[chosen],
            recent=np.ones(len(chosen), dtype=np.bool_),
        )

    def window(self, start: datetime, end: datetime) -> Matrix:
        """Values of the applications signed in [start, end); shape (n, observed)."""
        applied_at = self.applications.applied_at
        inside = (applied_at >= _millis(start)) & (applied_at < _millis(end))
        return self.applications.values[inside]


def seen(connection: Connection, until: datetime) -> Seen:
    """What lies on the topics now, of records not after a time.

    Args:
        connection: broker, registry and product.
        until: by the records' own timestamps.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: a topic does not exist.
    """
    contract, topics = connection.contract(), connection.topics()
    registry = connection.registry()
    applications = whole(connection, topics.applications.name)
    outcomes = whole(connection, topics.outcomes.name)
    latest = _millis(until)
    return Seen(
        contract=contract,
        applications=_first_of_each(
            ApplicationReader(contract, connection.record_limits()),
            applications.values(latest),
            WriterSchemas(registry, topics.applications.name),
        ),
        outcomes=_last_of_each(outcomes.values(latest), WriterSchemas(registry, topics.outcomes.name)),
        offsets=f"{applications.offsets}; {outcomes.offsets}; until {until.isoformat(timespec='milliseconds')}",
    )


def known_outcomes(connection: Connection) -> Mapping[str, bool]:
    """Whether each loan defaulted, by application id, as far as the topic knows now.

    Raises:
        OutageError: broker or registry is away.
        NoTopicError: the topic does not exist.
    """
    topic = connection.topics().outcomes.name
    values = whole(connection, topic).values()
    last = _last_of_each(values, WriterSchemas(connection.registry(), topic))
    return {name: outcome.defaulted for name, outcome in last.items()}


def _first_of_each(reader: ApplicationReader, values: Sequence[bytes | None], writers: WriterSchemas) -> Applications:
    parts = [
        reader.read(block, writers.of(schema_ids(block))).applications
        for block in (values[start : start + BLOCK] for start in range(0, max(len(values), 1), BLOCK))
    ]
    ids = [name for part in parts for name in part.ids]
    first: dict[str, int] = {}
    for place, name in enumerate(ids):
        first.setdefault(name, place)
    kept = np.array(sorted(first.values()), dtype=np.int64)
    return Applications(
        ids=[ids[place] for place in kept],
        applied_at=np.concatenate([part.applied_at for part in parts])[kept],
        values=np.concatenate([part.values for part in parts])[kept],
    )


def _last_of_each(values: Sequence[bytes | None], writers: WriterSchemas) -> Mapping[str, LoanOutcome]:
    decoder = EventDecoder(avro_schema(LoanOutcome))
    known_outcomes = writers.of(schema_ids(values))
    last: dict[str, LoanOutcome] = {}
    for value in values:
        outcome = _outcome(value, known_outcomes, decoder)
        if outcome is None:
            continue
        before = last.get(outcome.application_id)
        if before is None or outcome.observed_at >= before.observed_at:
            last[outcome.application_id] = outcome
    return last


def _outcome(value: bytes | None, writers: Writers, decoder: EventDecoder) -> LoanOutcome | None:
    """The outcome that the bytes stand for; None where they are none: an unreadable label labels nothing."""
    try:
        return from_record(LoanOutcome, decoder.decode(value, writers))
    except (RecordError, ValueError):
        return None


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
