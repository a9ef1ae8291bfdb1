"""Commands of `loanctl` in this process, which has imported already what takes each new one seconds."""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from loanctl import cli


@dataclass(frozen=True)
class Finished:
    """A command that ran to its end."""

    status: int
    out: str
    err: str


def run_command(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> Finished:
    """Run it under these variables and no others, in that folder."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder), _variables(environment), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main(arguments)
            status: object = 0
        except SystemExit as end:
            status = end.code
    return Finished(int(str(status or 0)), out.getvalue(), err.getvalue())


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
