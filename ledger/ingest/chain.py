r"""Hash chain: each row of a partition is hashed together with the link of the row before it.

A row that is changed, deleted or inserted later changes every link after it; `loanctl ledger verify` recomputes
them. Pure. The hashed text is the row as PostgreSQL's COPY writes it (tab-separated, `\N` for null), which is
also what is sent to PostgreSQL, so anybody can compute a link from an export:

    link = SHA-256(link of the row before, "\n", the row's text without its link), hexadecimal
"""

import hashlib
from collections.abc import Sequence
from typing import Final

GENESIS: Final = "0" * 64
"""Stands before the first row of a partition."""

Cell = str | int | float | bool | None


def row_text(cells: Sequence[Cell]) -> str:
    """The row in the text format of COPY; equal rows of either database give equal text."""
    text = "\t".join([cell if type(cell) is str else _plain(cell) for cell in cells])
    odd = text.count("\\") != list(cells).count(None)  # each null is one backslash
    if odd or "\n" in text or "\r" in text or text.count("\t") != len(cells) - 1:
        return "\t".join([_escape(cell) if type(cell) is str else _plain(cell) for cell in cells])
    return text


def next_link(link: str, text: str) -> str:
    return hashlib.sha256(f"{link}\n{text}".encode()).hexdigest()


def _plain(cell: Cell) -> str:
    if cell is None:
        return "\\N"
    if cell is True:
        return "true"
    return "false" if cell is False else repr(cell)


def _escape(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
