"""The command line."""

import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from loanctl import cli
from loanctl.cli import COMMANDS, FAULT, Line
from loanctl.simulation import loan_tables, synthetic_population
from loanctl.stack.ports import HOST
from schemas.errors import SetupError
from schemas.release import code_version
from streams.kafka.kafka_errors import BrokerAwayError
from streams.runtime.logs import client_logger


def fail() -> None:
    message = "the cellar is flooded"
    raise SetupError(message)


def test_help_names_every_command_and_loads_none_of_them(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom loanctl.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('loaded', [name for name in ('pandas', 'confluent_kafka', 'mlflow', 'numba') if name in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert all(line.name in told for line in COMMANDS)
    assert "loaded []" in told


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line.name)
def test_every_command_can_be_loaded_and_has_a_help(line: Line) -> None:
    assert line.load().help


def test_a_fault_is_one_line_and_exit_status_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", (Line("fail", f"{__name__}:fail", "Fail."),))
    monkeypatch.setattr(cli, "LIFECYCLE", {"fail"})

    with pytest.raises(SystemExit) as ended:
        cli.main(["fail"])

    assert ended.value.code == FAULT
    assert capsys.readouterr().err == "loanctl: the cellar is flooded\n"


HANDSHAKE_FAILURE = bytes.fromhex("15 0301 0002 0228")
"""TLS's alert, which a listener sends that shakes no hands with strangers."""


def lose_broker() -> None:
    raise BrokerAwayError("no Kafka broker answers")  # noqa: EM101 - as a command would


def refuse_each(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            link = server.accept()[0]
            with link:
                link.recv(1_000)
                link.sendall(HANDSHAKE_FAILURE)


def test_a_broker_that_speaks_another_protocol_is_said_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", (Line("ask", f"{__name__}:lose_broker", "Ask."),))
    monkeypatch.setattr(cli, "LIFECYCLE", {"ask"})

    with closing(socket.create_server((HOST, 0))) as server:
        threading.Thread(target=refuse_each, args=(server,), daemon=True).start()
        address = f"{HOST}:{server.getsockname()[1]}"
        monkeypatch.setenv("LOAN_BOOTSTRAP_SERVERS", address)
        with pytest.raises(SystemExit) as ended:
            cli.main(["ask"])

    assert ended.value.code == FAULT
    assert capsys.readouterr().err == (
        f"loanctl: no Kafka broker answers; {address} speaks TLS, and LOAN_KAFKA_SECURITY_PROTOCOL=PLAINTEXT does not\n"
    )


def log_and_fail() -> None:
    client = client_logger()
    client.error("Connect to ipv4#127.0.0.1:9 failed")
    client.critical("FATAL: not authorized")
    fail()


def test_a_fatal_error_of_a_kafka_client_is_left_to_the_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cli, "COMMANDS", (Line("fail", f"{__name__}:log_and_fail", "Fail."),))
    monkeypatch.setattr(cli, "LIFECYCLE", {"fail"})
    # The limit of lines is the process's: clients of the tests before have used it up.
    monkeypatch.setattr(client_logger(), "filters", [])

    with pytest.raises(SystemExit):
        cli.main(["fail"])
    client_logger().critical("heard again")

    assert capsys.readouterr().err == "loanctl: the cellar is flooded\n"
    assert caplog.messages == ["Connect to ipv4#127.0.0.1:9 failed", "heard again"]


def test_the_release_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{code_version()}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["drift", "check", "--against", "{file}", "--file", "{file}"], ["profile", "{file}"]]
)
def test_files_are_compared_without_what_takes_seconds_to_load(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "applicants.csv"
    loan_tables.write_table(synthetic_population.applicants(600, 1), file)
    arguments = [part.format(file=file) for part in command]
    code = (
        f"import sys\nfrom loanctl.cli import main\ntry:\n    main({arguments})\nexcept SystemExit as end:\n"
        "    print('ended', end.code)\n"
        "print('loaded', [name for name in ('scipy.stats', 'numba', 'mlflow') if name in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "ended 0" in told
    assert "loaded []" in told
