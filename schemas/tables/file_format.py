"""The bytes of a file as rows: CSV in common dialects, JSON lines, Parquet, Excel; each gzipped or not.

Pure except for `read`. The format is detected from the bytes and not from the file's name. Text stays
text, and no value counts as missing: `schemas.tables.columns` knows the contract.
"""

import codecs
import gzip
import hashlib
import io
import json
import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from schemas.tables.dialect import SNIFFED, Dialect, decode_text, delimiter, header
from schemas.tables.table_errors import TableError
from schemas.urls import mask_credentials

PARQUET: Final = b"PAR1"
GZIP: Final = b"\x1f\x8b"
JSON: Final = b"{"
"""JSON lines: an object a line."""
ZIP: Final = b"PK\x03\x04"
"""Excel's `.xlsx` is one."""
TOO_MANY: Final = re.compile(r"Expected \d+ fields in line (\d+), saw \d+")
BEYOND: Final = "beyond the header"
"""Our name for a column that rows have and the header has not: a comma at the end of each line."""


def read(path: Path, dialect: Dialect = SNIFFED) -> tuple[pd.DataFrame, str]:
    """The rows of a file, or of a folder of Parquet files, and the SHA-256 of their bytes, hexadecimal.

    Raises:
        TableError: it does not open, or is no table; names it.
    """
    name = mask_credentials(str(path))
    try:
        if path.is_dir():
            return _folder(path)
        content = path.read_bytes()
    except OSError as cause:
        problem = f"{name}: cannot be read ({cause.strerror})"
        raise TableError(problem) from None
    return parse_table(content, name, dialect), hashlib.sha256(content).hexdigest()


def parse_table(content: bytes, name: str, dialect: Dialect = SNIFFED) -> pd.DataFrame:
    """The rows that the bytes of a file hold.

    Args:
        name: what errors call it.
        dialect: how it is written, where it is text.

    Raises:
        TableError: it is no table; names it.
    """
    content = _decompress(content, name) if content.startswith(GZIP) else content
    if content.startswith(PARQUET):
        return _load_frame(lambda: pd.read_parquet(io.BytesIO(content)), name)
    if content.startswith(ZIP):
        return _load_frame(lambda: pd.read_excel(io.BytesIO(content), dtype=object, na_filter=False), name)
    if content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(JSON):
        return _json(content, name)
    sign, text = delimiter(decode_text(content, name, dialect), name, dialect)
    return _text(text, sign, name)


def _folder(path: Path) -> tuple[pd.DataFrame, str]:
    """Parquet files as Spark writes them, values of partitions among the columns."""
    files = sorted(file for file in path.rglob("*.parquet") if not file.name.startswith((".", "_")))
    if not files:
        problem = f"{path}: holds no Parquet files"
        raise TableError(problem)
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(path)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return _load_frame(lambda: pd.read_parquet(path), str(path)), digest.hexdigest()


def _decompress(content: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        problem = f"{name}: is damaged: its gzip cannot be unpacked"
        raise TableError(problem) from None


def _load_frame(load: Callable[[], pd.DataFrame], name: str) -> pd.DataFrame:
    try:
        rows = load()
    except Exception as cause:  # noqa: BLE001 - what the formats' libraries raise over damaged bytes is theirs
        problem = f"{name}: is no CSV, Parquet or Excel table ({type(cause).__name__})"
        raise TableError(problem) from None
    rows = rows.reset_index() if any(rows.index.names) else rows
    names = [str(column).strip() for column in rows.columns]
    _refuse_duplicates(names, name)
    return rows.set_axis(names, axis="columns")


def _json(content: bytes, name: str) -> pd.DataFrame:
    """Numbers stay the text that they are written as: a float would round a decimal."""
    found = []
    for place, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or any(isinstance(value, dict | list) for value in row.values()):
            problem = f"{name}: line {place} is no flat JSON object"
            raise TableError(problem)
        found.append(row)
    return _load_frame(lambda: pd.DataFrame(found, dtype=object), name)


def _text(text: str, sign: str, name: str) -> pd.DataFrame:
    stream = io.StringIO(text)
    names, above = header(stream, sign, name)
    _refuse_duplicates(names, name)
    named = [column or f"column {place}" for place, column in enumerate(names, 1)]
    try:
        with warnings.catch_warnings():
            # A first row that is too long is a warning of pandas', and loses values.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            rows = _rows(stream, [*named, BEYOND], sign)
    except (ValueError, OverflowError, pd.errors.ParserWarning) as cause:
        problem = f"{name}: {_line_at_fault(cause, above, len(names))}"
        raise TableError(problem) from None
    beyond = (rows.pop(BEYOND).str.strip() != "").to_numpy(dtype=bool)
    if beyond.any():
        problem = f"{name}: row {int(beyond.argmax()) + 1} has more values than the header has columns ({len(names)})"
        raise TableError(problem)
    return rows


def _rows(stream: io.StringIO, names: list[str], sign: str) -> pd.DataFrame:
    if not stream.read(1):
        return pd.DataFrame(columns=names, dtype=str)
    stream.seek(stream.tell() - 1)
    return pd.read_csv(
        stream,
        sep=sign,
        header=None,
        names=names,
        index_col=False,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
    )


def _line_at_fault(cause: Exception, above: int, columns: int) -> str:
    """The line that does not parse, by number; a parser's own message may hold what is in it."""
    if isinstance(cause, pd.errors.ParserWarning):
        return f"line {above + 1} has more values than the header has columns ({columns})"
    found = TOO_MANY.search(str(cause))
    if found is None:
        return f"is no CSV table ({type(cause).__name__})"
    return f"line {above + int(found[1])} has more values than the header has columns ({columns})"


def _refuse_duplicates(names: list[str], table: str) -> None:
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        problem = f"{table}: has column {', '.join(doubled)} more than once"
        raise TableError(problem)
