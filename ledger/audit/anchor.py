"""Anchors: the last links of the hash chains on a day, kept where those who may write to the database may not.

Who may write to the database can change a row and compute every later link anew. An anchor's links are not theirs to
change: `ledger.audit.chain_verification` compares the chain with them. One file for each day, `anchor-2026-03-01.json`;
the first of a day stays.
"""

import json
import posixpath
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from ledger.audit.archive_folder import archive_folder, attempt, write_whole
from ledger.sql.database import Database
from ledger.sql.ledger_tables import positions
from schemas.errors import SetupError

PREFIX: Final = "anchor-"
SUFFIX: Final = ".json"


class AnchorError(SetupError):
    """There is no anchor at a place, or what is there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorLink:
    """Where one partition's chain was on one day."""

    day: str
    """UTC, ISO 8601."""
    topic: str
    partition: int
    rows: int
    """Of the partition's table until then."""
    chain: str
    """Link of the last of them, hexadecimal."""


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """The anchor of a day, where it is kept."""

    path: str
    fresh: bool
    """False where the day had one already, which stays."""


def current_links(database: Database, day: date) -> list[AnchorLink]:
    """The last link of every partition of which something is recorded.

    Raises:
        DatabaseAwayError, DatabaseSetupError: of `ledger.sql.database`.
    """
    query = sa.select(positions).where(positions.c.records > 0).order_by(positions.c.topic, positions.c.partition)
    with database.read_transaction() as connection:
        rows = connection.execute(query).mappings().all()
    return [
        AnchorLink(
            day=day.isoformat(),
            topic=row["topic"],
            partition=row["partition"],
            rows=row["records"],
            chain=row["chain"],
        )
        for row in rows
    ]


def write_anchor(links: Sequence[AnchorLink], url: str, day: date) -> AnchorFile:
    """Keep the links as the anchor of a day, unless it has one.

    Raises:
        ArchiveAwayError, ArchiveSetupError: the folder's fault.
    """
    files, root = archive_folder(url)
    path = posixpath.join(root, f"{PREFIX}{day.isoformat()}{SUFFIX}")
    if attempt(partial(files.exists, path)):
        return AnchorFile(path, fresh=False)
    attempt(partial(_write_links, files, path, links))
    return AnchorFile(path, fresh=True)


def read_anchors(url: str) -> list[AnchorLink]:
    """The links of one anchor, or of all in a folder, the earliest first.

    Raises:
        AnchorError: there is none, or a file is no anchor.
        ArchiveAwayError, ArchiveSetupError: the folder's fault.
    """
    files, root = archive_folder(url)
    paths = [root] if root.endswith(SUFFIX) else sorted(attempt(partial(_paths, files, root)))
    if not paths or not attempt(partial(files.exists, paths[0])):
        problem = f"no anchor at {root}: `loanctl ledger anchor --to` writes one"
        raise AnchorError(problem)
    return [link for path in paths for link in _links_of(files, path)]


def _paths(files: Any, root: str) -> list[str]:
    return [str(path) for path in files.glob(posixpath.join(root, f"{PREFIX}*{SUFFIX}"))]


def _links_of(files: Any, path: str) -> list[AnchorLink]:
    content = attempt(partial(files.cat_file, path))
    try:
        return [AnchorLink(**each) for each in json.loads(content)]
    except (ValueError, TypeError) as cause:
        problem = f"{path} is no anchor ({type(cause).__name__})"
        raise AnchorError(problem) from cause


def _write_links(files: Any, path: str, links: Sequence[AnchorLink]) -> None:
    content = (json.dumps([asdict(each) for each in links], indent=1) + "\n").encode()
    write_whole(files, path, lambda beside: files.pipe_file(beside, content))
