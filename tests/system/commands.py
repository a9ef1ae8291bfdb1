"""Commands of `loanctl` in this process, which has imported already what takes each new one seconds."""

import io
import os
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import structlog

from loanctl import cli
from tests.log_settings import own_log_settings


@dataclass(frozen=True)
class CompletedCommand:
    status: int
    out: str
    err: str


def run_command(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> CompletedCommand:
    """Run it under these variables and no others, in that folder, with the logs of a new process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        own_log_settings(),
        chdir(folder),
        patch.dict(os.environ, environment, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        structlog.reset_defaults()
        try:
            cli.main(arguments)
            status: object = 0
        except SystemExit as end:
            status = end.code
    return CompletedCommand(int(str(status or 0)), out.getvalue(), err.getvalue())


def variables_of(settings: Mapping[str, object]) -> dict[str, str]:
    """`LOAN_...` variables of settings by their lower-case names."""
    return {f"LOAN_{name.upper()}": str(value) for name, value in settings.items()}
