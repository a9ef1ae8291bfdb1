"""Schedules: what is due, and what is asked for it."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.retraining import RetrainCause, RetrainCommand
from schemas.registry_client import EventSerde
from scorecard.registry.model_registry import ModelRegistry
from streams.runtime.process import MISCONFIGURED
from streams.runtime.settings import SettingsError
from training.schedule import MONDAYS_AT_TWO, Schedule, ScheduleError, command, due, last_request
from training.service import scheduler
from training.service.scheduler import Scheduler
from training.settings import TrainingSettings

MONDAYS = Schedule(MONDAYS_AT_TWO)
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
WEEK = timedelta(weeks=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis takes its bounds so


def a_command(
    at: datetime, cause: RetrainCause = RetrainCause.SCHEDULE, product: str = "credit_risk"
) -> RetrainCommand:
    return replace(command(MONDAYS, product, at, at), cause=cause)


def test_by_default_a_challenger_is_due_on_mondays_at_two() -> None:
    assert MONDAYS.next_after(MONDAY - timedelta(days=2)) == MONDAY
    assert MONDAYS.next_after(MONDAY) == MONDAY + WEEK
    assert TrainingSettings(_env_file=None).schedule() == MONDAYS


def test_a_due_time_is_due_from_its_very_moment_until_it_was_asked_for() -> None:
    second = timedelta(seconds=1)

    assert due(MONDAYS, MONDAY - WEEK, MONDAY - second) is None
    assert due(MONDAYS, MONDAY - WEEK, MONDAY) == MONDAY
    assert due(MONDAYS, MONDAY, MONDAY + second) is None


def test_of_several_missed_only_the_last_is_due() -> None:
    assert due(MONDAYS, MONDAY - 9 * WEEK, MONDAY + timedelta(days=3)) == MONDAY


@given(moments, st.sampled_from(["* * * * *", "*/7 3 * * *", "0 2 * * 1", "0 0 29 2 *", "30 4 1,15 * 5"]))
def test_no_due_time_lies_between_the_last_and_the_next(moment: datetime, expression: str) -> None:
    schedule = Schedule(expression)

    assert schedule.last_until(moment) <= moment < schedule.next_after(moment)
    assert schedule.next_after(schedule.last_until(moment)) == schedule.next_after(moment)


def test_what_counts_as_asked_is_the_schedules_own_word_for_this_product_or_a_newer_champion() -> None:
    others = [a_command(MONDAY, RetrainCause.DRIFT), a_command(MONDAY, product="lending_club")]

    assert last_request([], "credit_risk", None, MONDAY) is None
    assert last_request([*others, a_command(MONDAY - WEEK)], "credit_risk", None, MONDAY) == MONDAY - WEEK
    assert last_request([a_command(MONDAY - WEEK)], "credit_risk", MONDAY, MONDAY) == MONDAY


def test_two_trainers_give_one_due_time_one_command_id() -> None:
    one, other = (command(MONDAYS, "credit_risk", MONDAY, MONDAY + timedelta(seconds=wait)) for wait in (0, 40))

    assert one.command_id == other.command_id == "schedule-credit_risk-2026-11-23T02:00Z"
    assert command(MONDAYS, "lending_club", MONDAY, MONDAY).command_id != one.command_id
    assert one.cause is RetrainCause.SCHEDULE
    assert one.why == "due at 2026-11-23 02:00 UTC by the schedule 0 2 * * 1"


@pytest.mark.parametrize("nonsense", ["mondays", "61 * * * *", "0 2 * *", "0 2 * * 1 *", "@weekly", "0 0 31 2 *"])
def test_what_is_no_schedule_is_one_line_that_names_the_setting(nonsense: str) -> None:
    with pytest.raises(ScheduleError, match="a cron expression has five fields"):
        Schedule(nonsense)
    with pytest.raises(SettingsError, match=r"LOAN_RETRAIN_SCHEDULE: .* is no schedule") as fault:
        TrainingSettings.read(retrain_schedule=nonsense)
    assert "\n" not in str(fault.value)


@pytest.mark.slow
def test_the_trainer_ends_for_it_with_one_line_before_any_work() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "training"],
        env={**os.environ, "LOAN_RETRAIN_SCHEDULE": "mondays at two"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == MISCONFIGURED
    assert "'mondays at two' is no schedule (fields: 3)" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_an_empty_expression_is_never_due() -> None:
    assert TrainingSettings(_env_file=None, retrain_schedule="").schedule() is None
    assert TrainingSettings(_env_file=None, retrain_schedule=" ").schedule() is None


class Office:
    """A topic of commands, a champion and a clock, for schedulers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[RetrainCommand] = []
        self.read = 0
        self.now = MONDAY - timedelta(hours=1)
        monkeypatch.setattr(scheduler, "read_topic", self._whole)
        monkeypatch.setattr(EventSerde, "decode", lambda _self, value: value)
        monkeypatch.setattr(ModelRegistry, "champion", lambda _self: None)

    def publish(self, _topic: Any, key: str, command: RetrainCommand) -> None:
        assert key == command.command_id
        self.commands.append(command)

    def trainer(self, expression: str = MONDAYS_AT_TWO) -> Scheduler:
        return Scheduler(TrainingSettings(_env_file=None, retrain_schedule=expression), self, lambda: self.now)  # type: ignore[arg-type]

    def _whole(self, _settings: Any, _topic: str) -> Any:
        self.read += 1
        return SimpleNamespace(values=lambda: list(self.commands))


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


def test_a_trainer_asks_once_for_each_due_time_and_reads_the_topic_only_then(office: Office) -> None:
    trainer = office.trainer()
    for _ in range(4 * 24 * 15):
        trainer.ask()
        office.now += timedelta(minutes=15)

    assert [command.issued_at for command in office.commands] == [MONDAY, MONDAY + WEEK, MONDAY + 2 * WEEK]
    assert office.read == 4


def test_a_second_trainer_and_a_restart_make_no_second_command(office: Office) -> None:
    first, second = office.trainer(), office.trainer()
    office.now = MONDAY
    first.ask()
    second.ask()
    office.now += timedelta(hours=2)
    office.trainer().ask()

    assert len(office.commands) == 1


def test_what_was_missed_while_all_were_away_is_asked_for_once_and_at_once(office: Office) -> None:
    office.commands = [a_command(MONDAY)]
    office.now = MONDAY + 5 * WEEK + timedelta(days=1)
    office.trainer().ask()

    assert [command.command_id for command in office.commands[1:]] == ["schedule-credit_risk-2026-12-28T02:00Z"]


def test_a_first_trainer_of_all_waits_for_the_next_due_time(office: Office) -> None:
    office.now = MONDAY + timedelta(days=3)
    office.trainer().ask()

    assert office.commands == []


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_was_a_year_ahead_and_is_set_back_stops_no_schedule(office: Office, restarted: bool) -> None:
    right, office.now = office.now, MONDAY + 52 * WEEK
    trainer = office.trainer()
    trainer.ask()
    office.now += WEEK
    trainer.ask()
    ahead = len(office.commands)

    office.now = right
    trainer = office.trainer() if restarted else trainer
    trainer.ask()
    office.now = MONDAY
    trainer.ask()

    assert ahead == 1
    assert [command.issued_at for command in office.commands[ahead:]] == [MONDAY]


def test_no_schedule_asks_for_nothing_and_reads_nothing(office: Office) -> None:
    office.now = MONDAY + WEEK
    office.trainer("").ask()

    assert (office.commands, office.read) == ([], 0)
