"""A command is trained for once, answered when it cannot be, and left alone when it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.events.retraining import RetrainCommand, RetrainStatus
from scorecard.registry.registered_version import RegisteredVersion
from tests.drift_events import COMMAND
from training.service.command_deduplication import (
    CommandAction,
    CommandOutcome,
    CommandPosition,
    TrainerState,
    disposition,
    result,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHAMPION = RegisteredVersion(name="m", version="4", digest="d4", family="xgboost", run_id="r")


def a_command(**given: Any) -> RetrainCommand:
    return replace(COMMAND, **{"champion_version": "4", "champion_digest": "d4", **given})


def trainer_state(**given: Any) -> TrainerState:
    usual: dict[str, Any] = {
        "product": "credit_risk",
        "answered": {},
        "champion": CHAMPION,
        "promoted_at": None,
        "too_soon": timedelta(0),
    }
    return TrainerState(**{**usual, **given})


def test_a_new_command_is_trained_for() -> None:
    assert disposition(a_command(), CommandPosition(0, 7), trainer_state()).step is CommandAction.TRAIN


def test_a_command_of_another_product_is_left_alone() -> None:
    assert (
        disposition(a_command(product="lending_club"), CommandPosition(0, 7), trainer_state()).step
        is CommandAction.LEAVE
    )


def test_a_record_that_was_answered_is_left_alone_when_it_is_delivered_again() -> None:
    answered = {"c-1": frozenset({"0:7"})}

    assert disposition(a_command(), CommandPosition(0, 7), trainer_state(answered=answered)).step is CommandAction.LEAVE


def test_a_command_sent_again_is_answered_as_a_duplicate() -> None:
    found = disposition(a_command(), CommandPosition(0, 8), trainer_state(answered={"c-1": frozenset({"0:7"})}))

    assert (found.step, found.status) == (CommandAction.ANSWER, RetrainStatus.DUPLICATE)


@pytest.mark.parametrize(
    ("champion", "told"),
    [
        (None, "version 4, and nobody decides now"),
        (RegisteredVersion("m", "5", "d5", "", ""), "and version 5 decides now"),
    ],
)
def test_a_command_about_another_champion_is_out_of_date(champion: RegisteredVersion | None, told: str) -> None:
    found = disposition(a_command(), CommandPosition(0, 7), trainer_state(champion=champion))

    assert (found.step, found.status) == (CommandAction.ANSWER, RetrainStatus.FAILED)
    assert told in found.why


def test_a_command_that_speaks_of_no_champion_is_never_out_of_date() -> None:
    assert (
        disposition(a_command(champion_digest=""), CommandPosition(0, 7), trainer_state(champion=None)).step
        is CommandAction.TRAIN
    )


@pytest.mark.parametrize(("after_s", "step"), [(59, CommandAction.ANSWER), (60, CommandAction.TRAIN)])
def test_a_command_within_the_cooldown_of_a_promotion_is_too_soon(after_s: int, step: CommandAction) -> None:
    at = trainer_state(promoted_at=NOW, too_soon=timedelta(seconds=60))

    assert disposition(a_command(issued_at=NOW + timedelta(seconds=after_s)), CommandPosition(0, 7), at).step is step


def test_a_result_tells_the_challenger_from_its_tags() -> None:
    tags = {"rows": "1200", "metric.auc": "0.81", "metric.f1": "0.6", "family": "catboost"}
    challenger = RegisteredVersion(name="m", version="5", digest="d5", family="catboost", run_id="r5", tags=tags)
    ending = CommandOutcome(status=RetrainStatus.PROMOTED, why="better", champion_version="4", challenger=challenger)

    found = result(a_command(), ending, NOW)

    assert (found.challenger_version, found.challenger_digest, found.run_id) == ("5", "d5", "r5")
    assert found.rows == 1_200
    assert found.metrics == {"auc": 0.81, "f1": 0.6}


def test_a_result_without_a_challenger_tells_none() -> None:
    found = result(a_command(), CommandOutcome(status=RetrainStatus.FAILED, why="too few"), NOW)

    assert (found.challenger_version, found.rows, found.metrics) == ("", 0, {})
