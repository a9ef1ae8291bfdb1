"""The whole fold: applicants onto partitions, counted, merged, judged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.binning.reference import Reference
from drift.monitor import Monitor
from drift.retraining.retrain_policy import PolicyState
from schemas.applications import Matrix
from schemas.events.drift import DriftReport, Verdict
from schemas.events.retraining import RetrainCommand
from tests.builders import CONTRACT, some_values
from tests.unit.drift.stream import (
    NOW,
    START,
    Applicant,
    Counter,
    a_reference,
    applicants,
    interleave,
    logs,
    monitor_rules,
    run_monitor,
    without_coordinates,
)

INCOME = CONTRACT.position["person_income"]
SPACING_MS = 10


def richer(values: Matrix, factor: float) -> Matrix:
    moved = values.copy()
    moved[:, INCOME] *= factor
    return moved


def run(
    stream: list[Applicant],
    reference: Reference,
    *,
    partitions: int = 3,
    seed: int = 1,
    crashes: bool = False,
    crash_every: int = 0,
    **rules: Any,
) -> tuple[list[DriftReport], list[RetrainCommand]]:
    cut = logs(stream, partitions, reference)
    counters = [Counter(place, log, partitions, reference) for place, log in enumerate(cut)]
    messages = interleave(counters, seed, crashes=crashes)
    return run_monitor(messages, monitor_rules(**rules), [reference], crash_every=crash_every)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return a_reference()


@pytest.fixture(scope="module")
def steady() -> list[Applicant]:
    return applicants(some_values(3_000, seed=2))


@pytest.fixture(scope="module")
def shifted_stream() -> list[Applicant]:
    values = some_values(4_200, seed=3)
    return applicants(np.concatenate([values[:1_200], richer(values[1_200:], 2.0)]))


def test_every_applicant_is_counted_once_in_some_window(reference, steady):
    reports, _ = run(steady, reference)

    assert sum(report.n for report in reports) == len(steady)
    assert [report.verdict for report in reports] == [Verdict.STEADY] * 5


@pytest.mark.parametrize("rules", [{"window_count": 600}, {"window_count": 0, "window_ms": 7_000}])
def test_the_partitioning_changes_no_report_but_for_its_coordinates(reference, shifted_stream, rules):
    alone, alone_commands = run(shifted_stream, reference, partitions=1, **rules)

    for partitions in (2, 3, 6):
        reports, commands = run(shifted_stream, reference, partitions=partitions, seed=partitions, **rules)
        assert list(map(without_coordinates, reports)) == list(map(without_coordinates, alone))
        assert commands == alone_commands


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), crash_every=st.integers(1, 7))
def test_crashes_and_interleavings_change_not_a_byte(seed, crash_every):
    reference, stream = a_reference(), applicants(some_values(2_000, seed=4))
    calm = run(stream, reference, seed=0)

    assert run(stream, reference, seed=seed, crashes=True, crash_every=crash_every) == calm


def test_disorder_within_the_lateness_changes_no_report(reference, steady):
    rng = np.random.default_rng(7)
    jitter = rng.integers(0, 1_900, len(steady))
    mixed = [steady[place] for place in np.argsort(np.array([a.time for a in steady]) + jitter, kind="stable")]

    reports, _ = run(mixed, reference)

    assert list(map(without_coordinates, reports)) == list(map(without_coordinates, run(steady, reference)[0]))


def test_a_redelivered_applicant_counts_once(reference, steady):
    doubled = [again for applicant in steady for again in (applicant, applicant)]

    reports, _ = run(doubled, reference)

    assert [report.n for report in reports] == [report.n for report in run(steady, reference)[0]]
    assert sum(report.duplicates for report in reports) == len(steady)


def test_one_id_in_two_partitions_counts_in_each_for_nobody_reads_both(reference, steady):
    whole = logs(steady, 1, reference)[0]
    counters = [Counter(place, whole, 2, reference) for place in range(2)]

    reports, _ = run_monitor(interleave(counters, 1), monitor_rules(), [reference])

    assert sum(report.n for report in reports) == 2 * len(steady)
    assert sum(report.duplicates for report in reports) == 0


def test_late_applicants_are_counted_and_slip_into_no_other_pane(reference, steady):
    late = [replace(applicant, name=f"late-{applicant.name}") for applicant in steady[:50]]
    reports, _ = run([*steady[:1_500], *late, *steady[1_500:]], reference)

    assert sum(report.late for report in reports) == 50
    assert sum(report.n for report in reports) == len(steady)


@pytest.mark.parametrize("years", [-1, 1])
def test_an_applicant_a_year_away_closes_no_window(reference, steady, years):
    away = replace(steady[1_000], name="away", time=START + years * 31_536_000_000)
    reports, _ = run([*steady[:1_000], away, *steady[1_000:]], reference)

    assert sum(report.n for report in reports) == len(steady)
    assert sum(report.ahead + report.late for report in reports) == 1
    assert len(reports) == 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_comes_before_the_first_plausible_time_is_told_in_the_first_pane_crashes_or_not(reference, steady, seed):
    ahead = [replace(steady[0], name=f"ahead-{nth}", time=START + 31_536_000_000) for nth in range(30)]
    rubbish = [replace(steady[0], name=f"rubbish-{nth}", readable=False) for nth in range(30)]

    reports, _ = run([*ahead, *rubbish, *steady], reference, seed=seed, crashes=True)

    assert (reports[0].ahead, reports[0].unreadable) == (30, 30)
    assert reports[0].offsets[0].first == 0
    assert sum(report.n for report in reports) == len(steady)


def test_a_stream_that_is_a_year_ahead_throughout_closes_no_window(reference):
    away = [replace(each, time=each.time + 31_536_000_000) for each in applicants(some_values(1_500, seed=2))]

    assert run(away, reference)[0] == []


def test_an_applicant_a_year_old_who_comes_first_is_a_window_of_one(reference, steady):
    old = replace(steady[0], name="old", time=START - 31_536_000_000)

    reports, commands = run([old, *steady], reference, window_count=0, window_ms=7_000)

    assert (reports[0].n, reports[0].verdict) == (1, Verdict.INSUFFICIENT)
    assert sum(report.n for report in reports) == len(steady) + 1
    assert commands == []


def test_a_constant_feature_that_begins_to_vary_has_drifted(reference):
    varied = some_values(1_800, seed=6)
    varied[::2, CONTRACT.position["person_age"]] = 31.0

    reports, _ = run(applicants(varied), reference)

    assert {report.verdict for report in reports} == {Verdict.DRIFTED}
    assert reports[0].largest_psi_feature == "person_age"


def test_a_clock_that_goes_back_makes_late_applicants_and_no_second_report(reference, steady):
    again = [replace(applicant, name=f"again-{applicant.name}") for applicant in steady[:500]]
    reports, _ = run([*steady, *again], reference)

    assert sum(report.late for report in reports) == 500
    assert len({report.window_start for report in reports}) == len(reports)


def test_records_that_are_no_applications_are_told(reference, steady):
    rubbish = [replace(steady[600], name=f"rubbish-{place}", readable=False) for place in range(20)]
    reports, _ = run([*steady[:600], *rubbish, *steady[600:]], reference)

    assert sum(report.unreadable for report in reports) == 20
    assert sum(report.n for report in reports) == len(steady)


def test_a_shift_commands_once_and_the_second_drifted_window_confirms_it(reference, shifted_stream):
    reports, commands = run(shifted_stream, reference)

    assert [report.verdict for report in reports] == [Verdict.STEADY] * 2 + [Verdict.DRIFTED] * 5
    assert [report.withheld for report in reports[2:]] == ["unconfirmed", "", "unconfirmed", "in_flight", "in_flight"]
    assert [command.command_id for command in commands] == [reports[3].command_id]
    assert reports[2].largest_psi_feature == "person_income"


def test_a_partition_that_never_speaks_is_not_waited_for_once_it_is_silent(reference, steady):
    cut = logs(steady, 1, reference)
    talking, mute = Counter(0, cut[0], 2, reference), Counter(1, logs([], 1, reference)[0], 2, reference)

    def messages():
        while not talking.done:
            talking.read(500)
            yield talking.tell()
        yield mute.tell(idle=True)
        talking.read(1)
        yield talking.tell()

    monitor_reports, _ = run_monitor(messages(), monitor_rules(), [reference])

    assert sum(report.n for report in monitor_reports) >= 2_400


def test_no_window_closes_before_every_partition_was_heard(reference, steady):
    cut = logs(steady, 2, reference)
    talking = Counter(0, cut[0], 2, reference)
    talking.read(10_000)

    rules = monitor_rules()
    found = Monitor(rules).add_counts(talking.tell(), reference, NOW)

    assert found.reports == ()


def test_what_a_silent_partition_brings_after_its_window_closed_is_late(reference, steady):
    cut = logs(steady, 2, reference)
    prompt, slow = (Counter(place, log, 2, reference) for place, log in enumerate(cut))

    def messages():
        slow.read(100)
        yield slow.silent()
        prompt.read(10_000)
        yield prompt.tell()
        slow.read(10_000)
        yield slow.tell()
        yield slow.silent()
        yield prompt.silent()

    reports, _ = run_monitor(messages(), monitor_rules(window_count=0, window_ms=7_000), [reference])
    told = sum(report.n + report.late for report in reports)

    assert sum(report.late for report in reports) > 500
    assert told <= len(steady)


def test_another_champion_drops_the_open_window_and_begins_with_its_own_bins(reference, steady):
    successor = a_reference(generation=5, seed=9)
    before = logs(steady[:1_000], 1, reference)[0]
    after = logs(steady, 1, successor)[0]
    old, new = Counter(0, before, 1, reference), Counter(0, after, 1, successor)

    def messages():
        old.read(1_000)
        yield old.tell()
        new.committed = old.committed.for_successor()
        new.crash()
        new.read(10_000)
        yield new.tell()
        yield replace(old.told[0], horizon=0)

    reports, _ = run_monitor(messages(), monitor_rules(), [reference, successor])

    assert [report.champion_version for report in reports] == ["1", "6", "6", "6"]
    assert reports[0].n == 600
    assert sum(report.n for report in reports[1:]) == 1_800  # from the panes open at 7 s; the fourth window is not full


def test_a_promotion_ends_what_waits_for_the_former_champion_though_no_application_comes(reference, shifted_stream):
    successor = a_reference(generation=5, seed=9)
    monitor = Monitor(monitor_rules())
    counter = Counter(0, logs(shifted_stream, 1, reference)[0], 1, reference)
    assert not monitor.watch(reference)
    counter.read(10_000)
    monitor.add_counts(counter.tell(), reference, NOW)
    in_flight = monitor.memory.in_flight

    assert in_flight
    assert not monitor.watch(reference)
    assert monitor.watch(successor)
    assert monitor.memory == PolicyState(commanded_at=monitor.memory.commanded_at)
    assert monitor.memory.commanded_at is not None  # the cooldown goes on
    assert not monitor.watch(successor)


def test_a_champion_of_which_others_counted_a_successor_ends_nothing(reference, shifted_stream):
    """The announcements that an agent has read may be behind the counts of another one."""
    former, champion = reference, replace(a_reference(seed=9), generation=5)
    monitor = Monitor(monitor_rules())
    counter = Counter(0, logs(shifted_stream, 1, champion)[0], 1, champion)
    counter.read(10_000)
    monitor.add_counts(counter.tell(), champion, NOW)
    before = monitor.memory

    assert not monitor.watch(former)
    assert monitor.memory == before != PolicyState()


def test_a_constant_feature_and_one_that_is_missing_are_no_drift(reference, steady):
    blank = some_values(1_200, seed=6)
    blank[:, CONTRACT.position["person_emp_length"]] = np.nan
    reports, commands = run(applicants(blank), reference)

    assert commands == []
    assert all(report.verdict is Verdict.STEADY for report in reports)
    assert {(alarm.feature, alarm.kind.value) for alarm in reports[0].data_quality} == {
        ("person_emp_length", "MISSING")
    }


def test_a_generation_that_an_earlier_version_took_from_an_offset_succeeds_nobody(reference, steady):
    announced = replace(reference, generation=1_772_000_000_000)
    old, new = (Counter(0, logs(steady, 1, each)[0], 1, each) for each in (reference, announced))

    def messages():
        old.read(900)
        yield old.tell()
        new.committed = old.committed
        new.crash()
        new.read(10_000)
        yield new.tell()

    reports, _ = run_monitor(messages(), monitor_rules(), [reference])

    assert [report.n for report in reports] == [600] * 4


def test_the_champion_announced_last_is_heard_though_its_generation_is_lower(reference, steady):
    successor = a_reference(generation=5, seed=9)
    monitor = Monitor(monitor_rules())
    old, new = (Counter(0, logs(steady, 1, each)[0], 1, each) for each in (successor, reference))
    old.read(1_500)
    new.read(3_000)
    monitor.add_counts(old.tell(), successor, NOW)
    message = new.tell()

    assert monitor.is_former(message, successor.champion_digest)
    assert not monitor.is_former(message, reference.champion_digest)
    found = monitor.add_counts(message, reference, NOW)
    assert [(report.champion_version, report.n) for report in found.reports] == [("1", 600)] * 2
    assert monitor.is_former(replace(message, champion_digest=successor.champion_digest, generation=5))
