"""Rows to learn from: a table or labelled events, by the contract, as one matrix and its labels.

Pure: a table that somebody read comes in, arrays go out; `training.rows.sources` reads. A row is kept by
the same rule as an application is scored (`schemas.applications.faults`), so that a scorecard is
never judged on rows that it would not be asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.applications import Fault, Matrix, faults
from schemas.contract import Contract
from schemas.tables import columns
from schemas.tables.dialect import SNIFFED, Dialect
from schemas.tables.errors import TableError


class RowsError(TableError):
    """The rows cannot be learned from; says what they lack."""


LEAST_ROWS: Final = 500
"""Fewer cannot be split five ways and still say anything: 40 rows would judge."""

LEAST_OF_A_CLASS: Final = 50
"""Below it the interval of an AUC is wider than the gap between a good scorecard and none."""


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Labelled applications.

    `values` has shape (n, len(contract.observed)), as in `schemas.applications`; `defaulted` shape
    (n,); `applied_at` milliseconds since 1970, UTC, or `NO_TIME`; `recent` marks rows that came
    from the topics.
    """

    values: Matrix
    defaulted: npt.NDArray[np.bool_]
    applied_at: npt.NDArray[np.int64]
    recent: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.defaulted)

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Self:
        """The rows at these places, or where the mask holds."""
        return type(self)(self.values[places], self.defaulted[places], self.applied_at[places], self.recent[places])

    def then(self, other: Self) -> Self:
        """These rows and, after them, the others."""
        return type(self)(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.defaulted, other.defaulted]),
            np.concatenate([self.applied_at, other.applied_at]),
            np.concatenate([self.recent, other.recent]),
        )


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows, and what was left out of them and why."""

    rows: LabelledRows
    source: str
    read: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Counts by word: `unlabelled`, `duplicate`, or the fault as published on the dead-letter topic."""
    ignored_columns: Sequence[str] = ()
    """Columns that the contract does not know."""
    unknown_levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Levels that the contract does not declare, some of them, by column."""


def from_table(
    contract: Contract, table: pd.DataFrame, source: str, *, with_pricing: bool = False, dialect: Dialect = SNIFFED
) -> Cleaned:
    """The usable rows of a table, its columns found by the contract's mapping.

    Args:
        table: one row per loan; watched columns and prices that are not asked for may be absent.
        source: what errors call the table.
        with_pricing: prices are to be scored.
        dialect: how its numbers are written.

    Raises:
        TableError: a column is missing or of the wrong type, or a label is neither of the contract's words.
    """
    needed = [field.column for field in contract.scored(with_pricing=with_pricing) if field.ratio_of is None]
    columns.refuse_missing(contract, table, source, [*needed, contract.label.column])
    defaulted, labelled = columns.labels(contract, table, source)
    every = LabelledRows(
        values=columns.values(contract, table, source, dialect),
        defaulted=defaulted,
        applied_at=columns.times(contract, table, source),
        recent=np.zeros(len(table), dtype=np.bool_),
    )
    kept = every.take(labelled)
    cleaned = _cleaned(contract, kept, source, with_pricing=with_pricing)
    known = {known.column for known in contract.fields} | {contract.label.column}
    return Cleaned(
        rows=cleaned.rows,
        source=source,
        read=len(table),
        left_out=_counted({"unlabelled": len(table) - len(kept), **cleaned.left_out}),
        ignored_columns=tuple(str(column) for column in table.columns if column not in known),
        unknown_levels=columns.unknown_levels(contract, table),
    )


def from_events(contract: Contract, labelled: LabelledRows, *, with_pricing: bool = False) -> Cleaned:
    """The usable ones of applications whose outcome is known."""
    return _cleaned(contract, labelled, "the topics", with_pricing=with_pricing)


def together(base: Cleaned, events: Cleaned) -> Cleaned:
    """Both, appended; an event that repeats a row of the table to the last value is left out."""
    rows, duplicates = _without_duplicates(base.rows.then(events.rows))
    left_out = {word: base.left_out.get(word, 0) + events.left_out.get(word, 0) for word in _words(base, events)}
    left_out["duplicate"] = left_out.get("duplicate", 0) + duplicates
    return Cleaned(
        rows=rows,
        source=f"{base.source} and {events.source}",
        read=base.read + events.read,
        left_out=_counted(left_out),
        ignored_columns=base.ignored_columns,
        unknown_levels=base.unknown_levels,
    )


def refuse_too_few(cleaned: Cleaned) -> None:
    """Stop before any work where nothing can be learned.

    Raises:
        RowsError: no rows, labels of one class, too few rows or too few of one class; says how many are needed,
            and what was left out and why.
    """
    rows, source = cleaned.rows, cleaned.source
    defaults = int(rows.defaulted.sum())
    repaid = len(rows) - defaults
    problem = ""
    if len(rows) == 0:
        problem = f"{source} has no usable rows"
    elif min(defaults, repaid) == 0:
        problem = f"{source} has labels of one class only: {defaults} defaults, {repaid} repaid"
    elif len(rows) < LEAST_ROWS:
        problem = f"{source} has {len(rows)} usable rows, at least {LEAST_ROWS} are needed"
    elif min(defaults, repaid) < LEAST_OF_A_CLASS:
        problem = (
            f"{source} has {defaults} defaults and {repaid} repaid, at least {LEAST_OF_A_CLASS} of each are needed"
        )
    if problem:
        raise RowsError(problem + _why_not_more(cleaned))


def _why_not_more(cleaned: Cleaned) -> str:
    """What was left out of the rows read, in words; empty where nothing was."""
    if not cleaned.left_out:
        return ""
    counts = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in cleaned.left_out.items())
    levels = "".join(
        f"; column {column} has levels that the contract does not declare: {', '.join(map(repr, levels))}"
        for column, levels in cleaned.unknown_levels.items()
    )
    return f"; of {cleaned.read} read were left out: {counts}{levels}"


def _cleaned(contract: Contract, rows: LabelledRows, source: str, *, with_pricing: bool) -> Cleaned:
    codes = faults(contract, rows.values, with_pricing=with_pricing).codes
    left_out = {fault.reason: int((codes == fault).sum()) for fault in Fault if fault is not Fault.NONE}
    unique, left_out["duplicate"] = _without_duplicates(rows.take(codes == Fault.NONE))
    return Cleaned(rows=unique, source=source, read=len(rows), left_out=_counted(left_out))


def _without_duplicates(rows: LabelledRows) -> tuple[LabelledRows, int]:
    """The first of every set of rows that agree in all values and the label, in their order."""
    whole = np.column_stack([rows.values, rows.defaulted])
    repeated = pd.DataFrame(whole).duplicated().to_numpy()
    return rows.take(~repeated), int(repeated.sum())


def _words(*parts: Cleaned) -> Sequence[str]:
    return sorted({word for part in parts for word in part.left_out})


def _counted(left_out: Mapping[str, int]) -> Mapping[str, int]:
    return {word: count for word, count in left_out.items() if count}
