"""The latest events of each kind."""

from gateway.live.recent_events import EventList, RecentEvents
from tests.unit.gateway.live_events import a_report


def test_the_latest_come_first_and_the_oldest_are_dropped() -> None:
    kept = EventList("id", most=2)
    for name in ("a", "b", "c"):
        kept.add({"id": name})

    assert [each["id"] for each in kept.latest()] == ["c", "b"]


def test_an_event_that_comes_twice_is_there_once_as_it_came_last() -> None:
    kept = EventList("id")
    for name, state in (("a", 1), ("b", 1), ("a", 2)):
        kept.add({"id": name, "state": state})

    assert kept.latest() == [{"id": "a", "state": 2}, {"id": "b", "state": 1}]


def test_the_last_report_is_none_before_any() -> None:
    events = RecentEvents()
    before = events.last_report
    events.reports.add(a_report(1))
    events.reports.add(a_report(2))

    assert before is None
    assert events.last_report == a_report(2)
