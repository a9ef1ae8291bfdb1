"""`loanctl retrain`: what a key names, and what is said where nobody answers."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from loanctl.commands.scorecards import retrain
from schemas.events.retraining import RetrainCommand, RetrainScope
from training.settings import TrainingSettings

KEY = ("--key", "run 2026-11-23")


class NoChampion:
    def champion(self) -> None:
        return None


@pytest.fixture
def retrain_commands(monkeypatch: pytest.MonkeyPatch) -> list[RetrainCommand]:
    """Commands on the topic; the trainer answers none."""
    commands: list[RetrainCommand] = []

    def was_asked(_settings: object, command: RetrainCommand) -> bool:
        return any(each.command_id == command.command_id for each in commands)

    def publish(_settings: object, command: RetrainCommand) -> None:
        commands.append(command)

    monkeypatch.setattr(TrainingSettings, "model_registry", lambda _: NoChampion())
    monkeypatch.setattr(retrain, "_asked_before", was_asked)
    monkeypatch.setattr(retrain, "_publish", publish)
    monkeypatch.setattr(retrain, "await_answer", lambda *_: None)
    return commands


def run(*options: str) -> Result:
    app: Any = typer.Typer()
    app.command()(retrain.retrain)
    return CliRunner().invoke(app, list(options))


def test_a_key_asks_once_for_each_scope(retrain_commands: list[RetrainCommand]) -> None:
    first, again = run(*KEY), run(*KEY)
    level, level_again = run(*KEY, "--recalibrate"), run(*KEY, "--recalibrate")

    assert [each.exit_code for each in (first, again, level, level_again)] == [0, 0, 0, 0]
    assert "was asked before" in again.output
    assert "was asked before" not in level.output
    assert "was asked before" in level_again.output
    assert [each.scope for each in retrain_commands] == [RetrainScope.FULL, RetrainScope.RECALIBRATION]


def test_the_id_of_a_usual_command_is_what_it_was(retrain_commands: list[RetrainCommand]) -> None:
    run(*KEY)

    assert retrain_commands[0].command_id == "person-bc5d9338-d1cd-5318-9991-52e98ac0966a"


def test_only_with_a_key_is_one_told_to_ask_again_with_it(retrain_commands: list[RetrainCommand]) -> None:
    named, unnamed = run(*KEY, "--wait", "1"), run("--wait", "1")

    assert (named.exit_code, unnamed.exit_code) == (1, 1)
    assert "ask again with the same --key" in named.output
    assert "the same --key" not in unnamed.output
    assert "to ask again is another command" in unnamed.output
    assert len(retrain_commands) == 2
