"""An upgrade as `docs/upgrade.md` has it: this release reads what an earlier one has left on topics and in the ledger.

`make upgrade` puts the earlier release, a commit of this repository, into `build/before`.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loanctl.console import FINDING
from loanctl.stack.ports import free_ports
from loanctl.stack.process_guard import ProcessGuard
from tests.system.processes import Processes
from tests.system.wait import wait_for

pytestmark = [pytest.mark.system, pytest.mark.chaos, pytest.mark.timeout(600)]
NOW = Path(sys.executable).parent
BEFORE = Path(__file__).parents[2] / "build" / "before" / ".venv" / "bin"
MODULES = {"scoring": "streams", "drift": "drift", "ledger": "ledger"}
"""Processes by the names of their ports."""
WINDOW_S = 300
APPLICATIONS, MORE = 2_000, 500
SPACING_MS = 500
MAY_DIFFER = {"reasons"}
"""Their words and rules are the release's."""
READY_S, CAUGHT_UP_S = 120.0, 120.0


class Installation:
    """One system in one folder, run by one release after another."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.database = processes.folder / "ledger.db"

    def loanctl(self, release: Path, *arguments: str, statuses: Collection[int] = (0,)) -> str:
        ran = subprocess.run(
            [release / "loanctl", *arguments],
            cwd=self.processes.folder,
            env=self.processes.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert ran.returncode in statuses, (arguments, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def up(self, release: Path, *options: str) -> None:
        """Kafka, the registry and MLflow, whose addresses are settings from now on."""
        self.loanctl(release, "up", *options)
        lines = re.findall(r"^export (\w+)=(\S+)$", self.loanctl(release, "status", "--env"), re.MULTILINE)
        self.processes.environment = {**self.processes.environment, **dict(lines)}

    def start(self, release: Path) -> None:
        """Ledger, drift agent and worker, until each is ready."""
        ports = dict(zip(MODULES, free_ports(len(MODULES)), strict=True))
        variables = {f"LOAN_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        for name, module in MODULES.items():
            self.processes.start_program(str(release / "python"), "-m", module, name=name, **variables)
        for name, port in ports.items():
            wait_for(lambda port=port: ready(port), READY_S, f"{release}: {name}")  # type: ignore[misc]

    def stop(self) -> None:
        for each in self.processes.started:
            assert each.stop() == 0
        self.processes.started.clear()

    def play(self, release: Path) -> None:
        """Applications and their outcomes; the last of them in the middle of the window before that of now."""
        last = datetime.fromtimestamp(time.time() // WINDOW_S * WINDOW_S - WINDOW_S / 2, UTC)
        start = f"{last - timedelta(milliseconds=APPLICATIONS * SPACING_MS):%Y-%m-%dT%H:%M:%S}"
        self.loanctl(
            release, "play", f"--rows={APPLICATIONS}", f"--spacing-ms={SPACING_MS}", "--start", start, "--outcomes"
        )

    def counts(self) -> Mapping[str, int]:
        with closing(sqlite3.connect(self.database)) as connection:
            names = ("decisions", "outcomes", "drift_reports", "champions")
            return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608

    def windows(self) -> list[tuple[str, int]]:
        """Id and size of each, in order."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT window_id, n FROM drift_reports ORDER BY window_start").fetchall()


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    if not BEFORE.exists():
        pytest.skip("needs an earlier release: `make upgrade`")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LOAN_")}
    settings = {
        "LOAN_CACHE_DIR": str(tmp_path / "cache"),
        "LOAN_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "LOAN_WINDOW_S": str(WINDOW_S),
        "LOAN_PANE_S": "60",
        "LOAN_LATENESS_S": "30",
        "OMP_NUM_THREADS": "1",
    }
    with ProcessGuard() as guard:
        found = Installation(Processes(tmp_path, {**plain, **settings}, guard))
        try:
            yield found
        finally:
            found.processes.end()
            found.loanctl(NOW, "down")


def test_a_release_goes_on_where_an_earlier_one_stopped(installation: Installation) -> None:
    installation.up(BEFORE)
    for command in (("topics", "apply"), ("schemas", "register")):
        installation.loanctl(BEFORE, *command)
    installation.loanctl(BEFORE, "population", "--rows=3000", "--out=rows.csv")
    installation.loanctl(BEFORE, "train", "--data=rows.csv", "--trials=1", "--folds=2")
    installation.start(BEFORE)
    installation.play(BEFORE)
    wait_for(
        lambda: (
            min(installation.counts()[name] for name in ("decisions", "outcomes")) == APPLICATIONS
            and len(installation.windows()) > 1
        ),
        CAUGHT_UP_S,
        "the earlier release's decisions, outcomes and windows",
    )
    installation.stop()
    closed = installation.windows()
    installation.loanctl(BEFORE, "down")

    installation.up(NOW, "--no-desk")
    for command in (("schemas", "check"), ("schemas", "register"), ("topics", "apply"), ("ledger", "migrate")):
        installation.loanctl(NOW, *command)
    installation.start(NOW)
    installation.loanctl(NOW, "verify", f"--rows={MORE}")

    again = json.loads(installation.loanctl(NOW, "decisions", "verify", "--json", statuses=(0, FINDING)))
    assert (again["decisions"], again["unreadable"], again["not_computable"]) == (APPLICATIONS + MORE, 0, 0)
    assert {change for change, count in again["changed"].items() if count} <= {"code"}
    assert {name for finding in again["findings"] for name in finding["fields"]} <= MAY_DIFFER
    wait_for(lambda: sum(n for _, n in installation.windows()) >= APPLICATIONS, CAUGHT_UP_S, "the open window")
    assert installation.windows()[: len(closed)] == closed
    for window, _ in installation.windows():
        installation.loanctl(NOW, "drift", "recompute", window)
    wait_for(lambda: installation.counts()["decisions"] == APPLICATIONS + MORE, CAUGHT_UP_S, "the ledger")
    assert installation.counts()["champions"] == 1
    installation.loanctl(NOW, "ledger", "verify")
    installation.stop()
