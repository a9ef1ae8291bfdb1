"""The folder that archive and anchors are written to: local, or under any URL of fsspec; its faults by who must act."""

import posixpath
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import fsspec

from schemas.errors import LoanError, OutageError, SetupError

PARTIAL: Final = ".partial"
"""Of a file until it is complete and moved to its name."""

ABANDONED_AFTER: Final = timedelta(days=1)
"""Nobody writes one file for so long."""

Answer = TypeVar("Answer")


class ArchiveAwayError(OutageError):
    """The archive cannot be read or written now."""

    dependency = "archive"


class ArchiveSetupError(SetupError):
    """The archive's URL needs a package that is not installed, or names nothing that can be written."""


def archive_folder(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path on it.

    Raises:
        ArchiveSetupError: the URL cannot be used.
    """
    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as cause:
        problem = f"the archive's URL cannot be used ({type(cause).__name__}): a folder, or s3://BUCKET/PATH with s3fs"
        raise ArchiveSetupError(problem) from cause
    return files, root


def attempt(act: Callable[[], Answer]) -> Answer:
    """What an act on the folder gives.

    Raises:
        ArchiveAwayError, ArchiveSetupError: instead of the file system's own errors.
    """
    try:
        return act()
    except LoanError:
        raise
    except PermissionError as cause:
        problem = "the archive is not ours to write"
        raise ArchiveSetupError(problem) from cause
    except Exception as cause:  # every file system of fsspec has errors of its own
        problem = f"the archive cannot be read or written: {type(cause).__name__}"
        raise ArchiveAwayError(problem) from cause


def write_whole(files: Any, path: str, write: Callable[[str], Answer]) -> Answer:
    """What `write` gives for a path beside the file's, which is moved to the file's own once it is whole.

    The path is of this call alone: of two runs at once each would write into what the other moves. What a killed run
    left beside the file is removed the day after.
    """
    folder, name = posixpath.split(path)
    files.makedirs(folder, exist_ok=True)
    beside = f"{path}.{uuid.uuid4().hex}{PARTIAL}"
    written = write(beside)
    files.mv(beside, path)
    left = [each for each in files.ls(folder, detail=False) if posixpath.basename(each).startswith(name)]
    for each in left:
        with suppress(FileNotFoundError):
            if each.endswith(PARTIAL) and datetime.now(UTC) - files.modified(each) > ABANDONED_AFTER:
                files.rm(each)
    return written
