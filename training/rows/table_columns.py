"""Columns of a table as the contract reads them: numbers, codes of levels, labels and times.

Pure: a table that somebody read comes in, arrays go out. What cannot be read as the contract says
is refused by the name of its column, before any work; never by a value of an applicant's, save
the spelling of a level.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.applications import UNSEEN, Matrix
from schemas.contract import Contract, Field, Kind, Role
from schemas.errors import SetupError

NO_TIME: Final = np.iinfo(np.int64).min
"""`applied_at` of a row whose table does not say when."""

MISSING_WORDS: Final = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "None", "null", "NULL", "<NA>"})
"""What files write for an absent value; a declared level of that spelling stays a level."""

NAMED_LEVELS: Final = 3
"""So many undeclared levels of a column are named."""


class RowsError(SetupError):
    """The rows cannot be learned from; names the column and the file."""


def refuse_missing_columns(contract: Contract, table: pd.DataFrame, source: str, *, with_pricing: bool) -> None:
    """Stop where the label or a scored field has no column; a ratio can be computed.

    Raises:
        RowsError: names all that are missing.
    """
    needed = [field.column for field in contract.scored(with_pricing=with_pricing) if field.ratio_of is None]
    absent = [column for column in (*needed, contract.label.column) if column not in table.columns]
    if absent:
        problem = f"{source} has no column {', '.join(absent)}, which the contract of {contract.product} needs"
        raise RowsError(problem)


def labels(contract: Contract, table: pd.DataFrame, source: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each row defaulted, and whether its outcome is told at all.

    Raises:
        RowsError: a label is neither of the contract's two words.
    """
    words = _words_of(table[contract.label.column])
    default, repaid = words == contract.label.default, words == contract.label.repaid
    labelled = default | repaid
    others = ~labelled & ~np.isin(words, list(MISSING_WORDS))
    if others.any():
        problem = (
            f"column {contract.label.column} of {source} has {int(others.sum())} labels other than"
            f" {contract.label.default} (default) and {contract.label.repaid} (repaid)"
        )
        raise RowsError(problem)
    return default, labelled


def values(contract: Contract, table: pd.DataFrame, source: str) -> Matrix:
    """The matrix of `schemas.applications`, without computed ratios; NaN in columns that the table lacks.

    Raises:
        RowsError: a value of a number's column is none.
    """
    columns = [_column(field, table, source) for field in contract.observed]
    return np.column_stack(columns)


def _column(field: Field, table: pd.DataFrame, source: str) -> npt.NDArray[np.float64]:
    if field.column not in table.columns:
        return np.full(len(table), np.nan)
    if field.kind is Kind.CATEGORY:
        return _codes(field, table[field.column])
    return _numbers(field, table[field.column], source)


def _numbers(field: Field, column: pd.Series, source: str) -> npt.NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(column):
        column = column.mask(column.astype("string").str.strip().isin(MISSING_WORDS))
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(numbers) & column.notna().to_numpy()
    if wrong.any():
        count, first = int(wrong.sum()), int(np.argmax(wrong)) + 1
        problem = f"column {field.column} of {source} has {count} values that are not numbers, the first in row {first}"
        raise RowsError(problem)
    return numbers


def unknown_levels(contract: Contract, table: pd.DataFrame) -> Mapping[str, Sequence[str]]:
    """Levels that the contract does not declare, some of each field that has any, by column."""
    found = {
        field.column: sorted(set(_words_of(table[field.column])[_codes(field, table[field.column]) == UNSEEN]))
        for field in contract.observed
        if field.kind is Kind.CATEGORY and field.role is not Role.WATCHED and field.column in table.columns
    }
    return {column: levels[:NAMED_LEVELS] for column, levels in found.items() if levels}


def _codes(field: Field, column: pd.Series) -> npt.NDArray[np.float64]:
    words = _words_of(column)
    codes = np.full(len(words), UNSEEN)
    codes[np.isin(words, list(MISSING_WORDS))] = np.nan
    for code, level in enumerate(field.levels):
        codes[words == level] = code
    return codes


def times(contract: Contract, table: pd.DataFrame, source: str) -> npt.NDArray[np.int64]:
    """Event time in milliseconds since 1970, UTC, from milliseconds or ISO 8601; `NO_TIME` without the column.

    Raises:
        RowsError: a value is no time.
    """
    column = next(field.column for field in contract.fields if field.role is Role.EVENT_TIME)
    if column not in table.columns:
        return np.full(len(table), NO_TIME)
    given = table[column]
    moments: pd.Series = (
        pd.to_datetime(given, utc=True, errors="coerce", unit="ms")
        if pd.api.types.is_numeric_dtype(given)
        else pd.to_datetime(given, utc=True, errors="coerce", format="ISO8601")
    ).dt.tz_localize(None)
    if moments.isna().any():
        problem = f"column {column} of {source} has {int(moments.isna().sum())} values that are not times"
        raise RowsError(problem)
    return np.asarray(moments.to_numpy(dtype="datetime64[ms]"), dtype=np.int64)


def _words_of(column: pd.Series) -> npt.NDArray[np.object_]:
    """Each value as written by a person: 1 and 1.0 and True are `1`, nothing is the empty word."""
    if pd.api.types.is_bool_dtype(column):
        column = column.astype("Int64")
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    words: npt.NDArray[np.object_] = column.astype("string").fillna("").str.strip().to_numpy(dtype=object)
    return words
