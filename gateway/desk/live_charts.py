"""Geometry of the charts of the page Live. Pure; templates draw them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.desk.drift.drift_series import finite, is_over, is_sufficient, limits_of, time_of

WIDTH: Final = 600.0
HEIGHT: Final = 120.0
LABELS: Final = 190.0
"""Of the heat map's width, for the names of fields."""
ROW: Final = 22
STEPS: Final = 5
"""Colours of a heat map: steady, and four between the cut-offs and beyond."""


@dataclass(frozen=True, slots=True)
class RateChart:
    """Decisions a second over time, as an SVG polyline."""

    points: str
    top: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Cell:
    x: float
    psi: float
    over: bool
    """Over its critical value."""
    level: int
    """-1 of too few values; 0 steady, 1 from half of the first cut-off, 2 from the first, 3 from the second, 4 from
    twice the second."""


@dataclass(frozen=True, slots=True)
class HeatRow:
    feature: str
    y: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Fields by windows, the latest window on the right."""

    rows: tuple[HeatRow, ...]
    width: float
    height: int
    columns: int
    ticks: tuple[tuple[float, datetime], ...]
    """Of the time axis: x of a column, and its window's end."""


def rate_chart(counts: Sequence[int]) -> RateChart:
    """Of counts a second, the oldest first."""
    top = max(*counts, 1)
    step = WIDTH / max(len(counts) - 1, 1)
    points = " ".join(f"{place * step:.1f},{HEIGHT * (1 - count / top):.1f}" for place, count in enumerate(counts))
    return RateChart(points, top, len(counts))


def heat_map(reports: Sequence[Mapping[str, Any]]) -> HeatMap | None:
    """Of drift reports as Avro gives them, the latest first; None of none. A field that a window lacks has no cell."""
    if not reports:
        return None
    ordered = list(reversed(reports))
    width = (WIDTH - LABELS) / len(ordered)
    names = list(dict.fromkeys(each["feature"] for report in reports for each in report["features"]))
    found = [{each["feature"]: each for each in report["features"]} for report in ordered]
    rows = tuple(
        HeatRow(
            name,
            nth * ROW,
            tuple(
                _cell(LABELS + place * width, quantities[name], ordered[place]["rules"])
                for place, quantities in enumerate(found)
                if name in quantities
            ),
        )
        for nth, name in enumerate(names)
    )
    shown = sorted({0, len(ordered) // 2, len(ordered) - 1})
    ticks = tuple((LABELS + place * width, time_of(ordered[place]["window_end"])) for place in shown)
    return HeatMap(rows, width, len(names) * ROW, len(ordered), ticks)


def heat_level(psi: float, watch: float, drifted: float) -> int:
    """The step of a PSI between a report's own cut-offs."""
    return sum(psi >= limit for limit in (watch / 2, watch, drifted, 2 * drifted))


def _cell(x: float, quantity: Mapping[str, Any], rules: Mapping[str, Any]) -> Cell:
    psi = finite(quantity["psi"]) or 0.0
    if not is_sufficient(quantity, rules):
        return Cell(x, psi, over=False, level=-1)
    return Cell(x, psi, is_over(quantity), heat_level(psi, *limits_of(rules, quantity["feature"])))
