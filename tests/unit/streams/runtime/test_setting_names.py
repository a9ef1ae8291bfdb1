"""A misspelt setting is refused: its default would be taken in silence."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from drift.settings import DriftSettings
from loanctl.commands.cluster.settings import PLACES
from streams.runtime.setting_names import FORMER, NAMES, misspelt
from streams.runtime.settings import Connection, SettingsError
from streams.worker.settings import ScoringSettings

NOT_OF_A_CLASS = {"STATE_DIR", "TEST_BROKER", "TEST_PATIENCE"}


def classes() -> list[type[Connection]]:
    return [getattr(import_module(place.partition(":")[0]), place.partition(":")[2]) for _, place in PLACES]


def fields() -> set[str]:
    return {name.upper() for each in classes() for name in each.model_fields}


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


@pytest.mark.parametrize(("old", "new"), sorted(FORMER.items()))
def test_a_name_of_before_is_heeded_and_its_new_one_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, old: str, new: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"LOAN_{old}=1\n")
    (settings,) = [each for each in classes() if new.lower() in each.model_fields]

    with capture_logs() as logs:
        read = settings.read()

    assert getattr(read, new.lower()) == 1 != settings.model_fields[new.lower()].default
    assert [(line["event"], line["why"]) for line in logs] == [
        ("setting.outdated", f"LOAN_{old} is called LOAN_{new} now")
    ]


def test_a_setting_that_sets_nothing_any_more_is_said_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_RETRY_S", "5")

    with capture_logs() as logs:
        Connection.read()

    assert [line["why"] for line in logs] == ["LOAN_RETRY_S sets nothing any more: remove it"]


def test_the_new_name_goes_before_the_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_LEAST_AUC", "0.5")
    monkeypatch.setenv("LOAN_MIN_AUC", "0.7")

    assert DriftSettings.read().min_auc == 0.7


def test_no_two_processes_have_one_port_so_that_one_env_file_holds_all() -> None:
    ports = [
        (name, field.default) for each in classes() for name, field in each.model_fields.items() if "_port" in name
    ]

    assert len(ports) >= 5
    assert len({name for name, _ in ports}) == len({port for _, port in ports}) == len(ports)


def test_the_port_of_whichever_process_it_is_gives_way_to_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_WEB_PORT", "9000")
    monkeypatch.setenv("LOAN_DRIFT_PORT", "9001")

    assert (DriftSettings.read().drift_port, ScoringSettings.read().scoring_port) == (9001, 9000)


def test_a_misspelt_line_of_the_env_file_is_refused_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OTHER=1\nLOAN_WINDOW_S=60\nLOAN_WINDOWS_S=60\n")

    with pytest.raises(SettingsError, match=r"^LOAN_WINDOWS_S: .*LOAN_WINDOW_S is meant\?$"):
        Connection.read()


def test_credentials_of_other_clients_come_from_the_env_file_and_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = {"MLFLOW_TRACKING_TOKEN": "t", "AWS_ACCESS_KEY_ID": "k", "AWS_ENDPOINT_URL": "s", "PATH": "/nowhere"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
    # By `setenv` first, so that what the file sets is taken back after the test.
    for name in lines:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("MLFLOW_TRACKING_TOKEN", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "the environment's")

    Connection.read()

    assert (os.environ["MLFLOW_TRACKING_TOKEN"], os.environ["AWS_ACCESS_KEY_ID"]) == ("t", "k")
    assert os.environ["AWS_ENDPOINT_URL"] == "the environment's"
    assert os.environ["PATH"] != "/nowhere"


def test_settings_of_another_process_are_no_fault() -> None:
    assert misspelt(["LOAN_WINDOW_S", "LOAN_TRIALS", "LOAN_STATE_DIR", "PATH", "LOANS"]) == []


def test_what_kubernetes_says_of_a_service_is_no_setting() -> None:
    told = ["LOAN_GATEWAY_SERVICE_HOST", "LOAN_GATEWAY_SERVICE_PORT_HTTP", "LOAN_GATEWAY_PORT_80_TCP_ADDR"]

    assert misspelt(told) == []
    assert misspelt(told[1:]) != []


@pytest.mark.slow
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
