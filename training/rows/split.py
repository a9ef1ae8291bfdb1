"""The split into rows for search, early stopping, calibration, cut-offs and judgement: five disjoint parts.

By time if a source has times: the search uses the oldest rows, the newest judge. Else by a seeded
hash of the row's identity, so that a row keeps its part when others are appended: a later challenger is
judged on rows that no earlier champion was fitted to. If the contract names fields in which near-clones
agree, and such agreement is rare, near-clones share a part: a gain that appears only when clones are separated
is memory. The labels are distributed separately, so that few rows suffice. Pure.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.contract.contract import Contract, ContractError, Role
from schemas.tables.times import NO_TIME
from training.rows.labelled_rows import LabelledRows, RowsError
from training.rows.split_parts import LEAST_OF_A_CLASS, SHARES, SplitPart, class_ranks, part_of
from training.rows.time_split import split_by_time

Places = npt.NDArray[np.int64]


class Method(StrEnum):
    GROUPED = "grouped"
    """By time where there is time, else by who a row is; near-clones together."""
    STRATIFIED = "stratified"
    """Plain, seeded 80/10/10 by label, to compare with published figures; it flatters where there are clones."""


PUBLISHED_SHARES: Final = {
    SplitPart.SEARCH: 0.72,
    SplitPart.STOPPING: 0.08,
    SplitPart.CALIBRATION: 0.05,
    SplitPart.CUTOFFS: 0.05,
    SplitPart.JUDGEMENT: 0.10,
}
"""80 to fit, 10 to tune, 10 to judge."""

RARE: Final = 0.5
"""Distinct keys for each row, below which equal keys are no clones: in coarse bands they are different people."""
MANY: Final = 200
"""Rows of a class from which the draw alone leaves no part without some: of 200, 14 are expected in the smallest."""


@dataclass(frozen=True, slots=True)
class Split:
    """The part of each row, shape (n,)."""

    parts: npt.NDArray[np.int8]
    how: str

    def places(self, part: SplitPart) -> Places:
        return np.flatnonzero(self.parts == part)

    def sizes(self) -> Mapping[str, int]:
        """Rows in each part, by its name in lower case."""
        return {part.name.lower(): int((self.parts == part).sum()) for part in SplitPart}


def split(contract: Contract, rows: LabelledRows, seed: int, method: Method = Method.GROUPED) -> Split:
    """The parts of these rows; the same for the same rows and seed.

    Rows of the topics are split by time among themselves and those of the table among themselves,
    so that both populations are in every part.

    Raises:
        RowsError: a part would have next to none of a class.
    """
    if method is Method.STRATIFIED:
        parts, how = _stratify(rows.defaulted, seed), "stratified by label, 80/10/10"
    else:
        parts, how = _group_split(contract, rows, seed)
    _refuse_empty(parts, rows.defaulted)
    return Split(parts, how)


def clone_keys(contract: Contract, rows: LabelledRows) -> npt.NDArray[np.object_]:
    """Common key of the rows of one group, as bytes; shape (n,).

    Near-clones where the contract names what they agree in and they are rare; else each row is a group of its own.
    """
    columns = [contract.position[name] for name in near_clone_fields(contract)]
    identities = np.array([one.tobytes() for one in rows.identities], dtype=object)
    if not columns or not len(rows):
        return identities
    # Cents and hundredths: a decimal of an event and a float of a file are to give one key; zero has no sign.
    keyed = np.ascontiguousarray(np.round(rows.values[:, columns], 2) + 0.0)
    keyed[np.isnan(keyed)] = np.nan
    keys = np.array([row.tobytes() for row in keyed], dtype=object)
    return keys if len(set(keys)) >= RARE * len(keys) else identities


def near_clone_fields(contract: Contract) -> tuple[str, ...]:
    """The fields that near-clones agree in: those that the schema names as `near_clones`, but for prices.

    A price follows from the others, and one that is absent or changed would hide the clone.

    Raises:
        ContractError: the schema names a field that there is not.
    """
    named = tuple(contract.schema.get("near_clones", ()))
    unknown = [name for name in named if name not in contract.position]
    if unknown:
        problem = f"near_clones names {', '.join(unknown)}, which is no observed field of {contract.product}"
        raise ContractError(problem)
    return tuple(name for name in named if contract.observed[contract.position[name]].role is not Role.PRICING)


def folds(keys: npt.NDArray[np.object_], count: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each row, near-clones in one; shape of `keys`, values 0 to count - 1."""
    return np.minimum((uniform(keys, f"fold {seed}") * count).astype(np.int64), count - 1)


def without_torn_groups(parts: npt.NDArray[np.int8], keys: npt.NDArray[np.object_]) -> npt.NDArray[np.int8]:
    """A group that time tore apart stays in its earliest part; its later rows are left out.

    A row that is left out already takes none of its group with it.
    """
    _, group = np.unique(keys.astype("S"), return_inverse=True)
    earliest = np.full(group.max() + 1, np.iinfo(np.int8).max, dtype=np.int8)
    used = parts != SplitPart.LEFT_OUT
    np.minimum.at(earliest, group[used], parts[used])
    return np.where(parts == earliest[group], parts, SplitPart.LEFT_OUT).astype(np.int8)


def uniform(keys: npt.NDArray[np.object_], salt: str) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each key, the same for the same key and salt, on any machine."""
    start = hashlib.blake2b(salt.encode(), digest_size=8)
    drawn = np.empty(len(keys), dtype=np.float64)
    for place, key in enumerate(keys):
        one = start.copy()
        one.update(key)
        drawn[place] = int.from_bytes(one.digest(), "big")
    return drawn / 2.0**64


def _group_split(contract: Contract, rows: LabelledRows, seed: int) -> tuple[npt.NDArray[np.int8], str]:
    keys = clone_keys(contract, rows)
    drawn, window_days = uniform(keys, f"split {seed}"), contract.label.outcome_after_days
    parts = np.full(len(rows), SplitPart.LEFT_OUT, dtype=np.int8)
    sources = []
    for source, word in ((rows.recent, "topics"), (~rows.recent, "table")):
        places = np.flatnonzero(source)
        if len(places) == 0:
            continue
        timed = bool(np.all(rows.applied_at[places] != NO_TIME))
        if timed:
            by_time = split_by_time(rows.applied_at[places], drawn[places], rows.defaulted[places], window_days)
            parts[places], how = by_time.parts, by_time.how
        else:
            parts[places], how = part_of(_dealt(drawn[places], rows.defaulted[places]), SHARES), "draw"
        sources.append(f"{word} by {how}")
    return without_torn_groups(parts, keys), " and ".join(sources)


def _dealt(drawn: npt.NDArray[np.float64], defaulted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Positions in [0, 1): the draw itself, or, in a class of few rows, the rank of the draw."""
    few = {label for label in (False, True) if int((defaulted == label).sum()) < MANY}
    return np.where(np.isin(defaulted, list(few)), class_ranks(drawn, defaulted), drawn)


def _stratify(defaulted: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.int8]:
    parts = np.empty(len(defaulted), dtype=np.int8)
    generator = np.random.default_rng(seed)
    for label in (False, True):
        places = np.flatnonzero(defaulted == label)
        position = np.empty(len(places))
        position[generator.permutation(len(places))] = (np.arange(len(places)) + 0.5) / max(len(places), 1)
        parts[places] = part_of(position, PUBLISHED_SHARES)
    return parts


def _refuse_empty(parts: npt.NDArray[np.int8], defaulted: npt.NDArray[np.bool_]) -> None:
    for part in SHARES:
        inside = defaulted[parts == part]
        defaults = int(inside.sum())
        if min(defaults, len(inside) - defaults) < LEAST_OF_A_CLASS:
            problem = (
                f"the rows for {part.name.lower()} would be {defaults} defaults and {len(inside) - defaults} repaid;"
                f" each part needs {LEAST_OF_A_CLASS} of both: more rows are needed"
            )
            raise RowsError(problem)
