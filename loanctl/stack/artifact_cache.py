"""Where fetched artifacts lie, and how they come there: once, checked, and whole or not at all.

A file is named by its checksum and moved into place only after it was verified, so what is in the
cache is right, and a second start needs no network.
"""

import hashlib
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loanctl.stack.artifacts import Artifact
from loanctl.stack.progress import ProgressReporter
from schemas.errors import OutageError, SetupError

CACHE_DIR: Final = "LOAN_CACHE_DIR"
FETCHERS: Final = 8
ATTEMPTS: Final = 3
PAUSE_S: Final = 2.0
TIMEOUT_S: Final = 60
BLOCK_BYTES: Final = 1 << 20

UNPACKING: Final = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python before 3.11.4 knows no filter; what we unpack has our checksum."""

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


class FetchError(OutageError):
    """An artifact could not be fetched."""


class ChecksumError(SetupError):
    """What came is not what the lock file names."""


def cache_dir(environment: Mapping[str, str]) -> Path:
    """The folder of artifacts: `LOAN_CACHE_DIR`, else the user's cache folder."""
    if given := environment.get(CACHE_DIR):
        return Path(given)
    if xdg := environment.get("XDG_CACHE_HOME"):
        return Path(xdg) / "loan-decisions"
    home = Path.home()
    caches = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return caches / "loan-decisions"


@dataclass(frozen=True, slots=True)
class Cache:
    """Artifacts on disk; safe to be used by several processes at once."""

    folder: Path

    def path(self, artifact: Artifact) -> Path:
        return self.folder / artifact.folder / artifact.filename

    def unpack(self, archive: Artifact) -> Path:
        """Folder of an archive's content; the archive itself is not kept."""
        return self.folder / archive.folder / "content"

    def missing_artifacts(self, artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
        return tuple(artifact for artifact in artifacts if not self._here(artifact))

    def fetch(self, artifacts: tuple[Artifact, ...], telling: ProgressReporter) -> None:
        """Make all of them present; asks the network only for those that are not.

        Raises:
            FetchError: the repository does not answer, or has no such file.
            ChecksumError: it sent something else.
        """
        wanted = self.missing_artifacts(artifacts)
        if not wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".fetching-", dir=self.folder) as staging,
            telling.fetch_progress(len(wanted), sum(artifact.size for artifact in wanted)) as advance,
            ThreadPoolExecutor(FETCHERS) as pool,
        ):
            list(pool.map(lambda artifact: self._fetch_one(artifact, Path(staging), advance), wanted))

    def _here(self, artifact: Artifact) -> bool:
        archive = artifact.packaging == "tar.gz"
        return (self.unpack(artifact) if archive else self.path(artifact)).exists()

    def _fetch_one(self, artifact: Artifact, staging: Path, advance: Callable[[int], None]) -> None:
        fetched = _fetch(artifact, staging, _byte_progress(advance))
        found = _sha256(fetched)
        if found != artifact.sha256:
            problem = f"{artifact.filename} has checksum {found}, the lock file says {artifact.sha256}"
            raise ChecksumError(problem)
        self._keep(artifact, fetched)

    def _keep(self, artifact: Artifact, fetched: Path) -> None:
        (self.folder / artifact.folder).mkdir(exist_ok=True)
        if artifact.packaging != "tar.gz":
            fetched.replace(self.path(artifact))
            return
        content = fetched.with_name("content")
        with tarfile.open(fetched) as archive:
            archive.extractall(content, **UNPACKING)  # type: ignore[arg-type]  # noqa: S202 - its checksum is ours
        try:
            content.rename(self.unpack(artifact))
        except OSError:  # another process was first
            shutil.rmtree(content, ignore_errors=True)


def _fetch(artifact: Artifact, staging: Path, progress: Progress) -> Path:
    import requests

    for attempt in range(ATTEMPTS):
        try:
            return _download(artifact, staging / f"{attempt}", progress)
        except (requests.RequestException, RuntimeError, OSError) as cause:
            if attempt == ATTEMPTS - 1:
                problem = f"{artifact.filename} could not be fetched from Maven Central: {type(cause).__name__}"
                raise FetchError(problem) from cause
            time.sleep(PAUSE_S)
    raise AssertionError  # the last attempt returns or raises


def _download(artifact: Artifact, folder: Path, progress: Progress) -> Path:
    from jgo.maven import MavenContext, PythonResolver

    resolver = PythonResolver(progress_callback=progress)
    maven = MavenContext(resolver=resolver, repo_cache=folder, timeout=TIMEOUT_S)
    component = maven.project(artifact.group, artifact.name).at_version(artifact.version)
    path = resolver.download(component.artifact(artifact.classifier, artifact.packaging))
    assert path is not None  # noqa: S101 - for the type checker: this resolver returns or raises
    return path


def _byte_progress(advance: Callable[[int], None]) -> Progress:
    @contextmanager
    def progress(_filename: str, _total: int) -> Iterator[Callable[[int], None]]:
        yield advance

    return progress


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
