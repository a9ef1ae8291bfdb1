"""Row identity: a number for each application, the same wherever and whenever the application occurs.

Pure. From the application's id if it has one. Else from its values, label and time, with a count of
equal rows before it: equal values are not equal loans.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Identities = npt.NDArray[np.uint64]

NO_ID: Final = np.uint64(0)
"""The identity of a row whose source does not name its application."""
WIDTH: Final = 8
"""Bytes: among a million applications two are taken for one with a probability of 3e-8."""
APART: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd, and of no pattern: keeps equal rows apart by their count, modulo 2^64."""


def of_ids(ids: Sequence[str]) -> Identities:
    """Identities by id, `NO_ID` where it is empty; shape (n,)."""
    return np.array([_digest(name.encode()) if name else NO_ID for name in ids], dtype=np.uint64)


def of_rows(
    ids: Identities,
    values: npt.NDArray[np.float64],
    defaulted: npt.NDArray[np.bool_],
    applied_at: npt.NDArray[np.int64],
) -> Identities:
    """Identities of all rows, those without an id by what they hold; shape (n,)."""
    found = ids.copy()
    nameless = np.flatnonzero(ids == NO_ID)
    if len(nameless):
        digests = np.array([_digest(key) for key in keys(values, defaulted, applied_at, nameless)], dtype=np.uint64)
        before = pd.Series(digests).groupby(digests).cumcount().to_numpy(dtype=np.uint64)
        found[nameless] = digests + before * APART
    return found


def places_among(known: Identities, who: Identities) -> npt.NDArray[np.int64]:
    """Index of each identity among the known ones, -1 where it is none of them; shape of `who`.

    Args:
        known: sorted, each once.
        who: in any order.
    """
    if not len(known):
        return np.full(len(who), -1)
    near = np.minimum(np.searchsorted(known, who), len(known) - 1)
    return np.where(known[near] == who, near, -1)


def keys(
    values: npt.NDArray[np.float64],
    defaulted: npt.NDArray[np.bool_],
    applied_at: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
) -> list[bytes]:
    """Contents of the rows at these indices, as bytes: equal for equal rows."""
    whole = np.column_stack([values[places], defaulted[places], applied_at[places].astype(np.float64)]) + 0.0
    whole[np.isnan(whole)] = np.nan
    return [row.tobytes() for row in np.ascontiguousarray(whole)]


def _digest(content: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(content, digest_size=WIDTH).digest(), "big"))
