"""Processes known by id and birth."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import Command, DiedError, RunningProcess, birth, start
from loanctl.stack.services.stack_service import await_ready

SLEEPER = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def a_process(folder: Path, code: str = SLEEPER) -> RunningProcess:
    return start(Command("thing", (sys.executable, "-c", code), folder / "thing.log", dict(os.environ)))


def test_a_stopped_process_is_gone(tmp_path: Path) -> None:
    running = a_process(tmp_path)
    assert running.alive()

    running.stop()

    assert not running.alive()


def test_stopping_what_has_ended_does_nothing(tmp_path: Path) -> None:
    running = a_process(tmp_path, "pass")
    deadline = time.monotonic() + 10
    while running.alive() and time.monotonic() < deadline:
        time.sleep(0.05)

    running.stop()

    assert not running.alive()


def test_a_process_that_will_not_hear_is_ended_all_the_same(tmp_path: Path) -> None:
    running = a_process(tmp_path, DEAF)
    while "deaf" not in (tmp_path / "thing.log").read_text():
        time.sleep(0.05)

    running.stop(patience_s=0.2)

    assert not running.alive()


def test_the_id_of_another_process_is_not_taken_for_ours() -> None:
    ours = RunningProcess("thing", os.getpid(), "an earlier birth", "")

    ours.stop()

    assert not ours.alive()
    assert birth(os.getpid())


def test_a_process_that_ends_while_starting_is_told_with_its_last_words(tmp_path: Path) -> None:
    running = a_process(tmp_path, "print('no such port')")

    with pytest.raises(DiedError, match="no such port"):
        await_ready(NeverReady(), running)


def test_a_guarded_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import Command, start
sleeper = (sys.executable, "-c", {SLEEPER!r})
running = start(Command("thing", sleeper, Path({str(tmp_path)!r}) / "log", dict(os.environ)))
guard = ProcessGuard()
guard.watch(running)
print(running.pid, running.born, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, born = parent.stdout.readline().split()
        guarded = RunningProcess("thing", int(pid), born, "")
        assert guarded.alive()

        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while guarded.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not guarded.alive()


def test_a_closed_guard_has_ended_what_it_watched(tmp_path: Path) -> None:
    running = a_process(tmp_path)

    with ProcessGuard() as guard:
        guard.watch(running)

    assert not running.alive()


class NeverReady:
    name = "thing"
    title = "Thing 1"
    ports = (1,)
    patience_s = 10.0

    def prepare(self) -> None:
        """Nothing."""

    def command(self) -> Command:
        raise NotImplementedError

    def ready(self) -> bool:
        return False
