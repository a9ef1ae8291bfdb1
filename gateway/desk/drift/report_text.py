"""Filters of the templates that show reports: times and numbers as text. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.desk.drift.drift_series import finite, time_of


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


FILTERS: Final[Mapping[str, Callable[[Any], str]]] = {"figure": figure, "minute": minute, "moment": moment}
