"""The clients that the documentation shows, as they stand in `docs/clients`, all on one broker, gateway and ledger."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.sql.database import Database
from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock
from loanctl.stack.services.stack_service import java
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.gateways import start_gateway
from tests.system.ledger_stage import start_ledger
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import start_worker

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "docs" / "clients"
QUIX = ROOT / "build" / "quix" / "bin" / "python"
"""Its own environment, which the Makefile makes: Quix Streams wants an older Kafka client than ours."""
SENDERS = ("apply_with_confluent_kafka.py", "predict_with_curl.sh", "predict_with_loan_client.py")
READERS = (
    "read_with_confluent_kafka.py",
    "read_with_faststream.py",
    "read_with_quix_streams.py",
    "read_with_java.sh",
    "read_with_kcat.sh",
)
APPLIED = {"from-confluent-kafka", "from-curl", "from-loan-client"}
MISSING: dict[str, tuple[Callable[[], bool], str]] = {
    "read_with_quix_streams.py": (QUIX.exists, "needs Quix Streams: run `make system`"),
    "read_with_kcat.sh": (lambda: shutil.which("kcat") is not None, "needs kcat: run `make programs` as root"),
    "predict_with_curl.sh": (lambda: shutil.which("curl") is not None, "needs curl, which this machine has not"),
}
"""By client: whether what it needs is here, and what to do otherwise."""


@dataclass
class Clients:
    """Runs the files, with the addresses of this test in the place of those of `make up`."""

    processes: Processes
    folder: Path
    addresses: dict[str, str]

    def text(self, name: str) -> str:
        text = (CLIENTS / name).read_text(encoding="utf-8")
        for shown, here in self.addresses.items():
            text = text.replace(shown, here)
        return text

    def command(self, name: str) -> list[str]:
        path = self.folder / name
        path.write_text(self.text(name), encoding="utf-8")
        if name.endswith(".sh"):
            return ["sh", str(path)]
        return [str(QUIX if "quix" in name else sys.executable), str(path)]

    def run(self, name: str) -> str:
        """What a client prints that ends by itself."""
        ran = subprocess.run(
            self.command(name), cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self, name: str) -> Callable[[], str]:
        """Starts one that goes on until the test ends; what it has printed."""
        command = shlex.join(self.command(name))
        log = self.folder / f"{name}.out"
        shell = self.processes.start_program("sh", "-c", f"exec {command} >{shlex.quote(str(log))}", PATH=self._path)
        wait_for(log.exists, 10, name)

        def output() -> str:
            assert shell.alive(), f"{name} ended:\n{shell.tail()}"
            return log.read_text(encoding="utf-8")

        return output

    @property
    def _path(self) -> str:
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": self._path}


def kafkas_own_tool(folder: Path) -> None:
    """Puts `kafka-console-consumer.sh` into a folder, over the jars of the embedded broker."""
    cache = Cache(cache_dir(os.environ))
    classes = ":".join(str(cache.path(artifact)) for artifact in artifact_lock().kafka)
    program = shlex.join([*java(128, folder / "java.log"), "-cp", classes])
    script = folder / "kafka-console-consumer.sh"
    script.write_text(f'#!/bin/sh\nexec {program} org.apache.kafka.tools.consumer.ConsoleConsumer "$@"\n')
    script.chmod(0o755)


def test_every_client_of_the_documentation_works(
    connection: Connection, processes: Processes, tmp_path: Path, subtests: pytest.Subtests, champion: RegisteredVersion
) -> None:
    ledger_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    worker, gateway = start_worker(processes, ready=False), start_gateway(processes, ready=False)
    start_ledger(processes, ledger_url, ready=False)
    kafkas_own_tool(tmp_path)
    prefix = connection.topics().applications.name.partition(".")[0]
    clients = Clients(
        processes,
        tmp_path,
        {
            "localhost:9092": connection.bootstrap_servers,
            "http://localhost:8081/apis/ccompat/v7": connection.registry_url,
            '"loan.': f'"{prefix}.',
            " loan.decisions": f" {prefix}.decisions",
        },
    )
    readers = {name: clients.start(name) for name in READERS if here(name)}
    wait_for(lambda: worker.is_ready() and gateway.is_ready(), 120, "worker and gateway")
    clients.addresses["http://127.0.0.1:8104"] = gateway.url
    sent = {name: clients.run(name) for name in SENDERS if here(name)}
    applied = APPLIED if "predict_with_curl.sh" in sent else APPLIED - {"from-curl"}

    for name in SENDERS:
        with subtests.test(name):
            require(name)
            assert sent[name].count("DECLINE") == (name == "predict_with_loan_client.py"), sent[name]
    for name in READERS:
        with subtests.test(name):
            require(name)
            wait_for(lambda: ids(readers[name]()) == applied, 60, name)  # noqa: B023 - waited for at once
    with subtests.test("decisions.sql"):
        wait_for(lambda: {row[0] for row in rows(ledger_url, clients)} == applied, 60, "the ledger's rows")
        outcomes = {row[0]: (row[1], bool(row[4])) for row in rows(ledger_url, clients)}
        assert outcomes["from-loan-client"] == ("DECLINE", True)


def here(name: str) -> bool:
    return name not in MISSING or MISSING[name][0]()


def require(name: str) -> None:
    if not here(name):
        pytest.skip(MISSING[name][1])


def ids(printed: str) -> set[str]:
    return set(re.findall(r"from-(?:confluent-kafka|curl|loan-client)", printed))


def rows(url: str, clients: Clients) -> list[tuple[object, ...]]:
    database = Database(url)
    try:
        with database.read_transaction() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(clients.text("decisions.sql"))]
    finally:
        database.close()


def test_every_file_of_the_folder_is_run_and_shown() -> None:
    files = {path.name for path in CLIENTS.iterdir() if path.is_file()}
    page = (CLIENTS.parent / "clients.md").read_text(encoding="utf-8")

    assert files == {*SENDERS, *READERS, "decisions.sql"}
    assert [name for name in sorted(files) if f'--8<-- "clients/{name}"' not in page] == []
    assert [name for name in sorted(files) if len((CLIENTS / name).read_text().splitlines()) > 30] == []
