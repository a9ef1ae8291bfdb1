"""An overview of windows, and one window: for the page Drift and the file of `loanctl drift report --html`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.desk.drift.drift_series import RankedField, Report, all_series, is_over, rank_fields, time_of
from gateway.desk.drift.small_multiples import BinBar, Chart, bin_bars, charts
from gateway.desk.live_charts import HeatMap, heat_map


@dataclass(frozen=True, slots=True)
class WindowRow:
    report: Report
    over: tuple[str, ...]
    """Fields over their critical value, the largest contributions first."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Windows and performance checks over time."""

    windows: tuple[WindowRow, ...]
    """The latest first."""
    charts: tuple[Chart, ...]
    heat: HeatMap | None
    ranking: tuple[RankedField, ...]
    """Of the latest window."""

    def plain(self) -> dict[str, Any]:
        return {
            "windows": [_plain_window(row) for row in self.windows],
            "series": [chart.series.plain() for chart in self.charts],
            "heat_map": heat_cells(self),
            "ranking": [field.plain() for field in self.ranking],
        }


@dataclass(frozen=True, slots=True)
class QuantityView:
    """One quantity of a window: a field, the score, a contribution, or the reasons."""

    quantity: Mapping[str, Any]
    bars: tuple[BinBar, ...]
    over: bool


@dataclass(frozen=True, slots=True)
class WindowView:
    report: Report
    ranking: tuple[RankedField, ...]
    fields: tuple[QuantityView, ...]
    """In the order of the ranking."""
    decisions: tuple[QuantityView, ...]
    """The score, contributions by PSI, reasons; empty where decisions were not counted."""

    def plain(self) -> dict[str, Any]:
        return {"report": self.report, "ranking": [field.plain() for field in self.ranking]}


def overview(windows: Sequence[Report], checks: Sequence[Report]) -> Overview:
    """Of reports in any order."""
    latest = sorted(windows, key=lambda report: time_of(report["window_end"]), reverse=True)
    rows = tuple(WindowRow(each, tuple(field.feature for field in rank_fields(each) if field.over)) for each in latest)
    ranked = tuple(rank_fields(latest[0])) if latest else ()
    return Overview(rows, tuple(charts(all_series(windows, checks))), heat_map(latest), ranked)


def window_view(report: Report) -> WindowView:
    """Of one report."""
    ranked = tuple(rank_fields(report))
    by_name = {each["feature"]: each for each in report["features"]}
    decided = report["decisions"]
    made: tuple[QuantityView, ...] = ()
    if decided:
        contributions = sorted(decided["contributions"], key=lambda each: -(each["psi"] or 0.0))
        made = tuple(map(_quantity, (decided["score"], *contributions, decided["reasons"])))
    return WindowView(report, ranked, tuple(_quantity(by_name[field.feature]) for field in ranked), made)


def heat_cells(found: Overview) -> list[dict[str, Any]]:
    """The heat map as data: PSI by field and window, the oldest window first."""
    windows = [row.report for row in reversed(found.windows)]
    names = [row.feature for row in found.heat.rows] if found.heat else []
    psi = [{each["feature"]: each["psi"] for each in window["features"]} for window in windows]
    return [{"feature": name, "psi": [each.get(name) for each in psi]} for name in names]


def _quantity(quantity: Mapping[str, Any]) -> QuantityView:
    return QuantityView(quantity, tuple(bin_bars(quantity)), is_over(quantity))


def _plain_window(row: WindowRow) -> dict[str, Any]:
    names = ("window_id", "window_start", "window_end", "n", "late", "verdict", "largest_psi", "largest_psi_feature")
    plain = {name: row.report[name] for name in (*names, "champion_version", "command_id", "withheld")}
    return {**plain, "over_critical": list(row.over)}
