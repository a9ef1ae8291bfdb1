"""The dialect of a text table: encoding, delimiter, decimal sign; configured, or detected from the file. Pure."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from typing import Final, TextIO

from schemas.tables.table_errors import TableError

DELIMITERS: Final = (",", ";", "\t", "|")
"""In the order of preference among those that give as many columns."""
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and their encodings."""
GUESSES: Final = ("utf-8", "cp1252", "latin-1")
"""Encodings tried without a mark: the last one reads any bytes."""
NAMED_BY_EXCEL: Final = re.compile(r'^"?sep=(?P<delimiter>.)"?$')
"""A first line that Excel writes and reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is written; empty for what the file shows."""

    delimiter: str = ""
    """One character."""
    encoding: str = ""
    """A codec of Python's."""
    decimal: str = ""
    """The decimal sign, `.` or `,`."""


SNIFFED: Final = Dialect()


def decode_text(content: bytes, name: str, dialect: Dialect) -> str:
    """The text of a file.

    Raises:
        TableError: it is no text, or not in the encoding named.
    """
    marked = next((encoding for mark, encoding in MARKS if content.startswith(mark)), "")
    for encoding in (dialect.encoding,) if dialect.encoding else (marked,) if marked else GUESSES:
        try:
            text = content.decode(encoding)
        except LookupError:
            problem = f"{name}: {encoding!r} is no encoding"
            raise TableError(problem) from None
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        break
    wanted = f" in {dialect.encoding}" if dialect.encoding else ""
    problem = f"{name}: is no CSV, Parquet or Excel table: no text{wanted}"
    raise TableError(problem)


def delimiter(text: str, name: str, dialect: Dialect) -> tuple[str, str]:
    """The delimiter, and the text below a line of Excel's that names it.

    The one named, else the one that gives most columns in the header.

    Raises:
        TableError: the text has no header.
    """
    first, _, rest = text.partition("\n")
    named = NAMED_BY_EXCEL.match(first.strip("\r"))
    if named:
        return dialect.delimiter or named["delimiter"], rest
    if dialect.delimiter:
        return dialect.delimiter, text
    return max(DELIMITERS, key=lambda one: len(header(io.StringIO(text), one, name)[0])), text


def header(stream: TextIO, sign: str, name: str) -> tuple[list[str], int]:
    """The names in the first line that is not blank, without blanks around them, and how many lines that took.

    The stream is left behind them.

    Raises:
        TableError: there is no such line.
    """
    lines = csv.reader(stream, delimiter=sign)
    try:
        names = next((names for names in lines if any(one.strip() for one in names)), None)
    except csv.Error:
        problem = f"{name}: is no CSV, Parquet or Excel table: no header"
        raise TableError(problem) from None
    if names is None:
        problem = f"{name}: the file is empty"
        raise TableError(problem)
    return [one.strip() for one in names], lines.line_num
