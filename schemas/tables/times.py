"""Event times of a table: ISO 8601, or milliseconds since 1970; what is neither is refused, not guessed. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.tables import cells
from schemas.tables.table_errors import TableError

NO_TIME: Final = np.iinfo(np.int64).min
"""The time of a row whose table has none."""
EARLIEST_MS: Final = 100_000_000_000
"""March 1973. A smaller number counts seconds or years: as milliseconds it would be a day of 1970."""
LATEST_MS: Final = 10_000_000_000_000
"""The year 2286. A larger number counts micro- or nanoseconds."""


def milliseconds(column: pd.Series, what: str) -> npt.NDArray[np.int64]:
    """Milliseconds since 1970, UTC; a time without a zone is UTC. Shape (n,).

    Args:
        column: times, numbers or text.
        what: names column and table in errors.

    Raises:
        TableError: a value is no time, or a number that does not count milliseconds.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return _of_moments(pd.to_datetime(column, utc=True), what)
    text = cells.texts(column)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if len(column) and not np.isnan(numbers).any():
        return _of_numbers(numbers, what)
    if not np.isnan(numbers).all():
        problem = f"{what} has times written as numbers and others that are none"
        raise TableError(problem)
    return _of_moments(pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601"), what)


def _of_numbers(numbers: npt.NDArray[np.float64], what: str) -> npt.NDArray[np.int64]:
    wrong = (numbers < EARLIEST_MS) | (numbers > LATEST_MS)
    if wrong.any():
        problem = (
            f"{what} has {int(wrong.sum())} numbers that do not count milliseconds since 1970 (seconds, or years?):"
            " write milliseconds, or ISO 8601 as in 2026-03-01T12:00:00Z"
        )
        raise TableError(problem)
    return np.rint(numbers).astype(np.int64)


def _of_moments(moments: pd.Series, what: str) -> npt.NDArray[np.int64]:
    if moments.isna().any():
        problem = f"{what} has {int(moments.isna().sum())} values that are not times"
        raise TableError(problem)
    return np.asarray(moments.dt.tz_localize(None).to_numpy(dtype="datetime64[ms]"), dtype=np.int64)
