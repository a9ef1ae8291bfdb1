"""The room Live without a browser: its parts, what is sent as it changes, and words that are no markup."""

from html import escape

import pytest

from gateway.access.roles import ANYBODY
from gateway.desk import live as room
from gateway.desk.desk import Desk
from gateway.desk.live_charts import LABELS, WIDTH, heat_level, heat_map, rate_chart
from gateway.live.live_figures import Live
from tests.doubles.gateway import FakeLag, a_gateway
from tests.unit.gateway.calls import client_of
from tests.unit.gateway.live_events import a_busy_hour, a_command, a_report, an_announcement

XSS = '<script>alert(1)</script>"onload="x\'--'


async def test_the_page_shows_rates_windows_champions_and_what_came_of_a_command() -> None:
    double = a_gateway(live=a_busy_hour())

    async with client_of(double.app) as client:
        page = (await client.get("/desk/live")).text

    for said in (">110.0<", ">18</data> ms", ">30</data> ms", "approve <data", "undecodable", "two windows drifted"):
        assert said in page
    assert "promoted, version 2: better on the same rows" in page
    assert page.count('class="heat-') >= 24 * 4


async def test_a_gateway_that_has_seen_nothing_says_so() -> None:
    double = a_gateway()
    double.gateway.live.lag.known = False  # type: ignore[misc]  # the double's

    async with client_of(double.app) as client:
        page = (await client.get("/desk/live")).text

    for said in ("No decision", "No window has closed", "No champion has been announced", "No challenger", "unknown"):
        assert said in page


async def test_parts_are_sent_once_and_again_when_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "EVERY_S", 0.0)
    live, looks = a_busy_hour(), [0]

    def closing() -> bool:
        looks[0] += 1
        if looks[0] == 3:
            live.events.commands.add(a_command("c-2"))
        return looks[0] > 4

    watched = Live(live.activity, live.lag, live.events, closing)
    double = a_gateway(live=watched)

    async with client_of(double.app) as client:
        answer = await client.get("/desk/live/events")

    names = [line.removeprefix("event: ") for line in answer.text.splitlines() if line.startswith("event: ")]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert names == ["figures", "champions", "retraining", "windows", "retraining"]


async def test_the_parts_are_rendered_once_for_all_who_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    now, rendered = [0.0], list[str]()
    desk = Desk(a_gateway(live=a_busy_hour()).gateway)
    watched = room.LiveRoom(desk, lambda: now[0])
    usual = desk.part

    def part(template: str, **context: object) -> str:
        rendered.append(template)
        return usual(template, **context)

    monkeypatch.setattr(desk, "part", part)
    session = desk.sessions.begin(ANYBODY)
    streams = [watched._stream(session) for _ in range(20)]
    first = [[await anext(stream) for _ in range(5)] for stream in streams]
    now[0] = room.EVERY_S
    watched._render()

    assert all(each == first[0] for each in first)
    assert len(rendered) == 2 * 4
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_a_stream_ends_with_its_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "EVERY_S", 0.0)
    desk = Desk(a_gateway(live=a_busy_hour()).gateway)
    session = desk.sessions.begin(ANYBODY)
    stream = room.LiveRoom(desk)._stream(session)
    before = [await anext(stream) for _ in range(5)]

    desk.sessions.end(session)

    assert len(before) == 5
    assert [each async for each in stream] == []


async def test_no_word_of_an_event_becomes_markup() -> None:
    live = Live(a_busy_hour().activity, FakeLag())
    live.activity.set_aside(XSS[:60])
    live.events.commands.add(a_command("c-1", XSS))
    live.events.champions.add(an_announcement("3", why=XSS))
    live.events.reports.add(a_report(1, **{XSS: 0.3}))
    double = a_gateway(live=live)

    async with client_of(double.app) as client:
        page = (await client.get("/desk/live")).text

    assert "<script>alert" not in page
    assert page.count(escape("<script>")) >= 4


async def test_watchers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WATCHERS", 0)

    async with client_of(a_gateway().app) as client:
        answer = await client.get("/desk/live/events")

    assert answer.status_code == 503


def test_a_level_of_heat_begins_at_its_limit() -> None:
    assert [heat_level(psi, 0.1, 0.2) for psi in (0.0499, 0.05, 0.1, 0.2, 0.3999, 0.4)] == [0, 1, 2, 3, 3, 4]


def test_the_latest_window_is_on_the_right_and_a_field_it_lacks_has_no_cell() -> None:
    latest, earlier = a_report(2, loan_amnt=0.3), a_report(1, loan_amnt=0.0, person_income=0.1)

    heat = heat_map([latest, earlier])

    assert heat is not None
    amount, income = heat.rows
    assert (amount.feature, [cell.level for cell in amount.cells]) == ("loan_amnt", [0, 3])
    assert (income.feature, [cell.x for cell in income.cells]) == ("person_income", [LABELS])
    assert amount.cells[1].x == (LABELS + WIDTH) / 2
    assert heat_map([]) is None


def test_a_chart_of_nothing_is_a_line_at_the_bottom() -> None:
    assert rate_chart([0, 0, 0]).points == "0.0,120.0 300.0,120.0 600.0,120.0"
    assert rate_chart([2, 4]).points == "0.0,60.0 600.0,0.0"
