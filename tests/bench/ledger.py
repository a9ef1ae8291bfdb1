"""Decisions into the ledger, bytes to committed rows, against a plain COPY (or INSERT) of the same rows.

The plain way has its rows as text already: no decoding, no chain, no offsets, no queue of reviews. The same indices.
Counted is the processor's time of this process, on one core; PostgreSQL's server works on another.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import fastavro

from ledger.ingest.bulk_decision_rows import DecisionRowMaker
from ledger.ingest.chain import row_text
from ledger.ingest.store import Store
from ledger.ingest.table_rows import Item, flat_decision
from ledger.sql import ledger_tables
from ledger.sql.database import Database
from ledger.sql.migrate import migrate
from schemas.codec.event_codec import avro_schema
from schemas.events.decisions import LoanDecision
from schemas.records import RecordBatch
from scorecard.decisions.scoring import score_batch
from streams.runtime import gc_freeze
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.builders import DECISION_SCHEMA_ID, WRITERS, a_batch, a_champion, a_wire
from tests.unit.training.postgres import postgres

BATCH: Final = 5_000
BATCHES: Final = 4
ROUNDS: Final = 5


def lines() -> Iterator[Line]:
    """Of this process' processor, a row."""
    with postgres() as url, TemporaryDirectory() as folder:
        batches = _batches()
        gc_freeze.freeze()  # as the ledger's process does
        for name, database in (("PostgreSQL", url), ("SQLite", f"sqlite:///{Path(folder) / 'ledger.db'}")):
            yield _comparison(f"ledger into {name}, batch {BATCH}", Database(database), batches)


def _comparison(name: str, database: Database, batches: Sequence[RecordBatch]) -> Line:
    maker = DecisionRowMaker(ledger_tables.decisions, LoanDecision, flat_decision)
    writers = {DECISION_SCHEMA_ID: fastavro.parse_schema(dict(avro_schema(LoanDecision)))}
    items = [maker.items(batch, writers) for batch in batches]
    migrate(database)

    def ours() -> None:
        _empty(database)
        store = Store(database)
        for batch in batches:
            store.write(maker.table, batch.topic, maker.items(batch, writers), {0: batch.offsets[-1] + 1})

    def plain() -> None:
        _empty(database)
        for batch in items:
            with database.write_transaction() as connection:
                _plain(connection, batch, postgres=database.postgres)

    against = "a plain COPY of the same rows" if database.postgres else "a plain INSERT of the same rows"
    rows = sum(map(len, batches))
    return comparison(name, Way("ours", ours, rows), Way(against, plain, rows), ROUNDS)


def _plain(connection: Any, items: Sequence[Item], *, postgres: bool) -> None:
    table, link = ledger_tables.decisions, "0" * 64
    if postgres:
        cursor = connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
            copy.write("".join([f"{row_text(item.cells)}\t{link}\n" for item in items]))
    else:
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} VALUES ({marks})",  # noqa: S608 - our own table
            [(*item.cells, link) for item in items],
        )


def _empty(database: Database) -> None:
    with database.write_transaction() as connection:
        for table in reversed(ledger_tables.metadata.sorted_tables):
            connection.execute(table.delete())


def _batches() -> Sequence[RecordBatch]:
    champion = a_champion(forest=models.forest_of(models.an_xgboost(4, 200)))
    applications = a_batch(*models.application_values(BATCH * BATCHES))
    scored = score_batch(applications, WRITERS, champion, champion.scorecard.policy, a_wire())
    values = [bytes(record.value or b"") for record in scored.decisions]
    return [
        a_batch(*values[first : first + BATCH], first_offset=first, topic="loan.decisions.v1")
        for first in range(0, len(values), BATCH)
    ]
