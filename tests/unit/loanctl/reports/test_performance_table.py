"""How performance is told: the table, what is odd, the page, and when a pipeline stops."""

import io
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from drift.performance.loan_figures import Loans, performance
from drift.performance.outcome_join import Notes, Odd
from drift.settings import DriftSettings
from loanctl.commands.drift import drift_performance
from loanctl.commands.drift.drift_performance import is_below_floor
from loanctl.reports import drift_html
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary, Reign
from loanctl.reports.lineage import stories
from loanctl.reports.performance_table import COLUMNS, OF_VINTAGES, console, remarks, row, show, vintage_row
from schemas.events.performance import Figure, Vintage
from tests.drift_events import a_report
from tests.unit.drift.performance.test_loan_figures import some_loans

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_performance(loans: Loans, *, final: bool = False) -> ChampionPerformance:
    return ChampionPerformance(
        start=NOON, end=NOON, champion_version="3", final=final, performance=performance(loans, 1)
    )


def a_summary(*parts: ChampionPerformance, kept: float = 1.0, **notes: object) -> PerformanceSummary:
    return PerformanceSummary(as_of=NOON, age_days=365.0, kept=kept, notes=Notes(**notes), performances=parts)


def test_a_window_tells_what_was_observed_beside_what_was_estimated() -> None:
    cells = dict(zip(COLUMNS, row(a_performance(some_loans(1_000, known=0.4))), strict=True))

    assert cells["champion"] == "3"
    assert cells["decided"] == "1000"
    assert cells["known"].endswith("% so far")
    assert all(
        " to " in cells[name] for name in ("AUC", "AUC est.", "KS", "Brier", "default rate", "rate est.", "slope")
    )


def test_a_figure_is_told_with_both_ends_of_its_interval_which_it_need_not_halve() -> None:
    found = a_performance(some_loans(1_000))
    seen = found.performance.observed
    assert seen is not None
    uneven = replace(found.performance, observed=replace(seen, ks=Figure(0.4, 0.31, 0.42)))

    cells = dict(zip(COLUMNS, row(replace(found, performance=uneven)), strict=True))

    assert cells["KS"] == "0.400 (0.310 to 0.420)"


def test_a_table_that_nobody_looks_at_breaks_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    shown = io.StringIO()
    out = console()
    out.file = shown

    show(out, a_summary(a_performance(some_loans(1_000, known=0.4))))

    assert sum("(" in line and " to " in line for line in shown.getvalue().splitlines()) == 1


def test_without_outcomes_only_estimates_are_told() -> None:
    cells = dict(zip(COLUMNS, row(a_performance(some_loans(1_000, known=0.0), final=True)), strict=True))

    assert (cells["known"], cells["AUC"], cells["Brier"]) == ("0%", "-", "-")
    assert " to " in cells["AUC est."]


def test_odd_outcomes_are_counted_and_named() -> None:
    found = a_summary(
        kept=0.25,
        unknown=Odd(12, ["a", "b"]),
        contradictory=Odd(1, ["c"]),
        before=Odd(1, ["d"]),
        repeated=3,
        too_old=4,
        decided_again=5,
        unreadable=6,
    )

    lines = "\n".join(remarks(found))

    assert "12 outcomes of applications that no decision on the topic is about: a, b, ..." in lines
    assert "1 outcomes that contradict another; the one observed last stands: c" in lines
    assert "not believed: d" in lines
    assert "A sample of 25.0% of the loans" in lines
    for count in ("3 repeated outcomes", "4 outcomes observed too late", "5 decisions of", "6 records"):
        assert count in lines


def test_what_is_in_order_is_not_remarked_on() -> None:
    assert list(remarks(a_summary())) == ["Outcomes as known at 2026-03-01 12:00 UTC, of loans up to 365 days old."]


@pytest.mark.parametrize(("least", "falls"), [(0.0, False), (0.7, False), (0.9, True)])
def test_only_an_area_that_is_surely_too_small_has_fallen(least: float, falls: bool) -> None:
    seen, unseen = a_performance(some_loans(2_000)), a_performance(some_loans(2_000, known=0.0))

    assert is_below_floor([seen, unseen], least) is falls
    assert not is_below_floor([unseen], least)


@pytest.mark.parametrize(("versions", "asked"), [(["2"], "2"), (["2", "2"], "2"), (["1", "2"], ""), ([""], "")])
def test_the_champion_that_all_stretches_name_is_the_only_one_joined(
    monkeypatch: pytest.MonkeyPatch, versions: list[str], asked: str
) -> None:
    monkeypatch.setattr(drift_performance, "summarize_performance", lambda _settings, _stretches, rules, _as_of: rules)
    stretches = [Reign(NOON, NOON, version) for version in versions]

    rules: Any = drift_performance.of(DriftSettings(_env_file=None), stretches, NOON)

    assert rules.version == asked


def test_the_page_shows_performance_where_something_was_decided() -> None:
    nothing = replace(some_loans(0), approved=np.zeros(0, dtype=bool))

    shown = drift_html.page(stories([a_report()], [], [], []), a_summary(a_performance(some_loans(500))))
    empty = drift_html.page(stories([a_report()], [], [], []), a_summary(a_performance(nothing)))

    assert "<h2>Performance</h2>" in shown
    assert "not observed" in shown
    assert "<h2>Performance</h2>" not in empty


def test_a_vintage_says_whether_it_is_final_and_nothing_of_few_people():
    rate = Figure(0.1, 0.08, 0.12)
    final = Vintage(month="2026-01", decided=900, mature=True, with_outcome=900, defaults=90, default_rate=rate)
    few = Vintage(month="2026-02", decided=800, mature=False, with_outcome=9, defaults=None, default_rate=None)

    assert vintage_row(final) == ("2026-01", "900", "900", "90", "0.100 (0.080 to 0.120)", "yes")
    assert vintage_row(few) == ("2026-02", "800", "9", "-", "-", "not yet")
    assert len(OF_VINTAGES) == len(vintage_row(few))
