"""Recomputes the hash chain from the rows: where it breaks, a row was changed, deleted or inserted.

A shell: reads each table once, in the order of the chain, in pages.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ledger.audit.anchor import AnchorLink
from ledger.ingest.chain import GENESIS, Cell, next_link, row_text
from ledger.ingest.store import LedgerPosition, Store
from ledger.sql.database import Database
from ledger.sql.ledger_tables import LATER_COLUMNS, RECORDS, positions
from ledger.sql.table_columns import time_text
from schemas.records import Partition

PAGE: Final = 5_000
"""Rows in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    topic: str
    partition: int
    rows: int
    chain: str
    """The last link as the rows give it; as an anchor, keep it where nobody writes who may write to the database."""
    broken_at: int | None
    """Offset of the first row whose link does not follow; -1 where the rows' end is not where it should be."""
    missed_anchors: tuple[str, ...] = ()
    """Days whose anchor has another link for this partition: rows of until then were changed, dropped or put in."""

    @property
    def whole(self) -> bool:
        """Whether every row is as it was recorded."""
        return self.broken_at is None and not self.missed_anchors


def verify(database: Database, anchors: Sequence[AnchorLink] = ()) -> Sequence[ChainCheck]:
    """Every partition of which something is recorded, or was by an anchor.

    Args:
        anchors: links kept elsewhere, of any days.

    Raises:
        DatabaseAwayError, DatabaseSetupError: of `ledger.sql.database`.
    """
    with database.read_transaction() as connection:
        topics = connection.execute(sa.select(positions.c.topic).distinct()).scalars().all()
    known = Store(database).positions(topics)
    kept: dict[Partition, list[AnchorLink]] = defaultdict(list)
    for link in anchors:
        kept[link.topic, link.partition].append(link)
    found = {(each.topic, each.partition): each for table in RECORDS for each in _chains(database, table, known, kept)}
    empty = [
        ChainCheck(
            topic=place[0],
            partition=place[1],
            rows=0,
            chain=GENESIS,
            broken_at=-1 if known.get(place, LedgerPosition()).records else None,
            missed_anchors=_missed_days(kept[place], {}),
        )
        for place in (known.keys() | kept.keys()) - found.keys()
    ]
    return sorted([*found.values(), *empty], key=lambda each: (each.topic, each.partition))


def _chains(
    database: Database,
    table: sa.Table,
    known: Mapping[Partition, LedgerPosition],
    kept: Mapping[Partition, Sequence[AnchorLink]],
) -> Iterator[ChainCheck]:
    place = sa.select(table.c.record_topic, table.c.record_partition).distinct()
    with database.read_transaction() as connection:
        partitions = connection.execute(place).all()
    for topic, partition in partitions:
        found = (topic, partition)
        yield _chain(database, table, found, known.get(found, LedgerPosition()), kept.get(found, ()))


def _chain(
    database: Database, table: sa.Table, place: Partition, position: LedgerPosition, anchors: Sequence[AnchorLink]
) -> ChainCheck:
    """Up to where the position was read: what is recorded meanwhile is the next look's."""
    link, rows, broken_at = GENESIS, 0, None
    wanted, links = {each.rows for each in anchors}, dict[int, str]()
    for row in _rows(database, table, place, position.next_offset):
        link = next_link(link, row_text(chain_cells(table, row)))
        rows += 1
        if rows in wanted:
            links[rows] = link
        if link != row[-1] and broken_at is None:
            broken_at = row[2]
    if broken_at is None and (rows, link) != (position.records, position.chain):
        broken_at = -1
    return ChainCheck(
        topic=place[0],
        partition=place[1],
        rows=rows,
        chain=link,
        broken_at=broken_at,
        missed_anchors=_missed_days(anchors, links),
    )


def _missed_days(anchors: Sequence[AnchorLink], links: Mapping[int, str]) -> tuple[str, ...]:
    """Days whose anchor has another link than the chain at its count of rows, or has more rows."""
    return tuple(sorted({each.day for each in anchors if links.get(each.rows) != each.chain}))


def _rows(database: Database, table: sa.Table, place: tuple[str, int], end: int) -> Iterator[Any]:
    after = -1
    while True:
        query = (
            sa.select(table)
            .where(
                table.c.record_topic == place[0],
                table.c.record_partition == place[1],
                table.c.record_offset > after,
                table.c.record_offset < end,
            )
            .order_by(table.c.record_offset)
            .limit(PAGE)
        )
        with database.read_transaction() as connection:
            page = connection.execute(query).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].record_offset


def chain_cells(table: sa.Table, row: Sequence[Any]) -> list[Cell]:
    """The cells that a row's link was made of: a column that came later was none of an earlier row's, where it is null.

    No row of now has a null there, so taking a value out of one changes its text. Pure.
    """
    names = [column.name for column in table.columns][:-1]
    cells = zip(names, row[:-1], strict=True)
    return [cell_of(cell) for name, cell in cells if cell is not None or name not in LATER_COLUMNS]


def cell_of(value: Any) -> Cell:
    """A value that the database gives as the cell that it was written from."""
    return time_text(value) if isinstance(value, datetime) else value
