"""Counts, shares and quantiles of what was decided lately."""

from gateway.live.activity import MOST_REASONS, OTHER, SAMPLES_PER_S, SECONDS, Activity
from tests.unit.gateway.live_events import a_decision


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_over_ten_whole_seconds_and_the_running_one_is_left_out() -> None:
    clock = Clock()
    activity = Activity(clock)
    for _ in range(10):
        activity.read(30)
        clock.now += 1.0
    activity.read(9_999)

    assert activity.figures().per_second == 30.0


def test_what_is_older_than_the_chart_is_forgotten() -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.read(5)
    clock.now += SECONDS + 1
    activity.read(1)
    clock.now += 1

    counts = activity.figures().counts

    assert len(counts) == SECONDS
    assert list(counts) == [0] * (SECONDS - 1) + [1]


def test_so_many_are_decoded_in_a_second_and_no_more_however_many_come() -> None:
    clock = Clock()
    activity = Activity(clock)

    first = sum(activity.read(1_000) for _ in range(100))
    clock.now += 1.0

    assert first == SAMPLES_PER_S
    assert activity.read(3) == 3


def test_shares_and_the_scorecard_are_those_of_the_sample() -> None:
    activity = Activity(Clock())
    for outcome, version in (("APPROVE", "1"), ("APPROVE", "1"), ("DECLINE", "2")):
        activity.add_sample(a_decision(outcome, version), 0)

    figures = activity.figures()

    assert figures.outcomes == {"APPROVE": 2, "DECLINE": 1}
    assert figures.scorecard_version == "2"


def test_the_latest_sample_of_each_partition_is_given_once() -> None:
    activity = Activity(Clock())
    for partition, offset in ((0, 1), (0, 2), (1, 7)):
        activity.add_sample(a_decision(offset=offset, partition=partition), 0)

    assert sorted((each.partition, each.offset) for each in activity.latest()) == [(0, 2), (1, 7)]
    assert activity.latest() == []


def test_quantiles_of_a_hundred_latencies() -> None:
    activity = Activity(Clock())
    for milliseconds in range(100, 0, -1):
        activity.took(float(milliseconds))

    assert activity.figures().latency_ms == (51.0, 100.0)
    assert Activity(Clock()).figures().latency_ms is None


def test_reasons_beyond_the_bound_share_one_name() -> None:
    activity = Activity(Clock())
    for number in range(MOST_REASONS + 2):
        activity.set_aside(f"r-{number}")
    activity.set_aside("r-0")

    letters = activity.figures().dead_letters

    assert (letters["r-0"], letters[OTHER]) == (2, 2)
    assert len(letters) == MOST_REASONS + 1
