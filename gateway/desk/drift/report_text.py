"""Filters of the templates that show reports: times and numbers as text. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.desk.drift.drift_series import finite, time_of
from schemas.timestamps import millis_of


def figure(number: Any) -> str:
    """Four digits, without an exponent where it is short without one; empty for what is not known."""
    known = finite(number)
    return "" if known is None else f"{known:.4g}"


def minute(time: Any) -> str:
    """To the minute, UTC."""
    return f"{time_of(time):%Y-%m-%d %H:%M}"


def moment(time: Any) -> str:
    """ISO 8601, for a page's script."""
    return time_of(time).isoformat()


def tick(time: Any) -> str:
    """Short, for the ends of an axis."""
    return f"{time_of(time):%m-%d %H:%M}"


def row(time: Any) -> str:
    """Of a file without times, whose rows are counted in milliseconds in their place: the last row before this."""
    return f"row {millis_of(time_of(time)):,}"


def next_row(time: Any) -> str:
    """Likewise, the first row from there on."""
    return f"row {millis_of(time_of(time)) + 1:,}"


FILTERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "figure": figure,
    "minute": minute,
    "begin": minute,
    "moment": moment,
    "tick": tick,
}
FILTERS_OF_ROWS: Final = {**FILTERS, "minute": row, "begin": next_row, "moment": row, "tick": row}
"""Of a page about a file whose rows have no times."""
