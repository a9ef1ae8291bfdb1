"""Classes of a service's start come from an archive where there is one, and the service starts where it is no good."""

import subprocess
from pathlib import Path

import pytest

from loanctl.stack.services import stack_service
from loanctl.stack.services.stack_service import java


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kafka.jsa"
    monkeypatch.setattr(stack_service, "class_archive", lambda _: path)
    return path


def test_without_an_archive_java_is_told_of_none(archive: Path) -> None:
    assert not any("SharedArchiveFile" in flag for flag in java(64, archive.parent / "kafka.log"))


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"no archive", bytes(100_000)])
def test_a_damaged_archive_keeps_nothing_from_starting(archive: Path, content: bytes) -> None:
    archive.write_bytes(content)
    command = java(64, archive.parent / "kafka.log")

    ran = subprocess.run((*command, "-version"), capture_output=True, check=False)

    assert f"-XX:SharedArchiveFile={archive}" in command
    assert ran.returncode == 0, ran.stdout
