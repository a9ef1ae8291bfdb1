"""The chaos checker in short: one broker, three faults, both delivery modes; `make chaos` has all of them."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanctl.stack.process_guard import ProcessGuard
from tests.chaos.__main__ import SHORT
from tests.chaos.arena import MODES
from tests.system.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 840.0


@pytest.fixture
def checkers(tmp_path: Path) -> Iterator[Processes]:
    """Starts a checker, which ends with the test however that goes."""
    with ProcessGuard() as guard:
        group = Processes(tmp_path, {**os.environ, "PYTHONPATH": str(ROOT)}, guard)
        yield group
        group.end()


@pytest.mark.timeout(900)  # a broker, a registry and four workers start, on a machine that others may use too
def test_kills_a_freeze_and_a_cut_network_leave_the_invariant_whole(checkers: Processes, tmp_path: Path) -> None:
    out = tmp_path / "chaos.json"

    checker = checkers.start_program(sys.executable, "-m", "tests.chaos", "--short", "--seeds", "1", "--out", str(out))

    assert checker.wait(LONGEST_S) == 0, checker.output()
    outcomes = json.loads(out.read_text(encoding="utf-8"))["outcomes"]
    assert [(one["fault"], one["delivery"]) for one in outcomes] == [(f.name, mode) for f in SHORT for mode in MODES]
    assert [(one["violations"], one["error"]) for one in outcomes] == [({}, "")] * len(outcomes)
    assert min(one["applications"] for one in outcomes) > 50
    once = [one for one in outcomes if one["delivery"] == "exactly_once"]
    assert {one["repeated"] for one in once} == {0}
