"""Tables of applicants, read by the contract: a CSV or Parquet file in, columns that Avro can write out.

A table is played as it is: what the contract calls out of range is left for the worker to judge.
Only what cannot be written as an application at all is refused, with one line that names file and
column. What a table becomes in training (cleaning, splitting) is the subject of `training`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.contract.contract import Contract, Field, Kind
from schemas.tables import cells, columns, file_format
from schemas.tables.avro_numbers import unwritable, value_type
from schemas.tables.dialect import SNIFFED, Dialect
from schemas.tables.table_errors import TableError

DIGEST_LENGTH: Final = 12
"""Hexadecimal digits of a file's digest that go into its application ids: 48 bits tell files apart."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one file, as text or numbers in the columns that the contract names."""

    name: str
    """The file, as messages name it."""
    digest: str
    """Of the bytes that the rows came from; application ids begin with it."""
    rows: pd.DataFrame
    dialect: Dialect = SNIFFED
    """How its numbers are written."""

    def __len__(self) -> int:
        return len(self.rows)


def read(path: Path, contract: Contract, dialect: Dialect = SNIFFED) -> Table:
    """The table of a file, its columns checked against the contract.

    Raises:
        TableError: not a readable table, a column absent, or no rows.
    """
    rows, digest = file_format.read(path, dialect)
    return check_table(Table(str(path), digest[:DIGEST_LENGTH], rows, dialect), contract)


def write_table(rows: pd.DataFrame, path: Path) -> str:
    """Write a table as CSV or, by its suffix, as Parquet; the digest of its bytes.

    Raises:
        TableError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            rows.to_parquet(path, index=False)
        else:
            rows.to_csv(path, index=False)
        return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGEST_LENGTH]
    except OSError as cause:
        problem = f"{path}: cannot be written ({cause.strerror})"
        raise TableError(problem) from cause


def check_table(table: Table, contract: Contract) -> Table:
    """The same table, if it has rows and every column that an application cannot do without.

    Raises:
        TableError: it has not; names file and columns.
    """
    needed = [field.column for field in contract.observed if not field.nullable]
    columns.require_columns(contract, table.rows, table.name, needed)
    if table.rows.empty:
        problem = f"{table.name}: has a header and no rows"
        raise TableError(problem)
    return table


def scale_columns(table: Table, contract: Contract, factors: Mapping[str, float]) -> Table:
    """The same applicants with some numbers multiplied; stated ratios of those numbers follow.

    Raises:
        TableError: a factor is for no number of the contract, or the table has no such column.
    """
    rows = table.rows.copy()
    sign = columns.sign_of(contract, rows, table.name, table.dialect)
    for field, factor in _all_factors(contract, factors).items():
        if field.column in rows:
            rows[field.column] = columns.number_column(field, rows, table.name, sign) * factor
        elif field.name in factors:
            problem = f"{table.name}: no column {field.column} to multiply"
            raise TableError(problem)
    changed = hashlib.sha256(f"{table.digest}{sorted(factors.items())}".encode()).hexdigest()
    return Table(table.name, changed[:DIGEST_LENGTH] if factors else table.digest, rows, table.dialect)


def avro_columns(table: Table, contract: Contract) -> dict[str, Sequence[Any]]:
    """For each observed field its values as Avro writes them, None where missing; by field name, in row order.

    Raises:
        TableError: a value cannot be written as its field's type; names file, column and row, never the value.
    """
    types = {spec["name"]: spec["type"] for spec in contract.schema["fields"]}
    sign = columns.sign_of(contract, table.rows, table.name, table.dialect)
    return {field.name: _column(table, field, types[field.name], sign) for field in contract.observed}


def default_flags(table: Table, contract: Contract) -> Sequence[bool | None]:
    """Outcome of each loan: True for a default, None if unknown.

    Raises:
        TableError: there is no label column, or it holds another value than the contract's two.
    """
    defaults, labelled = columns.labels(contract, table.rows, table.name)
    return [bool(one) if known else None for one, known in zip(defaults, labelled, strict=True)]


def _all_factors(contract: Contract, factors: Mapping[str, float]) -> dict[Field, float]:
    numbers = {field.name: field for field in contract.observed if field.kind is Kind.NUMBER}
    unknown = [name for name in factors if name not in numbers]
    if unknown:
        problem = f"{', '.join(unknown)}: not a number of {contract.product}, which has {', '.join(numbers)}"
        raise TableError(problem)
    found = {numbers[name]: factor for name, factor in factors.items()}
    for field in numbers.values():
        if field.ratio_of is not None and field not in found:
            above, below = field.ratio_of
            found[field] = factors.get(above, 1.0) / factors.get(below, 1.0)
    return found


def _column(table: Table, field: Field, avro_type: Any, sign: str) -> Sequence[Any]:
    if field.column not in table.rows.columns:
        return [None] * len(table)
    bare = value_type(avro_type)
    if field.kind is Kind.CATEGORY:
        words = cells.words(table.rows[field.column], field.levels)
        _refuse_gaps(table, field, np.array([word is None for word in words], dtype=bool))
        return words
    numbers = columns.number_column(field, table.rows, table.name, sign)
    missing = np.isnan(numbers)
    _refuse_gaps(table, field, missing)
    wrong = unwritable(numbers, bare) & ~missing
    if wrong.any():
        raise _refusal(table, field, wrong, "cannot be written as the field's type")
    return [None if gone else value for value, gone in zip(_convert(numbers, bare), missing, strict=True)]


def _refuse_gaps(table: Table, field: Field, missing: npt.NDArray[np.bool_]) -> None:
    if missing.any() and not field.nullable:
        raise _refusal(table, field, missing, "is empty")


def _convert(numbers: npt.NDArray[np.float64], bare: Any) -> list[Any]:
    if bare in ("double", "float"):
        return list(numbers.tolist())
    if bare in ("int", "long"):
        return list(np.nan_to_num(numbers).astype(np.int64).tolist())
    return [Decimal(f"{number:.{bare['scale']}f}") for number in np.nan_to_num(numbers).tolist()]


def _refusal(table: Table, field: Field, wrong: npt.NDArray[np.bool_], what: str) -> TableError:
    others = int(wrong.sum()) - 1
    more = f" and in {others} more" if others else ""
    problem = f"{table.name}: column {field.column} {what} in row {_row(wrong)}{more}"
    return TableError(problem)


def _row(wrong: npt.NDArray[np.bool_]) -> int:
    """The first row at fault, counted from 1 without the header."""
    return int(np.argmax(wrong)) + 1
