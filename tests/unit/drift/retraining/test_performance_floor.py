"""When what became of a champion's loans asks for a challenger."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drift.retraining.performance_floor import command_of, finding_id, is_below_floor, performance_command, reason
from schemas.events.performance import Figure, ObservedPerformance
from schemas.events.retraining import RetrainCause, RetrainCommand, RetrainScope
from tests.unit.drift.loans import a_look, some_performance

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FELL = replace(some_performance(), auc=Figure(0.68, 0.65, 0.71))


def test_a_champion_has_fallen_where_its_whole_interval_lies_under_the_floor() -> None:
    few, many = (replace(some_performance(), auc=Figure(0.70, 0.70 - half, 0.70 + half)) for half in (0.06, 0.02))

    assert not is_below_floor(few, 0.75)
    assert is_below_floor(many, 0.75)
    assert not is_below_floor(many, 0.72)


@pytest.mark.parametrize("unknown", [None, replace(some_performance(), auc=None, n=12)])
def test_where_nobody_can_say_nothing_is_asked_and_it_is_told(unknown: ObservedPerformance | None) -> None:
    assert not is_below_floor(unknown, 1.0)
    assert "AUC of version 3 cannot be observed" in reason(a_look(unknown))


def test_a_champion_that_ranks_as_well_as_it_must_asks_for_nothing() -> None:
    assert not is_below_floor(some_performance(skill=2.0), 0.8)
    assert is_below_floor(some_performance(skill=0.2), 0.8)


def test_the_same_finding_commands_once_and_again_with_many_more_ends() -> None:
    names = [finding_id(a_look(replace(FELL, n=n))) for n in (600, 1_000, 1_024, 2_000)]

    assert names[0] == names[1] != names[2] == names[3]
    assert finding_id(a_look(FELL, champion_digest="d" * 64)) != names[1]
    assert finding_id(a_look(FELL, least_auc=0.72)) != names[1]


def test_ends_go_on_doubling_where_memory_holds_a_sample_of_them() -> None:
    names = [finding_id(a_look(replace(FELL, n=40_000), kept=kept)) for kept in (1.0, 0.5, 0.25)]

    assert len(set(names)) == 3


def test_the_command_speaks_of_the_champion_and_says_why() -> None:
    asked = command_of(a_look(FELL), datetime(2026, 3, 1, tzinfo=UTC))

    assert asked.cause is RetrainCause.PERFORMANCE
    assert (asked.champion_version, asked.champion_digest) == ("3", "c" * 64)
    assert asked.why == "AUC of version 3 is 0.680 (0.650 to 0.710) on 1000 loans, surely under 0.75"


def test_a_level_that_is_surely_off_asks_for_a_recalibration() -> None:
    off = replace(some_performance(), intercept=Figure(0.5, 0.3, 0.7))

    asked = performance_command(a_look(off), None, 0.25, NOW)

    assert isinstance(asked, RetrainCommand)
    assert asked.scope is RetrainScope.RECALIBRATION
    assert asked.command_id.startswith("recalibration-")
    assert "its log-odds are off by +0.50 (+0.30 to +0.70), surely by more than 0.25" in asked.why


@pytest.mark.parametrize("off", [Figure(0.5, 0.2, 0.7), Figure(-0.5, -0.7, -0.2), None])
def test_a_level_that_may_be_right_asks_for_nothing(off: Figure | None) -> None:
    asked = performance_command(a_look(replace(some_performance(), intercept=off)), None, 0.25, NOW)

    assert isinstance(asked, str)
    assert "not surely off by 0.25" in asked


def test_a_ranking_that_has_fallen_asks_for_more_than_a_recalibration() -> None:
    both = replace(some_performance(), auc=Figure(0.68, 0.65, 0.71), intercept=Figure(-0.5, -0.7, -0.3))

    whole = performance_command(replace(a_look(both), fallen=True), 0.75, 0.25, NOW)
    level = performance_command(replace(a_look(both), fallen=False), 0.6, 0.25, NOW)

    assert isinstance(whole, RetrainCommand)
    assert whole.scope is RetrainScope.FULL
    assert isinstance(level, RetrainCommand)
    assert level.scope is RetrainScope.RECALIBRATION
