"""The split by time: the oldest rows are searched, the newest judge; between them an embargo.

Whether a loan defaulted is known when its application is as old as the contract's performance window. Who trains on
the day of the first judged application knows of no loan younger than that, so that rows of the window before it are
left out: with them a judgement would flatter (López de Prado, *Advances in financial machine learning*, 2018, chapter
7). Where too few rows are older, there is no embargo, and the split says so. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.rows.split_parts import SHARES, Labels, Parts, Positions, SplitPart, class_ranks, is_short, part_of

DAY_MS: Final = 86_400_000
LEAST_OLDER: Final = 500
"""Rows before an embargo with which a scorecard can be made."""


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """The part of each row, shape (n,), and how it was drawn, in words."""

    parts: Parts
    how: str


def split_by_time(
    applied_at: npt.NDArray[np.int64], drawn: Positions, defaulted: Labels, window_days: int = 0
) -> TimeSplit:
    """Parts by rank in time, what happened at once by the draw; where a part would be short, by rank in each class.

    Args:
        applied_at: milliseconds since 1970, shape (n,).
        drawn: in [0, 1), shape (n,).
        defaulted: shape (n,).
        window_days: length of the embargo; 0 for none.
    """
    rank = _ranks(applied_at, drawn)
    parts = part_of(rank, SHARES)
    if is_short(parts, defaulted):
        return TimeSplit(part_of(class_ranks(rank, defaulted), SHARES), "time")
    if not window_days:
        return TimeSplit(parts, "time")
    return _with_embargo(parts, applied_at, drawn, defaulted, window_days)


def _with_embargo(
    parts: Parts, applied_at: npt.NDArray[np.int64], drawn: Positions, defaulted: Labels, window_days: int
) -> TimeSplit:
    judged = parts == SplitPart.JUDGEMENT
    older = ~judged & (applied_at <= applied_at[judged].min() - window_days * DAY_MS)
    apart = np.where(judged, SplitPart.JUDGEMENT, SplitPart.LEFT_OUT).astype(np.int8)
    apart[older] = part_of(_ranks(applied_at[older], drawn[older]) * (1.0 - SHARES[SplitPart.JUDGEMENT]), SHARES)
    if older.sum() < LEAST_OLDER or is_short(apart, defaulted):
        return TimeSplit(parts, f"time, without an embargo of {window_days} days: too few rows are older")
    left_out = int((apart == SplitPart.LEFT_OUT).sum())
    return TimeSplit(apart, f"time with an embargo of {window_days} days before judgement ({left_out} rows)")


def _ranks(applied_at: npt.NDArray[np.int64], drawn: Positions) -> Positions:
    rank = np.empty(len(applied_at))
    rank[np.lexsort((drawn, applied_at))] = np.arange(len(applied_at)) / max(len(applied_at), 1)
    return rank
