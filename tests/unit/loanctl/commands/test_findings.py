"""A finding has an exit status of its own: neither a crash's nor a set-up fault's."""

from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from loanctl.commands.drift import drift, drift_performance
from loanctl.console import FINDING
from loanctl.reports import report_recompute
from loanctl.reports.lineage import Lineage, Stories
from schemas.events.drift import DriftReport
from tests.drift_events import a_report


@pytest.mark.parametrize(("n", "status"), [(1_000, 0), (999, FINDING)])
def test_a_report_that_comes_out_otherwise_is_a_finding(n: int, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(report: DriftReport, _settings: object) -> DriftReport:
        return replace(report, n=n)

    monkeypatch.setattr(drift, "lineages", lambda _settings: Stories([Lineage(a_report())], []))
    monkeypatch.setattr(report_recompute, "again", again)
    monkeypatch.setattr(report_recompute, "encode_report", lambda report, _settings: repr(report).encode())

    assert CliRunner().invoke(drift.app, ["recompute"]).exit_code == status


@pytest.mark.parametrize(("below", "status"), [(False, 0), (True, FINDING)])
def test_a_performance_under_its_floor_is_a_finding(below: bool, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class EmptySummary:
        performances: Any = ()

        def plain(self) -> dict[str, object]:
            return {}

    monkeypatch.setattr(drift_performance, "_stretches", lambda *_: [])
    monkeypatch.setattr(drift_performance, "of", lambda *_, **__: EmptySummary())
    monkeypatch.setattr(drift_performance, "is_below_floor", lambda *_: below)

    assert CliRunner().invoke(drift.app, ["performance", "--json"]).exit_code == status
