"""Figures over time from drift and performance reports: PSI of each field and of the score, rates, AUC, calibration.

Pure. Reports come as Avro gives them, or as the ledger keeps them (JSON: times as text, what is not finite as null).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

Report = Mapping[str, Any]
SCORE: Final = "score"


class SeriesKind(StrEnum):
    """What a series tells, and so how its limits and marks are meant."""

    PSI = "psi"
    """`high` is the critical value; marked over it."""
    RATE = "rate"
    """A share; `low` and `high` are its limits, or its interval where it has no limits; marked outside of limits."""
    AUC = "auc"
    """`low` and `high` are its interval; marked where it has surely fallen below its floor."""
    CALIBRATION = "calibration"
    """`low` and `high` are its interval; marked where that does not hold the right value."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    at: datetime
    """The window's end, or when a performance check was made."""
    value: float
    low: float | None
    high: float | None
    marked: bool
    report_id: str


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over time, the oldest first."""

    name: str
    """A field, or what the figure is called."""
    kind: SeriesKind
    points: tuple[SeriesPoint, ...]
    lines: tuple[float, ...] = ()
    """Values that the figure is held against: the cut-offs of PSI, the AUC's floor, the right value."""

    @property
    def marks(self) -> int:
        return sum(point.marked for point in self.points)

    def plain(self) -> dict[str, Any]:
        names = SeriesPoint.__slots__
        points = [{name: getattr(point, name) for name in names} for point in self.points]
        return {"name": self.name, "kind": self.kind.value, "lines": list(self.lines), "points": points}


@dataclass(frozen=True, slots=True)
class RankedField:
    feature: str
    psi: float
    critical: float | None
    over: bool
    """Over its critical value: a change that chance does not explain."""
    state: str
    commands: bool
    weight: float
    """Share of the scores' spread that its contributions make in the reference."""
    contribution: float
    """Its share of the window's drift, each PSI by its weight; 0 to 1, 0 for all where no field has a weight."""
    contribution_psi: float | None
    """PSI of its contributions; None where decisions were not counted."""

    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in RankedField.__slots__}


def all_series(windows: Iterable[Report], checks: Iterable[Report]) -> list[Series]:
    """Every series that has a point: decisions' first, then fields, the heaviest ones first.

    Args:
        windows: drift reports, in any order.
        checks: performance reports, in any order.
    """
    ordered = sorted(windows, key=lambda report: time_of(report["window_end"]))
    looked = sorted(checks, key=lambda report: time_of(report["as_of"]))
    found = [*_of_decisions(ordered), *_of_performance(looked), *_of_fields(ordered)]
    return [series for series in found if series.points]


def rank_fields(window: Report) -> list[RankedField]:
    """The window's fields by what they contribute to its drift, then by PSI."""
    decided = window["decisions"] or {"contributions": ()}
    contributions = {each["feature"]: finite(each["psi"]) for each in decided["contributions"]}
    moved = {each["feature"]: (finite(each["psi"]) or 0.0) * each.get("weight", 0.0) for each in window["features"]}
    total = sum(moved.values())
    fields = [
        RankedField(
            feature=each["feature"],
            psi=finite(each["psi"]) or 0.0,
            critical=finite(each.get("psi_critical")),
            over=is_over(each),
            state=each.get("state", ""),
            commands=each.get("commands", True),
            weight=each.get("weight", 0.0),
            contribution=moved[each["feature"]] / total if total else 0.0,
            contribution_psi=contributions.get(each["feature"]),
        )
        for each in window["features"]
    ]
    return sorted(fields, key=lambda field: (-field.contribution, -field.psi))


def is_over(quantity: Mapping[str, Any]) -> bool:
    """True if its PSI is over its critical value; False where either is not known, or a single bin is in use."""
    psi, critical = finite(quantity["psi"]), finite(quantity.get("psi_critical"))
    return psi is not None and bool(critical) and psi > (critical or 0.0)


def is_sufficient(quantity: Mapping[str, Any], rules: Mapping[str, Any]) -> bool:
    """False if it has too few values for its PSI to say anything; True where a report does not say how many."""
    return bool(quantity.get("n", math.inf) >= rules.get("minimum_n", 0))


def finite(number: Any) -> float | None:
    """The number; None for null and what is not finite."""
    return float(number) if number is not None and math.isfinite(number) else None


def time_of(value: Any) -> datetime:
    """Of Avro, or of the ledger's JSON."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _of_fields(windows: Sequence[Report]) -> Iterator[Series]:
    if not windows:
        return
    latest = [field.feature for field in rank_fields(windows[-1])]
    names = dict.fromkeys([*latest, *(each["feature"] for window in windows for each in window["features"])])
    for name in names:
        found = [(window, each) for window in windows for each in window["features"] if each["feature"] == name]
        yield _psi_series(name, found)


def _of_decisions(windows: Sequence[Report]) -> Iterator[Series]:
    decided = [(window, window["decisions"]) for window in windows if window["decisions"]]
    yield _psi_series(SCORE, [(window, made["score"]) for window, made in decided])
    rates = [
        (window, made["approval_rate"], made["approval_low"], made["approval_high"], made["approval_outside"])
        for window, made in decided
    ]
    yield Series("approval rate", SeriesKind.RATE, tuple(_window_points(rates)))
    estimates = [(window, made.get("estimated_default_rate"), None, None, False) for window, made in decided]
    yield Series("default rate, estimated", SeriesKind.RATE, tuple(_window_points(estimates)))


def _of_performance(checks: Sequence[Report]) -> Iterator[Series]:
    floor = (checks[-1]["rules"]["least_auc"] or checks[-1].get("auc_floor")) if checks else 0.0
    yield _check_series("AUC, observed", SeriesKind.AUC, checks, "auc", (floor,) if floor else ())
    yield _check_series("calibration intercept", SeriesKind.CALIBRATION, checks, "intercept", (0.0,))
    yield _check_series("calibration slope", SeriesKind.CALIBRATION, checks, "slope", (1.0,))
    yield _check_series("default rate, observed", SeriesKind.RATE, checks, "default_rate", ())


def _psi_series(name: str, found: Sequence[tuple[Report, Mapping[str, Any]]]) -> Series:
    # PSI of a few values is large by chance: such a window is a gap.
    enough = [(window, each) for window, each in found if is_sufficient(each, window["rules"])]
    points = _window_points(
        (window, each["psi"], None, each.get("psi_critical"), is_over(each)) for window, each in enough
    )
    return Series(name, SeriesKind.PSI, tuple(points), limits_of(found[-1][0]["rules"], name) if found else ())


def limits_of(rules: Mapping[str, Any], feature: str) -> tuple[float, float]:
    """From which PSI a field is watched, and from which it has drifted, by a report's rules."""
    own = next((each for each in rules.get("field_limits") or () if each["feature"] == feature), rules)
    return own["watch_from"], own["drifted_from"]


def _window_points(found: Iterable[tuple[Report, Any, Any, Any, bool]]) -> Iterator[SeriesPoint]:
    for window, value, low, high, marked in found:
        number = finite(value)
        if number is not None:
            at = time_of(window["window_end"])
            yield SeriesPoint(at, number, finite(low), finite(high), bool(marked), window["window_id"])


def _check_series(
    name: str, kind: SeriesKind, checks: Sequence[Report], figure: str, lines: tuple[float, ...]
) -> Series:
    points = []
    for check in checks:
        found = (check["performance"]["observed"] or {}).get(figure)
        if found and finite(found["value"]) is not None:
            low, high = finite(found["low"]), finite(found["high"])
            marked = _off(lines[0], low, high) if kind is SeriesKind.CALIBRATION else _has_fallen(check, kind)
            points.append(SeriesPoint(time_of(check["as_of"]), found["value"], low, high, marked, check["report_id"]))
    return Series(name, kind, tuple(points), lines)


def _has_fallen(check: Report, kind: SeriesKind) -> bool:
    return kind is SeriesKind.AUC and bool(check["fallen"])


def _off(right: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= right <= high
