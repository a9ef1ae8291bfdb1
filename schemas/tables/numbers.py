"""Numbers as people write them: decimal comma, thousands in groups, percent signs.

Pure. One table uses one style: the decimal sign is the one that any of its numbers proves
(`1.234,50` or `11,5` a comma; `1,234.50` a point), or the configured one.
"""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.contract.contract import Field
from schemas.tables import cells
from schemas.tables.table_errors import TableError

PROVES_COMMA: Final = re.compile(
    r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,})|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})"
)
PROVES_POINT: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,})")
THOUSANDS_BY_COMMA: Final = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
THOUSANDS_BY_POINT: Final = r"^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$"
GROUPED: Final = r"(?<=\d)[\s\u00a0\u202f'\u2019](?=\d{3}(\D|$))"
"""Blanks and apostrophes between groups of thousands."""
PERCENT: Final = r"\s*%$"
PERCENT_UNIT: Final = "percent"
"""A field whose unit begins so holds 11.5 for 11.5 %; any other holds the share, .115."""


def decimal_sign(columns: Iterable[pd.Series], named: str, source: str) -> str:
    """The decimal sign of a table's numbers.

    Args:
        named: by whoever knows; empty for what the numbers prove, a point where they prove nothing.
        source: what errors call the table.

    Raises:
        TableError: some numbers prove a comma and others a point.
    """
    if named:
        return named
    comma = point = False
    for column in columns:
        if not pd.api.types.is_numeric_dtype(column):
            unusual = _tidy(_not_plain(column)).dropna().unique()
            comma |= any(PROVES_COMMA.fullmatch(text) for text in unusual)
            point |= any(PROVES_POINT.fullmatch(text) for text in unusual)
    if comma and point:
        problem = f"{source}: some numbers have a decimal comma, others a decimal point: name one by LOAN_TABLE_DECIMAL"
        raise TableError(problem)
    return "," if comma else "."


def numbers(field: Field, column: pd.Series, sign: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Values, NaN where absent, and which cells are neither number nor absent; shapes (n,).

    Args:
        field: whose unit says what a percent sign means.
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(column), dtype=np.bool_)
    text = cells.texts(column)
    absent = cells.missing_mask(text)
    found = _plain(text) if sign == "." else np.full(len(text), np.nan)
    rest = np.flatnonzero(np.isnan(found) & ~absent)
    if len(rest):
        found[rest] = _parse(field, text.iloc[rest], sign)
    return found, np.isnan(found) & ~absent


def _plain(text: pd.Series) -> npt.NDArray[np.float64]:
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _not_plain(column: pd.Series) -> pd.Series:
    text = cells.texts(column)
    return text[np.isnan(_plain(text))]


def _tidy(text: pd.Series) -> pd.Series:
    return text.str.replace(PERCENT, "", regex=True).str.replace(GROUPED, "", regex=True)


def _parse(field: Field, text: pd.Series, sign: str) -> npt.NDArray[np.float64]:
    percent = text.str.contains(PERCENT, regex=True).to_numpy(dtype=bool)
    tidy = _tidy(text)
    grouped = tidy.str.match(THOUSANDS_BY_COMMA if sign == "." else THOUSANDS_BY_POINT)
    tidy = tidy.mask(grouped, tidy.str.replace("," if sign == "." else ".", "", regex=False))
    if sign == ",":
        # What is left with a point is no number of such a table: 1.5 would be taken for 15 or for 1.5.
        tidy = tidy.mask(tidy.str.contains(".", regex=False)).str.replace(",", ".", regex=False)
    values = _plain(tidy)
    shares = percent & (not field.unit.startswith(PERCENT_UNIT))
    return np.where(shares, values / 100.0, values)
