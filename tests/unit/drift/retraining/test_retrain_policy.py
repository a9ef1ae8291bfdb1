"""When a window commands a retraining, and when it does not."""

from dataclasses import replace

import pytest

from drift.binning.binned_records import NO_TIME
from drift.retraining import performance_floor
from drift.retraining.retrain_policy import PolicyState, command_id, command_of, decide, judged_performance
from schemas.events.drift import DriftAcknowledgement, Verdict
from schemas.events.performance import Figure
from schemas.events.retraining import RetrainCause, RetrainScope, RetrainStatus
from tests.drift_events import HOUR, NOON, RULES, a_report, a_result
from tests.unit.drift.loans import a_look, some_performance


def reports_and_state(*verdicts: Verdict, memory: PolicyState | None = None, first: int = 0, **rules):
    """The reports of windows an hour each, and the memory after them."""
    memory, reports = memory or PolicyState(), []
    for hour, verdict in enumerate(verdicts, start=first):
        windows = replace(a_report(verdict, hour), rules=replace(RULES, **rules))
        memory, report = decide(memory, windows)
        reports.append(report)
    return reports, memory


D, S, W, I = Verdict.DRIFTED, Verdict.STEADY, Verdict.WATCH, Verdict.INSUFFICIENT  # noqa: E741


@pytest.mark.parametrize(
    ("verdicts", "commanding"),
    [
        ([D, D], 1),
        ([D, S, D], 2),
        ([D, W, W, D], None),
        ([D, I, I, I, D], 4),
        ([W, W, W, W], None),
        ([D, S, S, D, S, S, D], None),
    ],
)
def test_two_of_the_last_three_windows_with_a_verdict_command(verdicts, commanding):
    reports, _ = reports_and_state(*verdicts)

    assert [place for place, report in enumerate(reports) if report.command_id] == (
        [] if commanding is None else [commanding]
    )


def test_nothing_is_commanded_while_a_command_is_in_flight():
    reports, memory = reports_and_state(D, D, D, D, D)

    assert [bool(report.command_id) for report in reports] == [False, True, False, False, False]
    assert reports[-1].withheld == "in_flight"
    assert memory.in_flight == reports[1].command_id


def test_a_rejected_challenger_latches_until_a_window_is_steady():
    reports, memory = reports_and_state(D, D)
    memory = memory.after_result(a_result(reports[1].command_id, RetrainStatus.REJECTED))

    more, memory = reports_and_state(D, D, W, D, memory=memory, first=2)
    later, _ = reports_and_state(S, D, D, memory=memory, first=6)

    assert [report.withheld for report in more] == ["unconfirmed", "latched", "", "latched"]
    assert [bool(report.command_id) for report in later] == [False, True, False]


def test_a_failed_training_may_be_tried_again_after_the_cooldown():
    reports, memory = reports_and_state(D, D, cooldown_ms=4 * 3_600_000)
    memory = memory.after_result(a_result(reports[1].command_id, RetrainStatus.FAILED))

    more, _ = reports_and_state(D, D, D, D, memory=memory, cooldown_ms=4 * 3_600_000, first=2)

    assert [report.withheld for report in more] == ["unconfirmed", "cooldown", "cooldown", ""]
    assert more[-1].command_id


def test_an_answer_to_another_command_answers_nothing_and_that_it_was_answered_before_does():
    reports, memory = reports_and_state(D, D)

    assert memory.after_result(a_result("another", RetrainStatus.PROMOTED)) == memory
    assert memory.after_result(a_result(reports[1].command_id, RetrainStatus.DUPLICATE)).in_flight == ""


LATER = 100 * 3_600_000
FALLEN = a_look(replace(some_performance(), auc=Figure(0.6, 0.58, 0.62)))


def test_a_fallen_champion_commands_once_until_ends_have_doubled():
    memory, first = judged_performance(PolicyState(), FALLEN, LATER, RULES)
    memory = memory.after_result(a_result(first.command_id, RetrainStatus.REJECTED))
    memory, _ = decide(memory, a_report(S))

    memory, again = judged_performance(memory, FALLEN, LATER, RULES)
    more = a_look(replace(some_performance(), n=5_000, auc=Figure(0.6, 0.58, 0.62)))
    _, doubled = judged_performance(memory, more, LATER, RULES)

    assert (first.command_id, first.withheld) == (performance_floor.finding_id(FALLEN), "")
    assert (again.command_id, again.withheld) == ("", "asked")
    assert doubled.command_id not in ("", first.command_id)


def test_what_ranks_well_enough_commands_nothing_and_holds_nothing_back():
    memory, report = judged_performance(PolicyState(), a_look(some_performance(skill=2.0)), LATER, RULES)

    assert (memory, report.command_id, report.withheld) == (PolicyState(), "", "")


@pytest.mark.parametrize(
    ("memory", "withheld"),
    [
        (PolicyState(in_flight="drift-1"), "in_flight"),
        (PolicyState(latched=True), "latched"),
        (PolicyState(commanded_at=LATER - 1), "cooldown"),
        (PolicyState(hold_until=LATER + 1), "acknowledged"),
    ],
)
def test_what_holds_drift_back_holds_fallen_performance_back(memory, withheld):
    after, report = judged_performance(memory, FALLEN, LATER, replace(RULES, cooldown_ms=3_600_000))

    assert (after, report.command_id, report.withheld) == (memory, "", withheld)


OFF = replace(some_performance(), auc=Figure(0.8, 0.78, 0.82), intercept=Figure(0.5, 0.3, 0.7))
OFF_RULES = replace(FALLEN.rules, most_level_off=0.25)


def test_a_level_that_is_off_commands_a_recalibration_once_under_the_same_guards():
    look = a_look(OFF, rules=OFF_RULES)
    memory, first = judged_performance(PolicyState(), look, LATER, RULES)
    _, in_flight = judged_performance(memory, a_look(replace(OFF, n=5_000), rules=OFF_RULES), LATER, RULES)
    memory, _ = decide(memory.after_result(a_result(first.command_id, RetrainStatus.REJECTED)), a_report(S))
    _, again = judged_performance(memory, look, LATER, RULES)

    command = performance_floor.command_of(first, NOON)
    assert (command.scope, command.cause) == (RetrainScope.RECALIBRATION, RetrainCause.PERFORMANCE)
    assert command.command_id == first.command_id == performance_floor.finding_id(look)
    assert "off by +0.50 (+0.30 to +0.70), surely by more than 0.25" in command.why
    assert (in_flight.command_id, in_flight.withheld) == ("", "in_flight")
    assert (again.command_id, again.withheld) == ("", "asked")


def test_agent_and_person_give_a_level_that_is_off_by_one_limit_the_same_id():
    def command_id(most_off):
        # As `loanctl retrain --if-level-off` looks: without a floor, whatever limit the agent has.
        look = a_look(OFF, rules=replace(OFF_RULES, least_auc=0.0))
        return performance_floor.performance_command(look, None, most_off, NOON).command_id

    _, found = judged_performance(PolicyState(), a_look(OFF, rules=OFF_RULES), LATER, RULES)

    assert found.rules.least_auc > 0.0
    assert command_id(0.25) == found.command_id
    assert command_id(0.2) != found.command_id


def test_a_level_is_left_alone_where_no_limit_is_set_and_a_fallen_ranking_asks_for_more():
    unlimited = a_look(OFF)
    both = a_look(replace(OFF, auc=Figure(0.6, 0.58, 0.62)), rules=OFF_RULES)

    assert judged_performance(PolicyState(), unlimited, LATER, RULES) == (PolicyState(), unlimited)
    _, report = judged_performance(PolicyState(), both, LATER, RULES)
    assert performance_floor.command_of(report, NOON).scope is RetrainScope.FULL


def test_a_fallen_champion_s_command_is_in_flight_for_drift_too():
    memory, _ = judged_performance(PolicyState(), FALLEN, LATER, RULES)

    reports, _ = reports_and_state(D, D, memory=memory)

    assert reports[-1].withheld == "in_flight"


def test_a_command_from_before_the_first_window_is_held_lost_in_time_as_any_other():
    memory, asked = judged_performance(PolicyState(), FALLEN, NO_TIME, RULES)

    reports, _ = reports_and_state(D, D, D, D, memory=memory, in_flight_ms=2 * 3_600_000)

    assert asked.command_id
    assert [report.withheld for report in reports] == ["unconfirmed", "in_flight", "", "unconfirmed"]


def test_another_champion_begins_anew_but_the_cooldown_goes_on():
    _, memory = reports_and_state(D, D, cooldown_ms=10 * 3_600_000)

    more, _ = reports_and_state(D, D, memory=memory.after_champion(), cooldown_ms=10 * 3_600_000, first=2)

    assert [report.withheld for report in more] == ["unconfirmed", "cooldown"]


def test_an_acknowledged_shift_holds_commands_back_until_its_time():
    word = DriftAcknowledgement(
        acknowledgement_id="a",
        product="p",
        why="campaign",
        hold_until=NOON + 3 * HOUR,
        season=None,
        acknowledged_at=NOON,
    )

    reports, _ = reports_and_state(D, D, D, D, memory=PolicyState(latched=True).after_acknowledgement(word))

    assert [report.withheld for report in reports] == ["unconfirmed", "acknowledged", "", "unconfirmed"]


def test_the_same_finding_has_the_same_id_and_another_has_another():
    assert command_id(a_report()) == command_id(replace(a_report(), n=5))
    assert command_id(a_report()) != command_id(a_report(hour=1))
    assert command_id(a_report()) != command_id(replace(a_report(), champion_digest="e"))


def test_a_command_says_who_asks_why_and_of_which_window():
    reports, _ = reports_and_state(D, D)
    command = command_of(reports[1], NOON)

    assert (command.cause, command.window_end) == (RetrainCause.DRIFT, NOON + 2 * HOUR)
    assert command.command_id == reports[1].command_id
    assert "person_income" in command.why


def test_memory_survives_being_saved():
    _, memory = reports_and_state(D, D, S)

    assert PolicyState.from_dict(memory.to_dict()) == memory


def test_how_many_windows_confirm_is_a_rule_of_the_report():
    three_of_four = {"drifted_needed": 3, "drifted_of": 4}

    reports, _ = reports_and_state(D, S, D, D, **three_of_four)
    one_alone, _ = reports_and_state(D, drifted_needed=1, drifted_of=1)

    assert [report.withheld for report in reports] == ["unconfirmed", "", "unconfirmed", ""]
    assert [bool(report.command_id) for report in (*reports, *one_alone)] == [False, False, False, True, True]


def test_a_command_that_nobody_answers_holds_back_for_so_long_only():
    day = {"in_flight_ms": 5 * 3_600_000}

    reports, memory = reports_and_state(*[D] * 7, **day)
    forever, _ = reports_and_state(*[D] * 7)

    assert [report.withheld for report in reports] == ["unconfirmed", "", "unconfirmed", *["in_flight"] * 3, ""]
    assert memory.in_flight == reports[-1].command_id != reports[1].command_id
    assert forever[-1].withheld == "in_flight"


def test_a_person_s_word_ends_the_wait_for_an_answer():
    word = DriftAcknowledgement(
        acknowledgement_id="a", product="p", why="", hold_until=None, season=None, acknowledged_at=NOON
    )
    _, memory = reports_and_state(D, D)

    reports, _ = reports_and_state(D, D, memory=memory.after_acknowledgement(word), first=2)

    assert [report.withheld for report in reports] == ["unconfirmed", ""]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_windows_in_quiet_hours_neither_confirm_nor_command(zone):
    noon = 12 if zone == "UTC" else 21
    quiet = {"quiet_hours": f"{noon + 1}-{noon + 3}", "time_zone": zone}

    reports, memory = reports_and_state(D, D, D, D, **quiet)
    unlatched, latched = reports_and_state(S, S, memory=PolicyState(latched=True), first=1, **quiet)

    assert [report.withheld for report in reports] == ["unconfirmed", "quiet_hours", "quiet_hours", ""]
    assert memory.in_flight == reports[-1].command_id
    assert [report.withheld for report in unlatched] == ["", ""]
    assert latched.latched
