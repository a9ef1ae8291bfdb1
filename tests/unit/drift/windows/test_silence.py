"""Whatever pauses a stream makes, its windows are those that a batch over the same rows gives, and nothing is late."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.windows.window import Window
from drift.windows.window_assembler import WindowRules
from drift.windows.window_grid import Calendar
from tests.unit.drift.stream import SOURCE
from tests.unit.drift.windows.live_stream import MINUTE, Agent, Arrival, run_agent

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
ZONE: Final = "Europe/Berlin"
MONDAY: Final = round(datetime(2026, 3, 23, tzinfo=ZoneInfo(ZONE)).timestamp() * 1_000)
"""Of the week in which clocks change, nine days before the month does."""
DAYS: Final = 12
PARTITIONS: Final = 3
TICK: Final = 30 * MINUTE

WINDOWS: Final = {
    "time": {"window_ms": HOUR, "pane_ms": MINUTE},
    "count": {"window_ms": HOUR, "window_count": 25, "pane_ms": MINUTE},
    "day": {"window_ms": HOUR, "calendar": Calendar.DAY, "pane_ms": 15 * MINUTE},
    "week": {"window_ms": HOUR, "calendar": Calendar.WEEK, "pane_ms": 15 * MINUTE},
    "month": {"window_ms": HOUR, "calendar": Calendar.MONTH, "pane_ms": 15 * MINUTE},
}


def the_rules(kind: str, lateness_ms: int = MINUTE) -> WindowRules:
    return WindowRules(sources=(SOURCE,), lateness_ms=lateness_ms, time_zone=ZONE, **WINDOWS[kind])


def opening_hours(day: int, _partition: int, hour: float) -> bool:
    """No nights, no lunches, no weekends."""
    return day % 7 < 5 and (8 <= hour < 12 or 13 <= hour < 18)


def a_quiet_partition(day: int, partition: int, hour: float) -> bool:
    """One that brings something now and then, the others all day and night."""
    return partition != 2 or (day % 3 == 1 and 10 <= hour < 11)


def always(_day: int, _partition: int, _hour: float) -> bool:
    return True


def a_stream(open_at: Callable[[int, int, float], bool], seed: int, an_hour: int = 4) -> list[Arrival]:
    """Records signed at random while it is open, each there within half a minute, in order in each partition."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, DAYS * DAY, DAYS * 24 * an_hour))
    last, found = [0] * PARTITIONS, []
    for time in times.tolist():
        partition = int(rng.integers(PARTITIONS))
        if open_at(time // DAY, partition, time % DAY / HOUR):
            last[partition] = max(last[partition], MONDAY + time + int(rng.integers(30_000)))
            found.append(Arrival(last[partition], MONDAY + time, partition))
    return found


def batch(kind: str, stream: Sequence[Arrival]) -> list[tuple[int, int, int]]:
    """Start, end and number of records of each window, from the rows alone."""
    rules = the_rules(kind)
    if not rules.window_count:
        numbers = Counter(rules.grid.around(each.time) for each in stream)
        return [(start, end, n) for (start, end), n in sorted(numbers.items())]
    panes = Counter(each.time // rules.pane_ms * rules.pane_ms for each in stream)
    windows, n, start = [], 0, None
    for pane, records in sorted(panes.items()):
        n, start = n + records, pane if start is None else start
        if n >= rules.window_count:
            windows.append((start, pane + rules.pane_ms, n))
            n, start = 0, None
    return windows


def bounds_and_counts(windows: Sequence[Window]) -> list[tuple[int, int, int]]:
    return [(window.start, window.end, window.tallies[SOURCE].n) for window in windows]


def late(windows: Sequence[Window]) -> int:
    return sum(window.tallies[SOURCE].late for window in windows)


def live(kind: str, stream: Sequence[Arrival], crashes: Sequence[int] = (), **rules: Any) -> list[Window]:
    agent = Agent(the_rules(kind, **rules), PARTITIONS)
    run_agent(agent, stream, TICK, until=MONDAY + 50 * DAY, crashes=crashes)
    return agent.windows


@pytest.mark.slow
@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("open_at", [opening_hours, a_quiet_partition, always])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), crashes=st.lists(st.integers(0, 2_000), max_size=5))
def test_nights_lunches_weekends_and_quiet_partitions_change_no_window(kind, open_at, seed, crashes):
    stream = a_stream(open_at, seed)

    windows = live(kind, stream, crashes)

    assert late(windows) == 0
    assert bounds_and_counts(windows) == batch(kind, stream)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WINDOWS)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), gaps=st.lists(st.floats(0, DAYS * 24), min_size=2, max_size=12))
def test_pauses_of_any_length_change_no_window(kind, seed, gaps):
    borders = sorted(gaps)

    def open_at(day: int, _partition: int, hour: float) -> bool:
        return sum(border <= day * 24 + hour for border in borders) % 2 == 0

    stream = a_stream(open_at, seed, an_hour=8)
    windows = live(kind, stream)

    assert late(windows) == 0
    assert bounds_and_counts(windows) == batch(kind, stream)


def evenings(stream: Sequence[Arrival]) -> list[Arrival]:
    """The third partition's records come at seven in the evening, those of the evening on the next."""
    found = []
    for each in stream:
        day = (each.time - MONDAY) // DAY + ((each.time - MONDAY) % DAY >= 17 * HOUR)
        at = MONDAY + day * DAY + 19 * HOUR
        found.append(Arrival(at, each.time, each.partition) if each.partition == 2 else each)
    return found


@pytest.mark.parametrize(
    ("kind", "lateness_ms"), [("time", 27 * HOUR), ("count", 27 * HOUR), ("day", 27 * HOUR), ("week", 27 * HOUR)]
)
def test_a_source_that_uploads_in_the_evening_changes_no_window_where_the_lateness_allows_for_it(kind, lateness_ms):
    stream = evenings(a_stream(always, seed=5))

    windows = live(kind, stream, lateness_ms=lateness_ms)

    assert late(windows) == 0
    assert bounds_and_counts(windows) == batch(kind, stream)


@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_what_was_signed_in_office_hours_and_uploaded_the_same_evening_needs_no_lateness(kind):
    stream = evenings(a_stream(opening_hours, seed=6))
    same_day = [each for each in stream if each.at // DAY == each.time // DAY]

    windows = live(kind, same_day)

    assert late(windows) == 0
    assert bounds_and_counts(windows) == batch(kind, same_day)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WINDOWS)
def test_a_stream_of_the_past_that_is_played_fast_and_halts_is_cut_as_the_live_one(kind):
    stream = a_stream(always, seed=7)
    rng = np.random.default_rng(7)
    # A thousand times as fast as it was signed, years later, with halts no longer than the lateness.
    halts = np.cumsum(np.where(rng.random(len(stream)) < 0.01, rng.integers(0, MINUTE, len(stream)), 0))
    began = round(datetime(2030, 1, 1, tzinfo=UTC).timestamp() * 1_000)
    played = [
        Arrival(began + (each.time - MONDAY) // 1_000 + int(halt), each.time, each.partition)
        for each, halt in zip(stream, halts, strict=True)
    ]
    agent = Agent(the_rules(kind), PARTITIONS, silence_s=5.0)

    run_agent(agent, played, 1_000, until=played[-1].at + 40 * DAY)

    assert late(agent.windows) == 0
    assert bounds_and_counts(agent.windows) == batch(kind, stream)


def test_a_window_by_time_closes_by_silence_once_our_clock_is_past_its_end_and_lateness_and_not_before():
    agent = Agent(the_rules("time"), 1)
    stream = [Arrival(MONDAY + minute * MINUTE, MONDAY + minute * MINUTE, 0) for minute in range(10)]

    run_agent(agent, stream, MINUTE, until=MONDAY + HOUR)
    early = bounds_and_counts(agent.windows)
    for minute in range(5):
        agent.turn(MONDAY + HOUR + minute * MINUTE)

    assert early == []
    assert bounds_and_counts(agent.windows) == [(MONDAY, MONDAY + HOUR, 10)]


def test_a_window_by_count_never_closes_by_silence():
    agent = Agent(the_rules("count"), 1)
    stream = [Arrival(MONDAY + minute * MINUTE, MONDAY + minute * MINUTE, 0) for minute in range(24)]

    run_agent(agent, stream, MINUTE, until=MONDAY + 40 * DAY)

    assert agent.windows == []


def test_a_stream_that_has_ended_closes_its_last_window_where_so_set():
    agent = Agent(WindowRules(sources=(SOURCE,), lateness_ms=MINUTE, ended_ms=10_000, **WINDOWS["time"]), 1)
    years_later = MONDAY + 1_000 * DAY
    stream = [Arrival(years_later + minute, MONDAY + minute * MINUTE, 0) for minute in range(100)]

    run_agent(agent, stream, 1_000, until=years_later + 10 * MINUTE)

    assert bounds_and_counts(agent.windows) == [(MONDAY, MONDAY + HOUR, 60), (MONDAY + HOUR, MONDAY + 2 * HOUR, 40)]
