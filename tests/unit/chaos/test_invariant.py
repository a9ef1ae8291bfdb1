"""The chaos checker finds each kind of fault that it looks for, and nothing where all is well."""

from collections import Counter

import pytest

from tests.chaos.invariant import (
    ObservedCall,
    ObservedDecision,
    ObservedLetter,
    call_findings,
    champion_findings,
    commit_findings,
    decision_findings,
    full_rate_s,
    leak_findings,
    leak_lines,
    letter_findings,
    report_findings,
    result_findings,
    violations,
)
from tests.chaos.load import Kind, SentRecord

SENT = [
    SentRecord(0, Kind.GOOD, "a-0", 0, 10, 0.0),
    SentRecord(1, Kind.GOOD, "a-0", 0, 11, 0.0),
    SentRecord(2, Kind.FAULTY, "a-2", 1, 7, 0.0),
    SentRecord(3, Kind.POISON, "a-3", 1, 8, 0.0),
]


def a_decision(partition, offset, place, key="a-0", version="1", value=b"same"):
    return ObservedDecision((partition, offset), (partition, place), key, version, value)


CLEAN = [a_decision(0, 10, 0), a_decision(0, 11, 1), a_decision(1, 7, 0, "a-2")]


def test_a_clean_run_has_no_findings():
    assert decision_findings(SENT, CLEAN, (), ()) == Counter()
    assert letter_findings(SENT, [ObservedLetter((1, 7)), ObservedLetter((1, 8))], (), ()) == Counter()
    assert commit_findings({0: 12, 1: 9}, {0: 12, 1: 9}) == Counter()
    assert champion_findings(CLEAN) == Counter()
    assert report_findings([("w-1", 100), ("w-2", 7)], {"w-1": 100}) == Counter()


@pytest.mark.parametrize(
    ("decisions", "name"),
    [
        (CLEAN[:2], "decisions_lost"),
        ([*CLEAN, a_decision(0, 11, 2)], "decisions_repeated"),
        ([*CLEAN, a_decision(0, 99, 2)], "decisions_without_application"),
        ([*CLEAN, a_decision(1, 8, 2, "a-3")], "decisions_without_application"),
        ([a_decision(0, 11, 0), a_decision(0, 10, 1), CLEAN[2]], "keys_out_of_order"),
    ],
)
def test_each_fault_of_decisions_is_found(decisions, name):
    assert decision_findings(SENT, decisions, (), ()) == {name: 1}


def test_a_repetition_with_other_bytes_is_mixed_in_either_mode():
    found = decision_findings(SENT, [*CLEAN, a_decision(0, 11, 2, value=b"other")], (), ())

    assert violations(found, at_least_once=True) == {"decisions_mixed": 1}
    assert violations(found, at_least_once=False) == {"decisions_mixed": 1, "decisions_repeated": 1}


def test_a_repetition_by_the_next_champion_has_other_bytes_and_is_no_mixture():
    found = decision_findings(SENT, [*CLEAN, a_decision(0, 11, 2, version="2", value=b"other")], (), ())

    assert found == {"decisions_repeated": 1}


def test_what_is_gone_is_owed_nothing_and_what_was_set_back_may_come_again():
    assert decision_findings(SENT, CLEAN[1:], gone={(0, 10)}, again=()) == Counter()
    assert decision_findings(SENT, [*CLEAN, a_decision(0, 10, 2)], gone=(), again={(0, 10)}) == Counter()


@pytest.mark.parametrize(
    ("letters", "name"),
    [
        ([(1, 7)], "letters_lost"),
        ([(1, 7), (1, 8), (1, 8)], "letters_repeated"),
        ([(1, 7), (1, 8), (0, 10)], "letters_without_record"),
    ],
)
def test_each_fault_of_dead_letters_is_found(letters, name):
    assert letter_findings(SENT, [ObservedLetter(source) for source in letters], (), ()) == {name: 1}


def test_a_gap_a_turn_back_and_a_window_are_found():
    assert commit_findings({0: 12, 1: 8}, {0: 12, 1: 9}) == {"commits_apart": 1}
    back = [a_decision(0, 10, 0, version="2"), a_decision(0, 11, 1, version="1")]
    assert champion_findings(back) == {"champions_out_of_order": 1}
    reports = [("w-1", 99), ("w-1", 99)]
    assert report_findings(reports, {"w-1": 100, "w-2": 5}) == {
        "windows_repeated": 1,
        "windows_lost": 1,
        "windows_miscounted": 1,
    }


def test_an_accepted_application_that_is_lost_or_there_twice_and_an_answer_of_no_decision_are_found():
    calls = [
        ObservedCall("a-0", 200, "d-0"),
        ObservedCall("a-1", 504),
        ObservedCall("a-2", 503),
        ObservedCall("a-3", 0),
    ]
    decided_as = {(0, 10): ["d-0"], (0, 11): ["d-1"], (0, 12): ["d-1"]}

    assert call_findings(calls, {"a-0": [(0, 10)], "a-1": [(0, 11)]}, decided_as) == Counter()
    assert call_findings(calls, {"a-0": [(0, 11)], "a-3": [(0, 11), (0, 12)]}, decided_as) == {
        "accepted_lost": 1,
        "accepted_twice": 1,
        "answers_apart": 1,
    }


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([("c-1", False), ("c-1", True), ("c-2", False)], {}),
        ([("c-1", False), ("c-2", False)], {"results_lost": 1}),
        ([("c-1", False), ("c-1", False), ("c-2", False)], {"results_repeated": 1}),
        ([("c-1", False), ("c-1", True), ("c-2", False), ("c-2", True)], {"results_repeated": 1}),
    ],
)
def test_a_command_without_its_result_or_with_two_is_found(results, found):
    assert result_findings(["c-1", "c-1", "c-2"], results) == found


def test_the_full_rate_is_back_when_nobody_waits_over_a_second_whatever_comes_later():
    behind = [(104.0, 3.5), (106.5, 5.2), (106.6, 1.1)]

    assert full_rate_s(100.0, [(99.0, 5.0), *behind, (140.0, 3.0)]) == pytest.approx(6.6)
    assert full_rate_s(100.0, [(101.0, 0.1)]) == 0.0


@pytest.mark.parametrize("text", [b"income 73913.07", b'{"value": 73913}', b"YACHTSMAN is not declared"])
def test_a_value_of_an_applicant_is_found_in_a_log(text):
    assert leak_findings({"worker.log": text}) == {"values_leaked": 1}
    assert leak_lines({"worker.log": b"started\n" + text, "drift.log": b"started"}) == [f"worker.log: {text.decode()}"]


@pytest.mark.parametrize("text", [b"12:00:00.739131Z", b"4d73913ab", b"a-73913x", b"pid 273913"])
def test_digits_of_a_time_or_an_id_are_no_value(text):
    assert leak_findings({"worker.log": text}) == Counter()
