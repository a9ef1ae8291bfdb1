"""A name of one living worker only."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.runtime.instance_id import LEGAL, NameTakenError, UnfitNameError, claim


def test_each_living_process_of_a_cache_has_its_own_name(tmp_path: Path) -> None:
    assert claim(tmp_path, "g").name != claim(tmp_path, "g").name


def test_two_caches_on_one_host_never_have_one_name(tmp_path: Path) -> None:
    assert claim(tmp_path / "a", "g").name != claim(tmp_path / "b", "g").name


def test_the_id_that_the_group_gave_is_kept_for_the_successor(tmp_path: Path) -> None:
    first = claim(tmp_path, "g")
    first.remember_member("a-long-member-id")
    first.remember_member("short")
    os.close(first.lock)

    successor, elsewhere = claim(tmp_path, "g"), claim(tmp_path / "b", "g", first.name)

    assert (successor.name, successor.last_member()) == (first.name, "short")
    assert (elsewhere.name, elsewhere.last_member()) == (first.name, "")


def test_a_name_without_its_text_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "instances" / "g"
    place.mkdir(parents=True)
    (place / "0.kept").write_bytes(b"\xff\x00")

    assert LEGAL.fullmatch(claim(tmp_path, "g").name)


@pytest.mark.parametrize("name", ["../../etc/x", "a b", "x" * 201, "\n"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnfitNameError, match="is no name"):
        claim(tmp_path, "g", name)


def test_a_cache_that_is_no_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "instances").write_text("")

    with pytest.raises(UnfitNameError, match=r"cannot be kept here \(.+\); set LOAN_CACHE_DIR$"):
        claim(tmp_path, "g")


def test_a_given_name_that_a_living_worker_has_is_refused(tmp_path: Path) -> None:
    claim(tmp_path, "g", "mine")

    with pytest.raises(NameTakenError, match="mine"):
        claim(tmp_path, "g", "mine")


@pytest.fixture
def name_holder(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds a name until it is killed."""
    claimed = f"i.claim(pathlib.Path({str(tmp_path)!r}), 'g')"
    code = f"import pathlib, streams.runtime.instance_id as i; print('held', {claimed}.name)"
    holder = subprocess.Popen(
        [sys.executable, "-uc", f"{code}; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    yield holder
    holder.kill()
    holder.communicate()


def test_a_killed_process_leaves_its_name_to_its_successor(
    tmp_path: Path, name_holder: "subprocess.Popen[bytes]"
) -> None:
    assert name_holder.stdout is not None
    lines = iter(name_holder.stdout.readline, b"")
    its = next(line for line in lines if line.startswith(b"held ")).decode().split()[1]
    beside = claim(tmp_path, "g")
    name_holder.kill()
    name_holder.wait()

    successor = claim(tmp_path, "g")

    assert beside.name != its
    assert successor.name == its


def test_a_standby_has_the_name_when_it_is_free(tmp_path: Path) -> None:
    first = claim(tmp_path, "g", "mine")
    threading.Timer(0.1, os.close, [first.lock]).start()

    assert claim(tmp_path, "g", "mine", standby=True).name == "mine"
