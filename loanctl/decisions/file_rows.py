"""The rows of a file as applications, under the file's own ids and times where it has them. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from loanctl.simulation import loan_tables
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import application_id
from schemas.contract.contract import Contract
from schemas.tables import columns
from schemas.tables.table_errors import TableError
from schemas.tables.times import NO_TIME
from schemas.timestamps import time_of


def applications(table: Table, contract: Contract, now: datetime) -> list[dict[str, Any]]:
    """Each row as a record that Avro can write, in the file's order.

    Args:
        table: `loan_tables.read_table` gives it.
        now: signed then, where the file has no times.

    Raises:
        TableError: a value cannot be written as its field's type, or an id stands twice.
    """
    found = loan_tables.avro_columns(table, contract)
    names, times = _names(table, contract), columns.times(contract, table.rows, table.name)
    return [
        {
            contract.id_field: names[row],
            contract.time_field: now.astimezone(UTC) if times[row] == NO_TIME else time_of(int(times[row])),
            **{field: column[row] for field, column in found.items()},
        }
        for row in range(len(table))
    ]


def _names(table: Table, contract: Contract) -> Sequence[str]:
    names = columns.ids(contract, table.rows, table.name)
    if not any(names):
        return [application_id(table, row) for row in range(len(table))]
    seen: set[str] = set()
    for row, name in enumerate(names, 1):
        if name in seen:
            problem = f"{table.name}: the id of row {row} stands above it already"
            raise TableError(problem)
        seen.add(name)
    return names
