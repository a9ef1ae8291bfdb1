"""Geometry of the desk's charts: start and end of each bar. Pure; templates draw them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 600.0
LABELS: Final = 200.0
"""Of a waterfall's width, for the names of its bars."""
MARGIN: Final = 8.0
MOST_BARS: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of a waterfall."""

    label: str
    value: Any
    contribution: float
    x: float
    width: float
    raises: bool


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From the base value to the margin, contribution by contribution, the largest first."""

    bars: tuple[Bar, ...]
    base_x: float
    margin_x: float


@dataclass(frozen=True, slots=True)
class Band:
    """The probability on a band from 0 to 1, with both cut-offs."""

    approve_x: float
    decline_x: float
    probability_x: float
    width: float = WIDTH


def band(answer: Mapping[str, Any]) -> Band | None:
    """Of an answer of the API; None where it was not scored."""
    if answer["probability_of_default"] is None:
        return None
    policy = answer["policy"]
    return Band(
        approve_x=WIDTH * policy["approve_below"],
        decline_x=WIDTH * policy["decline_from"],
        probability_x=WIDTH * answer["probability_of_default"],
    )


def waterfall(answer: Mapping[str, Any]) -> Waterfall | None:
    """Of an answer of the API; None where it was not scored. The smallest contributions share one bar."""
    if answer["margin"] is None:
        return None
    steps = _group(answer["contributions"])
    places = [float(answer["base_value"])]
    for step in steps:
        places.append(places[-1] + step["contribution"])
    low, high = min(places), max(places)
    scale = (WIDTH - LABELS - 2 * MARGIN) / ((high - low) or 1.0)
    at = [LABELS + MARGIN + (place - low) * scale for place in places]
    bars = tuple(
        Bar(
            label=step["label"],
            value=step["value"],
            contribution=step["contribution"],
            x=min(before, after),
            width=max(abs(after - before), 1.0),
            raises=step["contribution"] > 0.0,
        )
        for step, before, after in zip(steps, at, at[1:], strict=False)
    )
    return Waterfall(bars, at[0], at[-1])


def _group(contributions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first, rest = contributions[:MOST_BARS], contributions[MOST_BARS:]
    if not rest:
        return list(first)
    total = sum(each["contribution"] for each in rest)
    return [*first, {"label": f"{len(rest)} more", "value": None, "contribution": total}]
