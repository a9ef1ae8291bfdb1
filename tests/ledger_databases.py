"""Databases with the ledger's tables and nothing in them: migrated once in a process, and copied for each test."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.sql.database import Database
from ledger.sql.migrate import migrate


def sqlite_ledger(folder: Path) -> Database:
    """`ledger.db` of this folder."""
    path = folder / "ledger.db"
    path.write_bytes(_migrated_file())
    return Database(f"sqlite:///{path}")


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        database.close()
        return path.read_bytes()
