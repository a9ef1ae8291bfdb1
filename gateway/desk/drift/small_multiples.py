"""Geometry of the page Drift: small multiples on a common time axis, bars of two samples. Pure; templates draw it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from gateway.desk.drift.drift_series import Series, SeriesKind, SeriesPoint

WIDTH: Final = 280.0
HEIGHT: Final = 84.0
LEFT: Final = 34.0
"""For the scale's labels."""
TOP: Final = 6.0
QUALITY: Final = ("MISSING", "INVALID", "UNSEEN")
"""The last bins of every quantity."""
ROOM: Final = 1.25
"""Of the scale over its largest cut-off."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One small multiple."""

    series: Series
    line: str
    """SVG polyline of the values."""
    dots: tuple[tuple[float, float, bool, SeriesPoint], ...]
    """Each point: x, y, whether it is marked, and itself."""
    band: str
    """SVG polygon between low and high; empty where there is none."""
    critical: str
    """SVG polyline of the critical values; empty where there is none."""
    rules: tuple[tuple[float, float], ...]
    """Horizontal lines: y and value."""
    bottom: float
    top: float
    begin: datetime
    end: datetime
    """Of the time axis, which charts of one kind share."""

    @property
    def latest(self) -> SeriesPoint:
        return self.series.points[-1]


@dataclass(frozen=True, slots=True)
class BinBar:
    """One bin: shares of both samples, in [0, 1]."""

    name: str
    window: float
    reference: float
    top: float
    """The largest share of the quantity."""


def charts(series: Sequence[Series]) -> list[Chart]:
    """Of series with points; those of windows share a time axis, those of performance checks another one."""
    return [_chart(each, _ends(series, each)) for each in series]


def bin_bars(quantity: Mapping[str, Any]) -> list[BinBar]:
    """Both samples of a quantity, bin by bin; bins of bad data that neither has are left out."""
    window, reference = _shares(quantity["counts"]), _shares(quantity["reference_counts"])
    top = max([*window, *reference, 1e-9])
    named = zip(_bin_names(quantity), window, reference, strict=True)
    return [BinBar(name, new, old, top) for name, new, old in named if new or old or name not in QUALITY]


def _chart(series: Series, ends: tuple[datetime, datetime]) -> Chart:
    points = series.points
    bottom, top = _scale(series)
    seconds = (ends[1] - ends[0]).total_seconds()

    def x(nth: int) -> float:
        # Parts of a file without a time have the same one: they are set apart by their order.
        by_time = (points[nth].at - ends[0]).total_seconds() / (seconds or 1.0)
        share = by_time if seconds else nth / max(1, len(points) - 1)
        return LEFT + share * (WIDTH - LEFT - TOP)

    def y(value: float) -> float:
        return TOP + (1 - (value - bottom) / (top - bottom)) * (HEIGHT - 2 * TOP)

    high = [(x(nth), y(each.high)) for nth, each in enumerate(points) if each.high is not None]
    low = [(x(nth), y(each.low)) for nth, each in enumerate(points) if each.low is not None]
    return Chart(
        series=series,
        line=_path([(x(nth), y(each.value)) for nth, each in enumerate(points)]),
        dots=tuple((x(nth), y(each.value), each.marked, each) for nth, each in enumerate(points)),
        band=_path([*high, *reversed(low)]) if low else "",
        critical="" if low else _path(high),
        rules=tuple((y(value), value) for value in series.lines if bottom <= value <= top),
        bottom=bottom,
        top=top,
        begin=ends[0],
        end=ends[1],
    )


def _ends(series: Sequence[Series], one: Series) -> tuple[datetime, datetime]:
    """First and last time of all series that share this one's axis."""
    alike = [each for each in series if _is_of_checks(each) is _is_of_checks(one)]
    times = [point.at for each in alike for point in each.points]
    return min(times), max(times)


def _scale(series: Series) -> tuple[float, float]:
    """PSI from 0 to over its cut-offs at least, so that what is steady looks so; else around the values drawn."""
    if series.kind is SeriesKind.PSI:
        found = [value for each in series.points for value in (each.value, each.high) if value is not None]
        return 0.0, max([*found, *(ROOM * line for line in series.lines)]) or 1.0
    drawn = [value for each in series.points for value in (each.value, each.low, each.high) if value is not None]
    drawn += series.lines
    low, high = min(drawn), max(drawn)
    margin = (high - low) / 10 or max(abs(high), 1.0) / 10
    return low - margin, high + margin


def _is_of_checks(series: Series) -> bool:
    return series.kind in (SeriesKind.AUC, SeriesKind.CALIBRATION) or series.name.endswith("observed")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]


def _bin_names(quantity: Mapping[str, Any]) -> Iterator[str]:
    if quantity["levels"]:
        yield from quantity["levels"]
    else:
        ends = [float("-inf"), *quantity["edges"], float("inf")]
        yield from (
            f"{high:g}" if f"{low:g}" == f"{high:g}" else f"{low:g} to {high:g}" for low, high in pairwise(ends)
        )
    yield from QUALITY
