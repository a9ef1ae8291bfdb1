"""Columns of a table as the contract defines them: numbers, codes of levels, labels, times and ids.

Pure: a table that was read elsewhere comes in, arrays go out. Values that cannot be read as the contract says
are refused with the name of their column, before any work; never with an applicant's value, except
the spelling of a level.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.applications import UNSEEN, Matrix, with_ratios
from schemas.contract.contract import Contract, Field, Kind, Role
from schemas.tables import cells
from schemas.tables.dialect import SNIFFED, Dialect
from schemas.tables.numbers import decimal_sign, numbers
from schemas.tables.table_errors import TableError
from schemas.tables.times import NO_TIME, milliseconds

NAMED_LEVELS: Final = 3
"""So many undeclared levels of a column are named."""
BESIDE_THE_NAME: Final = re.compile(r"[\W_]+")
"""Characters that people change in a column's name, beside its case."""


def require_columns(contract: Contract, table: pd.DataFrame, source: str, needed: Sequence[str]) -> None:
    """Stop where a needed column is absent, or another one of the contract's has a name that is off.

    Args:
        source: what errors call the table.
        needed: columns that it cannot do without.

    Raises:
        TableError: names all that are missing, with the near names that are there.
    """
    near = _near_names(contract, table)
    absent = [column for column in needed if column not in table.columns]
    if absent:
        missing = ", ".join(absent)
        problem = f"{source} has no column {missing}, which the contract of {contract.product} needs{_hint(near)}"
        raise TableError(problem)
    if near:
        # Without this an optional column that is misspelt would count as missing in every row.
        names = ", ".join(near)
        problem = f"{source} has no column {names}{_hint(near)}"
        raise TableError(problem)


def values(contract: Contract, table: pd.DataFrame, source: str, dialect: Dialect = SNIFFED) -> Matrix:
    """The matrix of `schemas.applications`, ratios computed; NaN in columns that the table lacks.

    Raises:
        TableError: a value of a number's column is none.
    """
    sign = sign_of(contract, table, source, dialect)
    columns = [_column(field, table, source, sign) for field in contract.observed]
    return with_ratios(contract, np.column_stack(columns))


def number_column(field: Field, table: pd.DataFrame, source: str, sign: str) -> npt.NDArray[np.float64]:
    """The numbers of one field's column, NaN where absent; shape (n,).

    Raises:
        TableError: a value is no number.
    """
    found, wrong = numbers(field, table[field.column], sign)
    if wrong.any():
        count, first = int(wrong.sum()), int(np.argmax(wrong)) + 1
        problem = f"column {field.column} of {source} has {count} values that are not numbers, the first in row {first}"
        raise TableError(problem)
    return found


def sign_of(contract: Contract, table: pd.DataFrame, source: str, dialect: Dialect = SNIFFED) -> str:
    """The decimal sign of the table's numbers.

    Raises:
        TableError: it has both.
    """
    numbers_of = [field.column for field in contract.observed if field.kind is Kind.NUMBER]
    return decimal_sign([table[name] for name in numbers_of if name in table.columns], dialect.decimal, source)


def labels(contract: Contract, table: pd.DataFrame, source: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each row defaulted, and whether it has an outcome.

    Raises:
        TableError: there is no such column, or a label is neither of the contract's two words.
    """
    label = contract.label
    if label.column not in table.columns:
        problem = f"{source}: no column {label.column}, which would give the loans' outcomes"
        raise TableError(problem)
    places = cells.levels(table[label.column], (label.default, label.repaid))
    others = places == UNSEEN
    if others.any():
        problem = (
            f"column {label.column} of {source} has {int(others.sum())} labels other than {label.default} (default)"
            f" and {label.repaid} (repaid), the first in row {int(np.argmax(others)) + 1}"
        )
        raise TableError(problem)
    return places == 0.0, ~np.isnan(places)


def times(contract: Contract, table: pd.DataFrame, source: str) -> npt.NDArray[np.int64]:
    """Event time of each row in milliseconds since 1970, UTC; `NO_TIME` without the column.

    Raises:
        TableError: a value is no time.
    """
    column = next(field.column for field in contract.fields if field.role is Role.EVENT_TIME)
    if column not in table.columns:
        return np.full(len(table), NO_TIME)
    return milliseconds(table[column], f"column {column} of {source}")


def ids(contract: Contract, table: pd.DataFrame, source: str) -> Sequence[str]:
    """The application's id in each row, in the contract's id column; empty texts without the column.

    Raises:
        TableError: a row has none.
    """
    column = next(field.column for field in contract.fields if field.role is Role.ID)
    if column not in table.columns:
        return [""] * len(table)
    text = cells.texts(table[column])
    absent = cells.missing_mask(text)
    if absent.any():
        problem = f"column {column} of {source} has {int(absent.sum())} rows without an id"
        raise TableError(problem)
    return [str(name).removesuffix(cells.WHOLE) for name in text]


def unknown_levels(contract: Contract, table: pd.DataFrame) -> Mapping[str, Sequence[str]]:
    """Levels that the contract does not declare, some of each field that has any, by column."""
    found = {
        field.column: sorted({str(word) for word in cells.texts(table[field.column])[_unseen(field, table)]})
        for field in contract.observed
        if field.kind is Kind.CATEGORY and field.role is not Role.WATCHED and field.column in table.columns
    }
    return {column: levels[:NAMED_LEVELS] for column, levels in found.items() if levels}


def _unseen(field: Field, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return np.asarray(cells.levels(table[field.column], field.levels) == UNSEEN)


def _column(field: Field, table: pd.DataFrame, source: str, sign: str) -> npt.NDArray[np.float64]:
    if field.column not in table.columns:
        return np.full(len(table), np.nan)
    if field.kind is Kind.CATEGORY:
        return cells.levels(table[field.column], field.levels)
    return number_column(field, table, source, sign)


def _near_names(contract: Contract, table: pd.DataFrame) -> Mapping[str, str]:
    """Columns of the contract that the table lacks, and the one that it has under nearly that name."""
    known = [field.column for field in contract.fields] + [contract.label.column]
    others = {_bare(str(name)): str(name) for name in table.columns if name not in known}
    return {name: others[_bare(name)] for name in known if name not in table.columns and _bare(name) in others}


def _bare(name: str) -> str:
    return BESIDE_THE_NAME.sub("", name).casefold()


def _hint(near: Mapping[str, str]) -> str:
    return "".join(f"; is {name} the one that it calls {other!r}?" for name, other in near.items())
