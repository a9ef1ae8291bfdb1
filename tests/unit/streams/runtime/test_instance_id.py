"""A name of one living worker only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.runtime.instance_id import NameTakenError, claim


def test_each_living_worker_of_a_machine_has_its_own_name(tmp_path: Path) -> None:
    first, second = claim(tmp_path, "g"), claim(tmp_path, "g")

    assert first.name.endswith("-0")
    assert second.name.endswith("-1")


def test_groups_do_not_share_names(tmp_path: Path) -> None:
    assert claim(tmp_path, "g").name == claim(tmp_path, "h").name


def test_a_given_name_that_a_living_worker_has_is_refused(tmp_path: Path) -> None:
    claim(tmp_path, "g", "mine")

    with pytest.raises(NameTakenError, match="mine"):
        claim(tmp_path, "g", "mine")


def test_a_killed_worker_leaves_its_name_to_its_successor(tmp_path: Path) -> None:
    claims = f"i.claim(pathlib.Path({str(tmp_path)!r}), 'g'); input('held')"
    code = f"import pathlib, streams.runtime.instance_id as i; {claims}"
    predecessor = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]
    )
    assert predecessor.stdout is not None
    assert predecessor.stdin is not None
    assert predecessor.stdout.read(4) == b"held"
    beside = claim(tmp_path, "g")
    predecessor.kill()
    predecessor.wait()
    predecessor.stdout.close()
    predecessor.stdin.close()

    successor = claim(tmp_path, "g")

    assert beside.name.endswith("-1")
    assert successor.name.endswith("-0")
    os.close(successor.lock)
