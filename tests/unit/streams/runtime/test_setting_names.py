"""A misspelt setting is refused: its default would be taken in silence."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from loanctl.commands.settings import PLACES
from streams.runtime.setting_names import NAMES, misspelt
from streams.runtime.settings import Connection, SettingsError

NOT_OF_A_CLASS = {"STATE_DIR", "TEST_BROKER", "TEST_PATIENCE"}


def fields() -> set[str]:
    classes = [getattr(import_module(place.partition(":")[0]), place.partition(":")[2]) for _, place in PLACES]
    return {name.upper() for each in classes for name in each.model_fields}


def test_the_list_holds_every_setting_of_every_process_and_no_other() -> None:
    assert fields() | NOT_OF_A_CLASS == NAMES


def test_a_misspelt_variable_is_refused_with_the_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_KAFKA_SECURITY_PROTCOL", "SASL_SSL")
    monkeypatch.setenv("loan_delivry", "at_least_once")

    with pytest.raises(SettingsError) as refusal:
        Connection.read()

    assert str(refusal.value) == (
        "LOAN_DELIVRY: there is no such setting; LOAN_DELIVERY is meant?; "
        "LOAN_KAFKA_SECURITY_PROTCOL: there is no such setting; LOAN_KAFKA_SECURITY_PROTOCOL is meant?"
    )


def test_a_misspelt_line_of_the_env_file_is_refused_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OTHER=1\nLOAN_WINDOW_S=60\nLOAN_WINDOWS_S=60\n")

    with pytest.raises(SettingsError, match=r"^LOAN_WINDOWS_S: .*LOAN_WINDOW_S is meant\?$"):
        Connection.read()


def test_settings_of_another_process_are_no_fault() -> None:
    assert misspelt(["LOAN_WINDOW_S", "LOAN_TRIALS", "LOAN_STATE_DIR", "PATH", "LOANS"]) == []


def test_what_kubernetes_says_of_a_service_is_no_setting() -> None:
    told = ["LOAN_GATEWAY_SERVICE_HOST", "LOAN_GATEWAY_SERVICE_PORT_HTTP", "LOAN_GATEWAY_PORT_80_TCP_ADDR"]

    assert misspelt(told) == []
    assert misspelt(told[1:]) != []


@pytest.mark.parametrize(
    "command",
    [["streams"], ["drift"], ["training"], ["loanctl", "status"], ["loanctl", "topics", "apply"]],
    ids=" ".join,
)
def test_every_process_and_command_ends_with_one_line(command: list[str], tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "LOAN_MLFLOW_URL": "http://me:hush@nowhere"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith(
        "LOAN_MLFLOW_URL: there is no such setting; LOAN_MLFLOW_URI is meant?"
    )
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr
