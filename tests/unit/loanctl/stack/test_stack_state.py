"""What a state folder remembers, and where commands find endpoints."""

import os
import subprocess
from pathlib import Path

import pytest

from loanctl import endpoints
from loanctl.commands.cluster.stack import exports
from loanctl.stack import stack_state
from loanctl.stack.processes import RunningProcess, birth
from loanctl.stack.services.kafka_broker import Kafka, properties
from loanctl.stack.stack_state import BusyError, Endpoints, State

HERE = Endpoints("127.0.0.1:1", "http://127.0.0.1:2", "sqlite:////tmp/m.db")


def a_state(born: str) -> State:
    return State(HERE, {"kafka": (1, 2)}, (RunningProcess("kafka", os.getpid(), born, "log"),))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LOAN_")]:
        monkeypatch.delenv(name)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = a_state("now")

    stack_state.write(tmp_path, written)

    assert stack_state.read(tmp_path) == written


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"endpoints": {}}'])
def test_a_damaged_state_is_no_state(tmp_path: Path, damaged: str) -> None:
    (tmp_path / stack_state.FILE).write_text(damaged)

    assert stack_state.read(tmp_path) is None


def test_two_commands_do_not_work_on_one_folder(tmp_path: Path) -> None:
    with stack_state.lock_state(tmp_path), pytest.raises(BusyError), stack_state.lock_state(tmp_path):
        pass


def test_commands_find_the_stack_that_runs() -> None:
    stack_state.write(stack_state.DEFAULT_STATE_DIR, a_state(birth(os.getpid())))
    environment: dict[str, str] = {}

    endpoints.adopt(environment)

    assert environment == endpoints.variables(HERE)


def test_what_settings_name_goes_before_the_stack_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    stack_state.write(stack_state.DEFAULT_STATE_DIR, a_state(birth(os.getpid())))
    Path(".env").write_text("LOAN_REGISTRY_URL=http://registry\n")
    monkeypatch.setenv("LOAN_BOOTSTRAP_SERVERS", "kafka:9092")
    environment: dict[str, str] = {}

    endpoints.adopt(environment)

    assert environment == {"LOAN_MLFLOW_URI": HERE.mlflow_uri}


def test_without_a_stack_mlflow_is_a_file_of_the_state_folder(tmp_path: Path) -> None:
    stack_state.write(stack_state.DEFAULT_STATE_DIR, a_state("long ago"))
    environment: dict[str, str] = {}

    endpoints.adopt(environment)

    assert environment == {"LOAN_MLFLOW_URI": f"sqlite:///{tmp_path}/.loan/mlflow.db"}


def test_a_broker_listens_on_loopback_only(tmp_path: Path) -> None:
    told = properties(Kafka(tmp_path, tmp_path, (9001, 9002), ()))

    assert "listeners=PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9002\n" in told
    assert "auto.create.topics.enable=false\n" in told


def test_what_a_shell_evaluates_sets_the_endpoints_and_runs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "$(touch gone) `touch gone`; touch gone & 'a' \"b\"\nc"
    found = Endpoints("h:1", "http://u:p$x@h", f"sqlite:///{folder}/mlflow.db")
    told = 'printf "%s|%s|%s" "$LOAN_BOOTSTRAP_SERVERS" "$LOAN_REGISTRY_URL" "$LOAN_MLFLOW_URI"'

    shell = subprocess.run(
        ["/bin/sh", "-c", f'eval "$1"; {told}', "sh", exports(found)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert shell.stdout == "|".join((found.bootstrap_servers, found.registry_url, found.mlflow_uri))
    assert not list(tmp_path.rglob("gone"))


def test_the_state_is_its_owners_to_read(tmp_path: Path) -> None:
    stack_state.write(tmp_path, a_state("now"))

    assert (tmp_path / stack_state.FILE).stat().st_mode & 0o077 == 0
