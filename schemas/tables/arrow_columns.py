"""Columns of an Arrow batch as the contract defines them: applications as they would come over the topic.

Pure. The values are those of `schemas.tables.columns` over the same cells, then as Avro carries them. Typed columns are
read as they are: numbers are not copied into text, and each distinct word is looked up once.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.applications import Matrix, with_ratios
from schemas.contract.contract import Contract, Field, Kind, Role
from schemas.tables import cells, columns
from schemas.tables.avro_numbers import nearest_writable, unwritable, value_type
from schemas.tables.table_errors import TableError
from schemas.tables.times import NO_TIME

Floats = npt.NDArray[np.float64]

POINT: Final = "."
"""The decimal sign of numbers that are written as text: a batch alone cannot tell what a whole table proves."""
ABSENT: Final = pa.array(sorted(cells.MISSING_WORDS), pa.string())


def require_columns(contract: Contract, names: Sequence[str], source: str) -> None:
    """Stop where a column is absent that an application cannot do without, the id among them.

    Raises:
        TableError: names all that are missing.
    """
    needed = [field.column for field in contract.observed if not field.nullable]
    frame = pd.DataFrame(columns=list(names))
    columns.require_columns(contract, frame, source, [_column_of(contract, Role.ID), *needed])


def values(contract: Contract, batch: pa.RecordBatch, source: str) -> Matrix:
    """The matrix of `schemas.applications`, ratios computed; NaN in columns that the table lacks.

    Args:
        batch: some rows of the table.
        source: what errors call the table.

    Raises:
        TableError: a value cannot be written as its field's type.
    """
    types = {spec["name"]: value_type(spec["type"]) for spec in contract.schema["fields"]}
    found = [_values(field, types[field.name], batch, source) for field in contract.observed]
    return with_ratios(contract, np.column_stack(found))


def times(contract: Contract, batch: pa.RecordBatch, source: str) -> npt.NDArray[np.int64]:
    """Event time of each row in milliseconds since 1970, UTC; `NO_TIME` without the column.

    Raises:
        TableError: a value is no time.
    """
    name = _column_of(contract, Role.EVENT_TIME)
    if name not in batch.schema.names:
        return np.full(batch.num_rows, NO_TIME)
    column = batch.column(name)
    if pa.types.is_timestamp(column.type) and not column.null_count:
        return np.asarray(column.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64()).to_numpy())
    return columns.times(contract, pd.DataFrame({name: column.to_pandas()}), source)


def ids(contract: Contract, batch: pa.RecordBatch, source: str) -> pa.Array:
    """The application's id in each row, as text without blanks around it.

    Raises:
        TableError: a row has none.
    """
    name = _column_of(contract, Role.ID)
    column = batch.column(name)
    if not _is_text(column.type) or pa.types.is_dictionary(column.type):
        return pa.array(columns.ids(contract, pd.DataFrame({name: column.to_pandas()}), source), pa.string())
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    absent = pc.is_in(pc.utf8_lower(trimmed), ABSENT).to_numpy(zero_copy_only=False) | (column.null_count > 0)
    if absent.any() or pc.any(pc.ends_with(trimmed, cells.WHOLE)).as_py():
        return pa.array(columns.ids(contract, pd.DataFrame({name: column.to_pandas()}), source), pa.string())
    return trimmed


def _values(field: Field, bare: Any, batch: pa.RecordBatch, source: str) -> Floats:
    if field.column not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    column = batch.column(field.column)
    found = _codes(field, column) if field.kind is Kind.CATEGORY else _numbers(field, bare, column, source)
    missing = np.isnan(found)
    if missing.any() and not field.nullable:
        raise _refusal(field, source, missing, "is empty")
    return found


def _codes(field: Field, column: Any) -> Floats:
    if pa.types.is_boolean(column.type) or not _is_text(column.type):
        return cells.levels(column.to_pandas(), field.levels)
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    places = cells.levels(encoded.dictionary.to_pandas(), field.levels)
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    if not encoded.null_count:
        return np.asarray(places[codes])
    return np.asarray(np.append(places, np.nan)[np.nan_to_num(codes, nan=len(places)).astype(np.int64)])


def _is_text(kind: Any) -> bool:
    word = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(word) or pa.types.is_large_string(word))


def _numbers(field: Field, bare: Any, column: Any, source: str) -> Floats:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        numbers = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    else:
        frame = pd.DataFrame({field.column: column.to_pandas()})
        numbers = columns.number_column(field, frame, source, POINT)
    wrong = unwritable(numbers, bare) & ~np.isnan(numbers)
    if wrong.any():
        raise _refusal(field, source, wrong, "cannot be written as the field's type")
    return nearest_writable(numbers, bare)


def _column_of(contract: Contract, role: Role) -> str:
    return next(field.column for field in contract.fields if field.role is role)


def _refusal(field: Field, source: str, wrong: npt.NDArray[np.bool_], what: str) -> TableError:
    problem = f"{source}: column {field.column} {what} in {int(wrong.sum())} rows of one batch"
    return TableError(problem)
