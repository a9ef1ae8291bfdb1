"""Alerts and dashboards, from the files that Prometheus and Grafana read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from reference_pages.markdown import table

ROOT: Final = Path(__file__).resolve().parents[3]

RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
BOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
DASHBOARDS: Final = """\
# Dashboards

For Grafana, in `deploy/grafana/dashboards/`. `docker compose up` provisions them. `make declarations` makes them from
`deploy/grafana/boards.py`.
"""


def alerts_page() -> str:
    """Every alert: when it fires, and what it says."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    rows = [
        (f"`{rule['alert']}`", rule["labels"]["severity"], rule.get("for", "0m"), rule["annotations"]["summary"])
        for rule in alerts
    ]
    return "\n".join(("# Alerts\n", *table(("alert", "severity", "after", "says"), rows)))


def dashboards_page() -> str:
    """Every panel of every dashboard, and what it asks Prometheus."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))]
    sections = (
        "\n".join((f"## {board['title']}\n", *table(("panel", "shows", "asks"), map(_panel_row, board["panels"])), ""))
        for board in boards
    )
    return "\n".join((DASHBOARDS, *sections))


def _panel_row(panel: Mapping[str, Any]) -> tuple[str, str, str]:
    return panel["title"], panel["description"], "<br>".join(f"`{target['expr']}`" for target in panel["targets"])
