"""Figures of a run, each worked by hand on a handful of records."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loanctl.reports import stream_audit
from loanctl.reports.stream_audit import SeenApplication, SeenDecision, SeenLetter, TopicContents
from tests.drift_events import COMMAND, RESULT

NOTHING = TopicContents(
    applications=(), decisions=(), dead_letters=(), reports=(), commands=(), results=(), announcements=()
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def an_application(offset, partition=0, timestamp=0, readable=True):
    name = f"a-{partition}-{offset}" if readable else None
    return SeenApplication(place=(partition, offset), timestamp=timestamp, application_id=name)


def a_decision(offset, partition=0, timestamp=0, version="1", place=None):
    name = f"a-{partition}-{offset}"
    return SeenDecision(
        place=place or (partition, offset),
        timestamp=timestamp,
        decision_id=f"d-{name}",
        application_id=name,
        source=(partition, offset),
        outcome="APPROVE",
        scorecard_version=version,
        gap=0.0,
        reasons=0,
    )


def topics_with(**parts):
    return replace(NOTHING, **parts)


def test_an_application_without_a_decision_is_missing():
    observed = topics_with(applications=[an_application(0), an_application(1)], decisions=[a_decision(1)])

    assert stream_audit.missing_count(observed) == 1


def test_an_unreadable_record_is_answered_by_its_dead_letter():
    letters = [SeenLetter(source=(0, 0), reason="undecodable")]
    both = [an_application(0, readable=False), an_application(1, readable=False)]

    assert stream_audit.missing_count(topics_with(applications=both, dead_letters=letters)) == 1


def test_a_dead_letter_is_no_answer_to_a_readable_application():
    letters = [SeenLetter(source=(0, 0), reason="out_of_range")]

    assert stream_audit.missing_count(topics_with(applications=[an_application(0)], dead_letters=letters)) == 1


def test_a_decision_beyond_the_first_is_a_duplicate():
    again = a_decision(0, place=(0, 9))

    assert stream_audit.duplicates(topics_with(decisions=[a_decision(0), a_decision(1), again])) == 1


def test_refusals_are_counted_by_reason():
    letters = [SeenLetter(source=(0, n), reason=reason) for n, reason in enumerate(["a", "b", "b"])]

    assert stream_audit.refusals_by_reason(topics_with(dead_letters=letters)) == {"b": 2, "a": 1}


def test_champions_come_in_order_with_their_first_offset_of_each_partition():
    decisions = [
        a_decision(0),
        a_decision(0, 1),
        a_decision(1),
        a_decision(2, version="2"),
        a_decision(1, 1, version="2"),
    ]

    assert stream_audit.champions(topics_with(decisions=decisions)) == [
        {"version": "1", "decisions": 3, "first_offset": {"0": 0, "1": 0}},
        {"version": "2", "decisions": 2, "first_offset": {"0": 2, "1": 1}},
    ]


@pytest.mark.parametrize(
    ("versions", "back"), [(["1", "1", "2", "2"], 0), (["1", "2", "1", "2"], 2), (["1", "2", "1", "1"], 2), (["1"], 0)]
)
def test_a_version_that_decides_again_after_its_successor_has_returned(versions, back):
    decisions = [a_decision(offset, version=version) for offset, version in enumerate(versions)]

    assert stream_audit.stale_decision_count(topics_with(decisions=decisions)) == back


def test_latency_runs_from_the_application_to_the_reader():
    applications = [an_application(n, timestamp=1_000) for n in range(3)]
    decisions = [a_decision(n) for n in range(3)]
    arrivals = {(0, 0): 1_010, (0, 1): 1_020, (0, 2): 1_030}

    took = stream_audit.latency_ms(topics_with(applications=applications, decisions=decisions), arrivals)

    assert took == {"p50": 20.0, "p99": 29.8}


def test_latency_counts_only_the_ids_asked_for_and_is_empty_where_nobody_watched():
    observed = topics_with(applications=[an_application(0)], decisions=[a_decision(0)])

    assert stream_audit.latency_ms(observed, {}) == {}
    assert stream_audit.latency_ms(observed, {(0, 0): 5}, ids=["b-"]) == {}
    assert stream_audit.latency_ms(observed, {(0, 0): 5}, ids=["a-"]) == {"p50": 5.0, "p99": 5.0}


def test_the_rate_is_that_of_the_busiest_second():
    decisions = [a_decision(n, timestamp=timestamp) for n, timestamp in enumerate([0, 999, 1_000, 1_500, 1_999])]

    assert stream_audit.decisions_per_s(topics_with(decisions=decisions)) == 3.0
    assert stream_audit.decisions_per_s(NOTHING) == 0.0


def test_commands_and_results_are_told_by_their_ids():
    told = stream_audit.retrain(topics_with(commands=[replace(COMMAND, champion_version="1")], results=[RESULT]))

    assert told["commands"] == [{"command_id": "c-1", "cause": "DRIFT", "why": "drift", "champion": "1"}]
    assert told["results"] == [
        {"command_id": "c-1", "status": "PROMOTED", "why": "better", "challenger": "2", "rows": 10}
    ]
