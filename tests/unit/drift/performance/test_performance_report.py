"""Reports of what became of a champion's loans, and what the owner of the windows makes of them."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, permutations
from typing import Any

import fastavro
import numpy as np
import pytest

from drift.monitor import Monitor
from drift.performance.outcome_join import OutcomeJoin
from drift.performance.performance_report import ReportSubject, performance_report
from drift.retraining import performance_floor
from drift.retraining.retrain_policy import PolicyState
from drift.settings import DriftSettings
from schemas.codec.event_codec import as_record, avro_schema, from_record
from schemas.events.performance import Figure, PerformanceReport, PerformanceRules, ReadRange
from schemas.events.retraining import RetrainCause, RetrainStatus
from tests.drift_events import a_result
from tests.unit.drift.loans import a_look, some_performance
from tests.unit.drift.performance.test_outcome_join import DAY, a_loan, an_end
from tests.unit.drift.stream import NOW, monitor_rules

RULES = PerformanceRules(age_ms=365 * DAY, most=1_000, least_auc=0.75, minimum_n=200)
SUBJECT = ReportSubject(product="credit_risk", champion_version="1", champion_digest="d", as_of=1_000 * DAY)
READ = (ReadRange(topic="loan.outcomes.v1", partition=0, first=0, end=600),)
FALLEN = replace(some_performance(), auc=Figure(0.6, 0.58, 0.62))
LOOKED = a_look(FALLEN)


def report_of(*loans: Any, rules: PerformanceRules = RULES) -> PerformanceReport:
    joining = OutcomeJoin(SUBJECT.joins(rules))
    for loan in loans:
        joining.add_decision(loan)
    for loan in loans:
        if loan.application_id != "open":
            joining.add_outcome(an_end(loan.application_id, defaulted=hash_of(loan.application_id)))
    joining.add_outcome(an_end("nobody"))
    return performance_report(joining, SUBJECT, rules, READ)


def hash_of(name: str) -> bool:
    return sum(name.encode()) % 3 == 0


def text(report: PerformanceReport | None) -> str:
    assert report is not None
    return json.dumps(as_record(report), default=str)


def some(n: int) -> list[Any]:
    rng = np.random.default_rng(3)
    return [a_loan(f"a{place}", probability=float(rng.beta(1, 3))) for place in range(n)]


def test_a_report_tells_of_all_that_one_champion_decided_and_of_nobody_else_s_loans() -> None:
    others = [a_loan("other", version="2", day=-200)]
    found = report_of(*some(200), a_loan("open", day=500), *others)

    assert (found.performance.decided, found.performance.with_outcome) == (201, 200)
    assert (found.notes.outcomes, found.notes.unknown) == (202, 1)
    assert found.performance.observed is not None
    assert found.performance.observed.auc is not None
    assert found.fallen
    assert found.offsets == READ
    assert found.report_id == f"credit_risk:1:{1_000 * DAY}"


def test_nobody_has_fallen_by_too_few_ends() -> None:
    loans = some(200)

    assert not report_of(*loans, rules=replace(RULES, minimum_n=201)).fallen


def test_the_same_loans_give_the_same_report_whatever_the_order() -> None:
    loans = some(40)
    parts = [loans[:10], loans[10:25], loans[25:]]

    found = {json.dumps(as_record(report_of(*chain(*order)))["performance"]) for order in permutations(parts)}

    assert len(found) == 1


def test_a_report_survives_avro_to_the_bit() -> None:
    found = report_of(*some(300), a_loan("open"))
    schema = fastavro.parse_schema(dict(avro_schema(PerformanceReport)))
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, as_record(found))
    stream.seek(0)

    read = from_record(PerformanceReport, fastavro.schemaless_reader(stream, schema))  # type: ignore[call-arg,arg-type]
    assert text(read) == text(found)


def test_of_a_sample_too_the_report_does_not_depend_on_the_order_of_partitions() -> None:
    first, second = some(90)[:60], some(90)[60:]
    again = [loan._replace(place=(loan.place[0], 1, nth)) for nth, loan in enumerate(first[:30])]
    rules = replace(RULES, most=50)

    one, other = (report_of(*order, rules=rules) for order in ([*first, *again, *second], [*second, *again, *first]))

    assert as_record(one) == as_record(other)
    assert 0 < one.notes.decided_again < 30


@pytest.mark.slow
def test_more_loans_than_memory_holds_are_a_sample_and_said_to_be_one() -> None:
    found = report_of(*some(3_000))

    assert found.kept == 0.25
    assert found.performance.decided == pytest.approx(750, abs=100)


def test_a_fallen_champion_commands_and_the_report_names_the_command() -> None:
    monitor = Monitor(monitor_rules())
    found = monitor.add_performance(a_look(FALLEN), NOW)

    [command] = found.commands
    assert command.cause is RetrainCause.PERFORMANCE
    assert command.command_id == performance_floor.finding_id(a_look(FALLEN))
    assert [each.command_id for each in found.performances] == [command.command_id]
    assert monitor.memory.in_flight == command.command_id


def test_what_was_looked_at_and_asked_outlives_its_owner() -> None:
    monitor = Monitor(monitor_rules())
    monitor.add_performance(a_look(FALLEN), NOW)

    successor = Monitor.from_dict(monitor_rules(), json.loads(json.dumps(monitor.to_dict())))

    assert text(successor.look) == text(monitor.look)
    assert successor.outcome_ends("c" * 64, LOOKED.rules) == (1_000,)
    assert successor.outcome_ends("d" * 64, LOOKED.rules) == ()
    assert successor.outcome_ends("c" * 64, replace(LOOKED.rules, least_auc=0.5)) == ()
    assert successor.memory == monitor.memory
    assert [each.withheld for each in successor.add_performance(a_look(FALLEN), NOW).performances] == ["asked"]


def test_a_state_of_before_there_were_looks_is_gone_on_with() -> None:
    saved = Monitor(monitor_rules()).to_dict()
    del saved["look"], saved["memory"]["fallen"], saved["memory"]["failed"]

    assert Monitor.from_dict(monitor_rules(), saved).outcome_ends("c" * 64, LOOKED.rules) == ()


def test_what_is_held_back_is_looked_at_again_though_no_outcome_has_come() -> None:
    monitor = Monitor(monitor_rules())
    monitor._memory = PolicyState(in_flight="drift-1")
    [held] = monitor.add_performance(LOOKED, NOW).performances
    monitor.add_result(a_result("drift-1", RetrainStatus.PROMOTED))

    assert held.withheld == "in_flight"
    assert monitor.outcome_ends(LOOKED.champion_digest, LOOKED.rules) == ()
    assert monitor.add_performance(LOOKED, NOW).commands


def test_where_loans_mature_each_check_may_find_more_without_an_outcome_more() -> None:
    maturing = replace(LOOKED, rules=replace(LOOKED.rules, mature_ms=1))
    monitor = Monitor(monitor_rules())
    monitor.add_performance(maturing, NOW)

    assert monitor.outcome_ends(LOOKED.champion_digest, maturing.rules) == ()


def test_a_training_that_failed_is_asked_for_again_under_another_name() -> None:
    monitor = Monitor(monitor_rules())
    [first] = monitor.add_performance(LOOKED, NOW).commands
    monitor.add_result(a_result(first.command_id, RetrainStatus.FAILED))

    assert monitor.outcome_ends(LOOKED.champion_digest, LOOKED.rules) == ()
    [second] = monitor.add_performance(LOOKED, NOW).commands
    assert second.command_id != first.command_id
    assert monitor.memory.in_flight == second.command_id


def test_a_look_at_a_former_champion_is_told_and_commands_nothing() -> None:
    monitor = Monitor(monitor_rules())
    monitor._champion = ("4", "e" * 64, "ref")
    former = a_look(FALLEN)

    found = monitor.add_performance(former, datetime(2026, 3, 1, tzinfo=UTC))

    assert (found.performances, found.commands) == ((former,), ())
    assert monitor.look is None
    assert monitor.memory == PolicyState()


def test_a_floor_of_training_moves_with_the_loans_and_the_commands_id_does_not() -> None:
    relative = replace(RULES, least_auc=0.0, auc_offset=0.2)
    few, more = report_of(*some(200), rules=relative), report_of(*some(230), rules=relative)

    expected = few.performance.expected
    assert expected is not None
    assert expected.auc is not None
    assert few.auc_floor == expected.auc.value + 0.2
    assert few.auc_floor != more.auc_floor
    assert few.fallen
    assert more.fallen
    assert performance_floor.finding_id(few) == performance_floor.finding_id(more)
    assert f"surely under {few.auc_floor:.3g}" in performance_floor.command_of(few, NOW).why


@pytest.mark.parametrize(("setting", "floor", "offset"), [(None, 0.0, -0.1), (0.7, 0.7, None), (0.0, 0.0, None)])
def test_an_operators_floor_goes_before_the_one_of_training(
    setting: float | None, floor: float, offset: float | None
) -> None:
    rules = DriftSettings(min_auc=setting).performance_rules(auc_offset=-0.1)

    assert (rules.least_auc, rules.auc_offset) == (floor, offset)
    assert (report_of(*some(200), rules=replace(RULES, least_auc=floor, auc_offset=offset)).auc_floor > 0.0) == (
        setting is None
    )
