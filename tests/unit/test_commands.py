"""A command in the tests' process starts as one in its own does, and leaves nothing to the next."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog

from loanctl import cli
from streams.runtime import logs
from tests.system.commands import run_command


def test_a_command_that_hears_errors_alone_leaves_warnings_to_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def main(arguments: Sequence[str]) -> None:
        if arguments[0] == "quiet":
            logs.configure("error")
        structlog.get_logger().warning("told")

    monkeypatch.setattr(cli, "main", main)
    logs.configure("error")

    outputs = [run_command((name,), {}, tmp_path) for name in ("quiet", "plain")]

    assert ["told" in each.out + each.err for each in outputs] == [False, True]
