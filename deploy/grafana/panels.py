"""Panels and dashboards as Grafana reads them, from rows that name title, unit and queries. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
"""As `deploy/grafana/provisioning` names it."""
WIDTH: Final = 24
HEIGHTS: Final = {"stat": 4, "timeseries": 8, "heatmap": 8, "bargauge": 9}
LAST: Final = {"reduceOptions": {"calcs": ["lastNotNull"]}}
OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "stat": {**LAST, "colorMode": "value", "textMode": "auto"},
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    "heatmap": {"calculate": False},
    "bargauge": {**LAST, "orientation": "horizontal", "displayMode": "basic"},
}

Steps = Sequence[tuple[str, float | None]]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    unit: str
    """Grafana's name of it: `short`, `ops`, `s`, `percentunit`."""
    queries: Mapping[str, str]
    """PromQL by legend."""
    about: str
    """What it shows, and over how long, where the title does not say it."""
    kind: str = "timeseries"
    width: int = 8
    named: bool = False
    """A stat that shows its legend and not its value."""
    steps: Steps = ()
    """Colours, each from a value on."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Texts of values."""
    low: float | None = 0
    high: float | None = None
    """Ends of the axis; None for those of the data."""


@dataclass(frozen=True, slots=True)
class Board:
    uid: str
    title: str
    panels: Sequence[Panel]

    def document(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "title": self.title,
            "tags": ["loan-decisions"],
            "timezone": "utc",
            "schemaVersion": 39,
            "refresh": "5s",
            "time": {"from": "now-30m", "to": "now"},
            "templating": {"list": []},
            "annotations": {"list": []},
            "panels": [
                _panel(number, panel, place)
                for number, (panel, place) in enumerate(zip(self.panels, _places(self.panels), strict=True), 1)
            ],
        }


def _places(panels: Sequence[Panel]) -> Sequence[Mapping[str, int]]:
    """From left to right, in rows as high as their highest panel."""
    places, x, y, height = [], 0, 0, 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, height = 0, y + height, 0
        places.append({"x": x, "y": y, "w": panel.width, "h": HEIGHTS[panel.kind]})
        x, height = x + panel.width, max(height, HEIGHTS[panel.kind])
    return places


def _panel(number: int, panel: Panel, place: Mapping[str, int]) -> dict[str, Any]:
    options = dict(OPTIONS[panel.kind])
    if panel.named:
        options["textMode"] = "name"
    if panel.kind == "heatmap":
        options["yAxis"] = {"unit": panel.unit}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": dict(SOURCE),
        "gridPos": dict(place),
        "targets": [
            _target(chr(letter), legend, query, panel.kind)
            for letter, (legend, query) in zip(count(ord("A")), panel.queries.items(), strict=False)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": options,
    }


def _target(letter: str, legend: str, query: str, kind: str) -> dict[str, Any]:
    target: dict[str, Any] = {"refId": letter, "datasource": dict(SOURCE), "expr": query, "legendFormat": legend}
    if kind == "heatmap":
        target["format"] = "heatmap"
    if "histogram_quantile" in query:
        # A sampled trace of the bucket, where the processes make traces.
        target["exemplar"] = True
    return target


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.kind == "timeseries":
        defaults |= {name: end for name, end in (("min", panel.low), ("max", panel.high)) if end is not None}
    if panel.steps:
        steps = [{"color": color, "value": value} for color, value in panel.steps]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.words:
        options = {value: {"text": text} for value, text in panel.words.items()}
        defaults["mappings"] = [{"type": "value", "options": options}]
    return defaults
