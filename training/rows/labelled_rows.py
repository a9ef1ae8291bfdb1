"""Rows for training: a table or labelled events, read by the contract, as one matrix and its labels.

Pure: a table that was read elsewhere comes in, arrays go out; `training.rows.sources` reads. A row is kept by
the same rule by which an application is scored (`schemas.applications.faults`), so that a scorecard is
never judged on rows that it would not have to score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.applications import Fault, Matrix, faults
from schemas.contract.contract import Contract
from schemas.tables import columns
from schemas.tables.dialect import SNIFFED, Dialect
from schemas.tables.table_errors import TableError
from schemas.tables.times import NO_TIME
from training.rows import identity
from training.rows.admission import Admission, Admissions
from training.rows.contradictions import contradictions
from training.rows.identity import NO_ID, Identities


class RowsError(TableError):
    """The rows cannot be trained on; names what they lack."""


LEAST_ROWS: Final = 500
"""Fewer are not enough for five parts: 40 rows would judge."""

NOT_TOLD_APART: Final = (
    "{} rows of {} name no application: one that is also on the topics, with any other value, would count twice;"
    " give the table the contract's id column"
)

LEAST_OF_A_CLASS: Final = 50
"""Below it the interval of an AUC is wider than the gap between a good scorecard and none."""


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Labelled applications.

    `values` has shape (n, len(contract.observed)), as in `schemas.applications`; `defaulted` shape
    (n,); `applied_at` milliseconds since 1970, UTC, or `NO_TIME`; `recent` marks rows that came
    from the topics; `ids` distinguishes applications (`training.rows.identity`), `NO_ID` where the
    source does not name them; `admission` says which decision let them in (`training.rows.admission`), shape
    (n,), `UNKNOWN` where nothing is given.
    """

    values: Matrix
    defaulted: npt.NDArray[np.bool_]
    applied_at: npt.NDArray[np.int64]
    recent: npt.NDArray[np.bool_]
    ids: Identities
    admission: Admissions = field(default_factory=lambda: np.empty(0, dtype=np.int8))

    def __post_init__(self) -> None:
        """Fill in what was not given."""
        if not len(self.admission):
            object.__setattr__(self, "admission", np.full(len(self.defaulted), Admission.UNKNOWN, dtype=np.int8))

    def __len__(self) -> int:
        return len(self.defaulted)

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Self:
        """The rows at these places, or where the mask holds."""
        return type(self)(*(getattr(self, part.name)[places] for part in fields(self)))

    def then(self, other: Self) -> Self:
        """These rows and, after them, the others."""
        pairs = ((getattr(self, part.name), getattr(other, part.name)) for part in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    @property
    def identities(self) -> Identities:
        """Identity of each row, by id or by its values; shape (n,)."""
        return identity.of_rows(self.ids, self.values, self.defaulted, self.applied_at)


@dataclass(frozen=True, slots=True)
class CleanRows:
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
    notes: Sequence[str] = ()
    """Remarks on these rows for readers of the verdict, in sentences."""


def from_table(
    contract: Contract, table: pd.DataFrame, source: str, *, with_pricing: bool = False, dialect: Dialect = SNIFFED
) -> CleanRows:
    """The usable rows of a table, its columns found by the contract's mapping.

    Args:
        table: one row per loan; watched columns and prices that are not requested may be absent.
        source: what errors call the table.
        with_pricing: prices are to be scored.
        dialect: how its numbers are written.

    Raises:
        TableError: a column is missing or of the wrong type, or a label is neither of the contract's words.
    """
    needed = [field.column for field in contract.scored(with_pricing=with_pricing) if field.ratio_of is None]
    columns.require_columns(contract, table, source, [*needed, contract.label.column])
    defaulted, labelled = columns.labels(contract, table, source)
    every = LabelledRows(
        values=columns.values(contract, table, source, dialect),
        defaulted=defaulted,
        applied_at=columns.times(contract, table, source),
        recent=np.zeros(len(table), dtype=np.bool_),
        ids=identity.of_ids(columns.ids(contract, table, source)),
    )
    kept = every.take(labelled)
    cleaned = _clean(contract, kept, source, with_pricing=with_pricing)
    known = {known.column for known in contract.fields} | {contract.label.column}
    return CleanRows(
        rows=cleaned.rows,
        source=source,
        read=len(table),
        left_out=_non_zero({"unlabelled": len(table) - len(kept), **cleaned.left_out}),
        ignored_columns=tuple(str(column) for column in table.columns if column not in known),
        unknown_levels=columns.unknown_levels(contract, table),
        notes=cleaned.notes,
    )


def from_events(contract: Contract, labelled: LabelledRows, *, with_pricing: bool = False) -> CleanRows:
    """The usable ones of applications whose outcome is known."""
    return _clean(contract, labelled, "the topics", with_pricing=with_pricing)


def together(base: CleanRows, events: CleanRows) -> CleanRows:
    """Both, appended: an application that is in both counts once, as it came over the topics.

    If the table has no ids, an event that equals one of its rows is left out: it may be the same application.
    """
    unnamed = base.rows.ids == NO_ID
    known = duplicate_mask(events.rows, base.rows.take(unnamed))
    rows, duplicates = _without_duplicates(base.rows.then(events.rows.take(~known)))
    duplicates += int(known.sum())
    left_out = {word: base.left_out.get(word, 0) + events.left_out.get(word, 0) for word in _words(base, events)}
    left_out["duplicate"] = left_out.get("duplicate", 0) + duplicates
    not_told_apart = (NOT_TOLD_APART.format(int(unnamed.sum()), base.source),) if unnamed.any() else ()
    return CleanRows(
        rows=rows,
        source=f"{base.source} and {events.source}",
        read=base.read + events.read,
        left_out=_non_zero(left_out),
        ignored_columns=base.ignored_columns,
        unknown_levels=base.unknown_levels,
        notes=(*base.notes, *events.notes, *not_told_apart),
    )


def refuse_too_few(cleaned: CleanRows) -> None:
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


def _why_not_more(cleaned: CleanRows) -> str:
    """Rows that were left out, in words; empty if none."""
    if not cleaned.left_out:
        return ""
    counts = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in cleaned.left_out.items())
    levels = "".join(
        f"; column {column} has levels that the contract does not declare: {', '.join(map(repr, levels))}"
        for column, levels in cleaned.unknown_levels.items()
    )
    return f"; of {cleaned.read} read were left out: {counts}{levels}"


def _clean(contract: Contract, rows: LabelledRows, source: str, *, with_pricing: bool) -> CleanRows:
    found = faults(contract, rows.values, with_pricing=with_pricing)
    codes = found.codes
    left_out = {fault.reason: int((codes == fault).sum()) for fault in Fault if fault is not Fault.NONE}
    unique, left_out["duplicate"] = _without_duplicates(rows.take(codes == Fault.NONE))
    notes = tuple(contradictions(contract, found, source))
    return CleanRows(rows=unique, source=source, read=len(rows), left_out=_non_zero(left_out), notes=notes)


def _without_duplicates(rows: LabelledRows) -> tuple[LabelledRows, int]:
    """One row of each application, in their order, and how many others there were.

    By id: of several the first that came over the topics, else the first. Without ids, rows that agree in all values,
    the label and the time are one; without a time none is: equal values are not equal loans.
    """
    kept = np.ones(len(rows), dtype=np.bool_)
    named = np.flatnonzero(rows.ids != NO_ID)
    by_id = named[np.lexsort((named, ~rows.recent[named], rows.ids[named]))]
    kept[by_id[1:][rows.ids[by_id[1:]] == rows.ids[by_id[:-1]]]] = False
    timed = np.flatnonzero((rows.ids == NO_ID) & (rows.applied_at != NO_TIME))
    kept[timed[pd.Series(_keys(rows, timed), dtype=object).duplicated().to_numpy(dtype=bool)]] = False
    return rows.take(kept), int((~kept).sum())


def duplicate_mask(rows: LabelledRows, others: LabelledRows) -> npt.NDArray[np.bool_]:
    """Which rows equal one of the others in all values and the label; shape (n,)."""
    known = set(_keys(timeless(others), np.arange(len(others))))
    return np.array([key in known for key in _keys(timeless(rows), np.arange(len(rows)))], dtype=np.bool_)


def timeless(rows: LabelledRows) -> LabelledRows:
    """The same rows, their times forgotten."""
    return replace(rows, applied_at=np.full(len(rows), NO_TIME))


def _keys(rows: LabelledRows, places: npt.NDArray[np.int64]) -> list[bytes]:
    return identity.keys(rows.values, rows.defaulted, rows.applied_at, places)


def _words(*parts: CleanRows) -> Sequence[str]:
    return sorted({word for part in parts for word in part.left_out})


def _non_zero(left_out: Mapping[str, int]) -> Mapping[str, int]:
    return {word: count for word, count in left_out.items() if count}
