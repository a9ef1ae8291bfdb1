"""The room Drift: figures over time by hand, the ranking, marks, any window by its id, and the same as JSON."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.access.access_guard import AccessGuard
from gateway.access.rate_limit import RateLimiter
from gateway.desk.drift.drift_room import last_of
from gateway.desk.drift.drift_series import Series, SeriesKind, all_series, is_over, limits_of, rank_fields, time_of
from gateway.desk.drift.drift_source import LAST, MOST
from gateway.desk.drift.drift_views import overview
from gateway.desk.drift.report_text import figure
from gateway.desk.drift.small_multiples import HEIGHT, LEFT, TOP, WIDTH, bin_bars, charts
from gateway.desk.live_charts import heat_map
from schemas.codec.event_codec import as_record
from tests.doubles.gateway import a_gateway
from tests.unit.gateway.calls import client_of
from tests.unit.gateway.drift_reports import SHIFTED, WINDOWS, checks, windows
from tests.unit.gateway.ledgers import CaseLedger
from tests.unit.gateway.live_events import a_busy_hour, a_report

XSS = '<script>alert(1)</script>"onload="x'
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> CaseLedger:
    made = CaseLedger(tmp_path_factory.mktemp("drift"))
    made.report(windows(), checks())
    return made


def a_quantity(feature: str, psi: Any, critical: Any, weight: float = 0.0) -> dict[str, Any]:
    return {"feature": feature, "psi": psi, "psi_critical": critical, "weight": weight, "commands": True, "state": ""}


def a_window(hour: int, *quantities: dict[str, Any], **fields: Any) -> dict[str, Any]:
    usual = {
        "window_id": f"w-{hour}",
        "window_end": NOON + timedelta(hours=hour),
        "features": quantities,
        "decisions": None,
        "rules": {"watch_from": 0.1, "drifted_from": 0.2},
    }
    return {**usual, **fields}


def by_name(series: list[Series]) -> dict[str, Series]:
    return {each.name: each for each in series}


def test_a_field_that_the_score_hangs_on_ranks_before_one_that_moved_more() -> None:
    window = a_window(
        0,
        a_quantity("priced", 0.9, 0.05),
        a_quantity("heavy", 0.3, 0.05, weight=0.6),
        a_quantity("light", 0.2, 0.05, weight=0.3),
    )

    ranked = rank_fields(window)

    assert [field.feature for field in ranked] == ["heavy", "light", "priced"]
    # .3 x .6 of .3 x .6 + .2 x .3
    assert [field.contribution for field in ranked] == [pytest.approx(0.75), pytest.approx(0.25), 0.0]


def test_without_weights_the_largest_psi_ranks_first() -> None:
    ranked = rank_fields(a_window(0, a_quantity("a", 0.1, 0.05), a_quantity("b", 0.4, 0.05)))

    assert [(field.feature, field.contribution) for field in ranked] == [("b", 0.0), ("a", 0.0)]


@pytest.mark.parametrize(
    ("psi", "critical", "over"),
    [(0.06, 0.05, True), (0.05, 0.05, False), (0.06, None, False), (None, 0.05, False), (0.003, 0.0, False)],
)
def test_over_is_over_the_critical_value_and_not_at_it(psi: Any, critical: Any, over: bool) -> None:
    assert is_over(a_quantity("a", psi, critical)) is over


def test_series_are_in_the_order_of_time_whatever_the_order_of_reports() -> None:
    reports = [a_window(hour, a_quantity("a", hour / 10, 0.15)) for hour in (2, 0, 1)]

    [found] = all_series(reports, [])

    assert [point.value for point in found.points] == [0.0, 0.1, 0.2]
    assert [point.marked for point in found.points] == [False, False, True]
    assert (found.kind, found.lines, found.marks) == (SeriesKind.PSI, (0.1, 0.2), 1)


def test_a_window_of_too_few_values_is_a_gap_and_an_empty_cell() -> None:
    rules = {"watch_from": 0.1, "drifted_from": 0.2, "minimum_n": 500}
    reports = [
        a_window(hour, {**a_quantity("a", psi, 0.05), "n": n}, rules=rules)
        for hour, (psi, n) in enumerate([(0.01, 500), (3.0, 499)])
    ]

    [found] = all_series(reports, [])
    heat = heat_map(list(reversed(reports)))

    assert [point.value for point in found.points] == [0.01]
    assert heat is not None
    assert [(cell.level, cell.over) for cell in heat.rows[0].cells] == [(0, False), (-1, False)]


def test_a_fields_own_limits_are_its_lines() -> None:
    rules = {
        "watch_from": 0.1,
        "drifted_from": 0.2,
        "field_limits": [{"feature": "a", "watch_from": 0.3, "drifted_from": 0.5}],
    }

    assert (limits_of(rules, "a"), limits_of(rules, "b")) == ((0.3, 0.5), (0.1, 0.2))


def test_every_field_score_rates_auc_and_calibration_are_series() -> None:
    found = by_name(all_series([as_record(each) for each in windows()], [as_record(each) for each in checks()]))

    fields = {each.feature for each in windows()[0].features}
    assert found.keys() - fields == {
        "score",
        "approval rate",
        "default rate, estimated",
        "default rate, observed",
        "AUC, observed",
        "calibration intercept",
        "calibration slope",
    }
    assert [point.marked for point in found["approval rate"].points] == [False] * SHIFTED + [True] * (WINDOWS - SHIFTED)
    assert [point.marked for point in found["AUC, observed"].points] == [False, False, False, True]
    assert found["AUC, observed"].lines == (0.75,)
    slope = found["calibration slope"]
    assert [point.marked for point in slope.points] == [
        not (each.performance.observed.slope.low <= 1.0 <= each.performance.observed.slope.high)  # type: ignore[union-attr]
        for each in checks()
    ]
    assert found["person_income"].marks == WINDOWS - SHIFTED


def test_a_report_of_an_earlier_version_and_what_is_not_finite_leave_gaps_and_no_error() -> None:
    old = a_report(1, person_income=0.3)
    reports = [{**old, "decisions": None}, a_window(2, a_quantity("person_income", None, None))]

    [found] = all_series(reports, [])

    assert [(point.value, point.high, point.marked) for point in found.points] == [(0.3, None, False)]
    assert overview([], []).plain() == {"windows": [], "series": [], "heat_map": [], "ranking": []}


def test_a_chart_lies_on_the_time_axis_and_not_on_the_count_of_windows() -> None:
    reports = [a_window(hour, a_quantity("a", 0.1, 0.05)) for hour in (0, 1, 10)]

    [chart] = charts(all_series(reports, []))

    x = [dot[0] for dot in chart.dots]
    assert x[0] == LEFT
    assert x[2] == WIDTH - TOP
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(0.1)
    # The scale ends a quarter over the second cut-off.
    assert (chart.bottom, chart.top) == (0.0, 0.25)
    assert chart.dots[0][1] == pytest.approx(TOP + 0.6 * (HEIGHT - 2 * TOP))


def test_one_window_alone_is_drawn() -> None:
    [chart] = charts(all_series([a_window(0, a_quantity("a", 0.1, 0.05))], []))

    assert chart.begin == chart.end == NOON


def test_bars_are_the_shares_of_both_samples_and_bad_data_of_neither_has_none() -> None:
    quantity = {"levels": [], "edges": [5.0], "counts": [1, 2, 0, 1, 0], "reference_counts": [2, 2, 0, 0, 0]}

    bars = bin_bars(quantity)

    assert [(bar.name, bar.window, bar.reference) for bar in bars] == [
        ("-inf to 5", 0.25, 0.5),
        ("5 to inf", 0.5, 0.5),
        ("INVALID", 0.25, 0.0),
    ]


async def test_the_page_shows_windows_marks_and_the_way_to_each(ledger: CaseLedger) -> None:
    double = a_gateway(ledger=ledger.lookup)

    async with client_of(double.app) as client:
        page = await client.get("/desk/drift")
        few = await client.get("/desk/drift?last=2")
        address = f"/desk/drift/{quote(windows()[-1].window_id, safe='')}"
        one = await client.get(address)
        sent = await client.get("/desk/drift", params={"id": f" {windows()[-1].window_id} "})

    # Two columns are missing in all windows; score, rates, AUC and calibration are seven more.
    assert page.text.count('class="multiple"') == len(windows()[0].features) - 2 + 7
    assert page.text.count('class="dot"') == WINDOWS - SHIFTED
    assert page.text.count('href="/desk/drift/') == WINDOWS
    assert few.text.count('href="/desk/drift/') == 2
    assert (sent.status_code, sent.headers["location"]) == (303, address)
    assert one.status_code == 200
    assert "outside: " in one.text
    assert one.text.count("<details") == len(windows()[0].features) + 4


async def test_each_page_is_json_with_the_same_figures(ledger: CaseLedger) -> None:
    double = a_gateway(ledger=ledger.lookup)
    latest = windows()[-1]

    async with client_of(double.app) as client:
        every = (await client.get("/desk/drift?format=json")).json()
        one = (await client.get(f"/desk/drift/{quote(latest.window_id, safe='')}?format=json")).json()
        of_machines = (await client.get("/drift/windows")).json()
        one_of_machines = (await client.get(f"/drift/windows/{latest.window_id}")).json()
        few = (await client.get("/drift/windows?last=2")).json()
        bad = [(await client.get(f"/drift/windows?last={last}")).status_code for last in (0, MOST + 1, "x")]
        unknown = await client.get("/drift/windows/nowhere")

    assert (every, one) == (of_machines, one_of_machines)
    assert (len(few["windows"]), bad, unknown.status_code) == (2, [422, 422, 422], 404)
    assert [each["window_id"] for each in every["windows"]] == [each.window_id for each in reversed(windows())]
    assert every["windows"][0]["over_critical"] == ["person_income"]
    assert every["ranking"] == one["ranking"]
    assert one["ranking"][0]["feature"] == "person_income"
    [income] = [each for each in every["heat_map"] if each["feature"] == "person_income"]
    assert income["psi"] == [
        next(each.psi for each in report.features if each.feature == "person_income") for report in windows()
    ]
    assert one["report"]["window_id"] == latest.window_id
    assert time_of(one["report"]["window_end"]) == latest.window_end


async def test_without_a_ledger_the_windows_that_the_gateway_has_heard_are_shown() -> None:
    live = a_busy_hour()
    whole = as_record(windows()[-1])
    live.events.reports.add(whole)
    double = a_gateway(live=live)

    async with client_of(double.app) as client:
        page = await client.get("/desk/drift")
        one = await client.get(f"/desk/drift/{quote(str(whole['window_id']), safe='')}")
        unknown = await client.get("/desk/drift/nowhere")

    assert page.text.count('href="/desk/drift/') == 25
    assert (one.status_code, unknown.status_code) == (200, 404)


async def test_a_gateway_without_a_window_says_so() -> None:
    async with client_of(a_gateway().app) as client:
        page = await client.get("/desk/drift")

    assert "No window has closed yet" in page.text


async def test_no_word_of_a_report_becomes_markup(tmp_path: Path) -> None:
    odd = CaseLedger(tmp_path)
    latest = windows()[-1]
    features = [replace(each, feature=XSS, largest_shift_bin=XSS) for each in latest.features[:1]]
    odd.report([replace(latest, window_id=XSS, champion_version=XSS, withheld=XSS, features=features)])

    async with client_of(a_gateway(ledger=odd.lookup).app) as client:
        pages = [await client.get(path) for path in ("/desk/drift", f"/desk/drift/{quote(XSS, safe='')}")]

    assert [page.status_code for page in pages] == [200, 200]
    for page in pages:
        assert "<script>alert" not in page.text
        assert escape(XSS) in page.text.replace("&#34;", "&quot;")


async def test_only_a_visitor_with_a_role_sees_it(ledger: CaseLedger) -> None:
    double = a_gateway(lambda: AccessGuard({}, None, RateLimiter(0)), ledger=ledger.lookup)

    async with client_of(double.app) as client:
        found = [(await client.get(path)).status_code for path in ("/desk/drift", "/desk/drift/w?format=json")]

    assert found == [303, 303]


NO_NUMBERS = ("0", "-1", "x", "9" * 99, "²", str(MOST + 1))


@pytest.mark.parametrize(("text", "last"), [("1", 1), (str(MOST), MOST), *((text, LAST) for text in NO_NUMBERS)])
def test_no_page_is_longer_than_may_be(text: str, last: int) -> None:
    assert last_of({"last": text}) == last


@pytest.mark.parametrize(
    ("number", "text"), [(0.123456, "0.1235"), (0, "0"), (None, ""), (float("inf"), ""), (12, "12"), (1e-9, "1e-09")]
)
def test_a_figure_has_four_digits(number: Any, text: str) -> None:
    assert figure(number) == text
