"""The cache of artifacts, against a folder that plays Maven Central."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loanctl.stack import artifact_cache as caching
from loanctl.stack.artifact_cache import Cache, ChecksumError, FetchError, cache_dir
from loanctl.stack.artifacts import Artifact
from loanctl.stack.progress import SILENCE


def an_artifact(content: bytes, packaging: str = "jar", name: str = "thing") -> Artifact:
    return Artifact("g", name, "1", packaging, "", hashlib.sha256(content).hexdigest(), len(content))


def download_of(content: bytes) -> Callable[..., Path]:
    def download(artifact: Artifact, folder: Path, progress: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / artifact.filename
        path.write_bytes(content)
        with progress(artifact.filename, len(content)) as advance:
            advance(len(content))
        return path

    return download


def refuse_download(artifact: Artifact, folder: Path, progress: Any) -> Path:
    message = "not found in remote repositories"
    raise RuntimeError(message)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_what_was_fetched_once_is_not_fetched_again(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = an_artifact(b"content")
    monkeypatch.setattr(caching, "_download", download_of(b"content"))
    cache.fetch((artifact,), SILENCE)
    monkeypatch.setattr(caching, "_download", refuse_download)

    cache.fetch((artifact,), SILENCE)

    assert cache.path(artifact).read_bytes() == b"content"


def test_a_file_with_another_checksum_never_reaches_the_cache(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = an_artifact(b"content")
    monkeypatch.setattr(caching, "_download", download_of(b"something else"))

    with pytest.raises(ChecksumError, match=r"thing-1\.jar"):
        cache.fetch((artifact,), SILENCE)

    assert cache.missing_artifacts((artifact,)) == (artifact,)
    assert not list(cache.folder.rglob("*.jar"))


def test_a_repository_that_does_not_answer_is_asked_again_and_then_named(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Artifact] = []

    def download(artifact: Artifact, folder: Path, progress: Any) -> Path:
        asked.append(artifact)
        return refuse_download(artifact, folder, progress)

    monkeypatch.setattr(caching, "_download", download)
    monkeypatch.setattr(caching, "PAUSE_S", 0.0)

    with pytest.raises(FetchError, match=r"thing-1\.jar could not be fetched from Maven Central"):
        cache.fetch((an_artifact(b"content"),), SILENCE)

    assert len(asked) == caching.ATTEMPTS


def test_an_archive_is_unpacked_and_not_kept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("lib/run.jar")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"java"))
    artifact = an_artifact(packed.getvalue(), "tar.gz")
    monkeypatch.setattr(caching, "_download", download_of(packed.getvalue()))

    cache.fetch((artifact,), SILENCE)

    assert (cache.unpack(artifact) / "lib" / "run.jar").read_bytes() == b"java"
    assert not list(cache.folder.rglob("*.tar.gz"))


def test_the_cache_is_where_settings_say_else_in_the_users_own_folder() -> None:
    assert cache_dir({"LOAN_CACHE_DIR": "/a"}) == Path("/a")
    assert cache_dir({"XDG_CACHE_HOME": "/b"}) == Path("/b/loan-decisions")
    assert cache_dir({}).is_relative_to(Path.home())
