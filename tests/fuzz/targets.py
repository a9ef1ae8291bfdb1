"""What is fuzzed: each target takes any bytes, and only the errors that its callers know may come out of it."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from schemas.codec.application_decoder import ApplicationReader
from schemas.contract.contract import Contract, ContractError
from schemas.tables import columns, file_format
from schemas.tables.table_errors import TableError
from scorecard import array_archive, bundle
from scorecard.array_archive import ArchiveError
from scorecard.bundle import BundleError
from tests.builders import CONTRACT, WRITERS, a_batch, scorecard_parts, some_values

KEY: Final = bytes(32)
ARRAYS: Final = ("feature", "threshold", "values")


def codec(data: bytes) -> None:
    """An application's value, plain or sealed: read, or unreadable for a reason; never dropped."""
    found = _reader().read_batch(a_batch(data), WRITERS)
    assert len(found.places) + len(found.unreadable) == 1


def contract(data: bytes) -> None:
    """An application schema: a contract, or refused."""
    with suppress(UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        schema = json.loads(data)
        if isinstance(schema, dict):
            with suppress(ContractError):
                Contract.of(schema)


def archive(data: bytes) -> None:
    """The arrays of a bundle's file."""
    with suppress(ArchiveError, KeyError):
        array_archive.unpack(data, ARRAYS)


def bundle_file(data: bytes) -> None:
    """A bundle with one file of anybody's, under a manifest that vouches for it; the first byte says which."""
    if not data:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in _bundle().items():
            (folder / file).write_bytes(content)
        altered = sorted(_bundle())[data[0] % len(_bundle())]
        (folder / altered).write_bytes(data[1:])
        _vouch(folder)
        with suppress(BundleError):
            bundle.read(folder, CONTRACT)


def csv(data: bytes) -> None:
    """A table of loans in a text file, and its columns."""
    with suppress(TableError):
        table = file_format.parse_table(data, "loans.csv")
        columns.values(CONTRACT, table, "loans.csv")
        columns.labels(CONTRACT, table, "loans.csv")


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "codec": codec,
    "contract": contract,
    "archive": archive,
    "bundle": bundle_file,
    "csv": csv,
}


@lru_cache(maxsize=1)
def _reader() -> ApplicationReader:
    return ApplicationReader(CONTRACT, keys=lambda ids: dict.fromkeys(ids, KEY))


@lru_cache(maxsize=1)
def _bundle() -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "bundle"
        bundle.write(scorecard_parts(), CONTRACT, some_values(), folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _vouch(folder: Path) -> None:
    """Write the manifest's digests anew, unless it is the manifest that was altered."""
    path = folder / bundle.MANIFEST
    with suppress(ValueError, KeyError, AttributeError, TypeError, OSError):
        manifest = json.loads(path.read_bytes())
        for file in manifest["files"]:
            manifest["files"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        path.write_text(json.dumps(manifest), encoding="utf-8")
