"""Plays a table onto the topics: framed applications at a rate, and their outcomes on request.

The first half is pure: a table and a script in, records out, the same ones every time. The second
half sends them and waits for the broker's acknowledgement. Reading tables is `loanctl.simulation.loan_tables`.
"""

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import fastavro
import numpy as np

from loanctl.simulation import loan_tables
from loanctl.simulation.loan_tables import Table
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.contract.contract import Contract
from schemas.events.decisions import LoanOutcome
from schemas.records import OutgoingRecord
from schemas.registry_client import registered_id
from schemas.topics import Topics
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection

TICK_S: Final = 0.02
"""A paced play sends what is due this often: fine enough that latencies are not those of our bursts."""
BLOCK: Final = 5_000
"""An unpaced play waits for acknowledgement after so many records: few waits, little memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """When each application of a play was signed."""

    start: datetime
    """Event time of the first, with a time zone."""
    spacing: timedelta
    """Event time between one and the next."""
    shuffle_seed: int | None = None
    """None keeps the order of the file."""
    outcome_after: timedelta = timedelta(0)
    """Event time from an application to the day its outcome is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackCodec:
    """What the bytes of a play are made with: topics, and schemas under the ids that the registry gave them."""

    contract: Contract
    topics: Topics
    application_schema_id: int
    outcome_schema_id: int


@dataclass(frozen=True, slots=True)
class PlaybackResult:
    applications: int
    outcomes: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.applications / self.seconds if self.seconds > 0 else 0.0


def applications(table: Table, script: Script, playback_codec: PlaybackCodec) -> Iterator[OutgoingRecord]:
    """One record for each row, in the order of the script.

    An application's id is the table's digest and its row, so that the same table gives the same ids
    in whatever order it is played.

    Raises:
        TableError: a value cannot be written as its field's type.
    """
    schema: Any = fastavro.parse_schema(dict(playback_codec.contract.schema))
    for record in records(table, script, playback_codec.contract):
        name: str = record[playback_codec.contract.id_field]
        value = frame(playback_codec.application_schema_id, schema, record)
        yield OutgoingRecord(playback_codec.topics.applications.name, name.encode(), value)


def records(table: Table, script: Script, contract: Contract) -> Iterator[dict[str, Any]]:
    """Each application as plain data that Avro can write; order and identity as in `applications`.

    Raises:
        TableError: a value cannot be written as its field's type.
    """
    columns = loan_tables.avro_columns(table, contract)
    for place, row in enumerate(_order(len(table), script.shuffle_seed)):
        yield {
            contract.id_field: application_id(table, row),
            contract.time_field: _signature_time(script, place),
            **{field: column[row] for field, column in columns.items()},
        }


def outcomes(
    table: Table, script: Script, playback_codec: PlaybackCodec, granted: Container[str] | None = None
) -> Iterator[OutgoingRecord | None]:
    """Outcome of each row's loan, in the same order as `applications`; None if unknown.

    Args:
        granted: ids of the applications that got a loan, the others have no outcome; None where all outcomes are known.

    Raises:
        TableError: the table does not tell, or in other words than the contract's.
    """
    schema: Any = fastavro.parse_schema(dict(avro_schema(LoanOutcome)))
    labels = loan_tables.default_flags(table, playback_codec.contract)
    for place, row in enumerate(_order(len(table), script.shuffle_seed)):
        defaulted = labels[row]
        if defaulted is None or (granted is not None and application_id(table, row) not in granted):
            yield None
            continue
        outcome = LoanOutcome(
            application_id=application_id(table, row),
            defaulted=defaulted,
            observed_at=_signature_time(script, place) + script.outcome_after,
        )
        value = frame(playback_codec.outcome_schema_id, schema, as_record(outcome))
        yield OutgoingRecord(playback_codec.topics.outcomes.name, outcome.application_id.encode(), value)


def mature_ids(table: Table, script: Script, days: int, now: datetime) -> frozenset[str]:
    """Ids of the applications that are so many days old: their outcome can be known.

    Args:
        days: the contract's performance window; with 0 all are old enough.
        now: aware.
    """
    ages = enumerate(_order(len(table), script.shuffle_seed))
    return frozenset(
        application_id(table, row)
        for place, row in ages
        if not days or _signature_time(script, place) + timedelta(days=days) <= now
    )


def application_id(table: Table, row: int) -> str:
    return f"{table.digest}-{row}"


def playback_codec(connection: Connection) -> PlaybackCodec:
    """What the registry calls the schemas that a play writes.

    Raises:
        NotRegisteredError: it does not have them; says which command registers them.
        RegistryAwayError: it does not answer.
    """
    contract, topics, registry = connection.contract(), connection.topics(), connection.registry()
    return PlaybackCodec(
        contract=contract,
        topics=topics,
        application_schema_id=registered_id(registry, f"{topics.applications.name}-value", contract.schema),
        outcome_schema_id=registered_id(registry, f"{topics.outcomes.name}-value", avro_schema(LoanOutcome)),
    )


def play(
    parts: Sequence[Iterator[OutgoingRecord | None]],
    publisher: EventPublisher,
    rate: float | None,
    on_progress: Callable[[int], None] = lambda _sent: None,
) -> PlaybackResult:
    """Send applications, and beside each its outcome where there is a second iterator; all acknowledged.

    Args:
        parts: applications, and after them perhaps outcomes in the same order.
        rate: applications a second; None for as fast as the broker takes them.
        on_progress: receives the number of applications sent, after every block.

    Raises:
        OutageError: the broker did not acknowledge; what was sent so far may be sent again, ids are the same.
        SetupError: a topic is not there.
    """
    began = time.monotonic()
    together, sent, written = zip(*parts, strict=True), 0, 0
    while block := list(islice(together, _due(began, sent, rate))):
        written += publisher.send(record for group in block for record in group if record is not None)
        sent += len(block)
        on_progress(sent)
    return PlaybackResult(applications=sent, outcomes=written - sent, seconds=time.monotonic() - began)


def _due(began: float, sent: int, rate: float | None) -> int:
    """How many applications to send now; waits until there is one to send."""
    if rate is None:
        return BLOCK
    while (due := int((time.monotonic() - began) * rate) - sent + 1) < 1:
        time.sleep(TICK_S)
    return due


def _order(rows: int, shuffle_seed: int | None) -> list[int]:
    if shuffle_seed is None:
        return list(range(rows))
    shuffled: list[int] = np.random.default_rng(shuffle_seed).permutation(rows).tolist()
    return shuffled


def _signature_time(script: Script, place: int) -> datetime:
    return script.start + place * script.spacing
