"""Judgement under selection: on which rows of the topics two scorecards can be compared fairly, and with what weights.

Outcomes exist of approved loans alone, and the champion chose them: among them its own ranking is cut short, so that
on all of them half of the challengers that are no better pass. Where **both would approve**, both are cut short
alike. A lender who grants a documented share of refused applicants a loan at random has outcomes of all: each such row
stands for one over that share (Horvitz and Thompson, *A generalization of sampling without replacement from a finite
universe*, 1952). No outcome is inferred for refused applicants: that would ask the champion to judge itself (Hand and
Henley, *Can reject inference ever work?*, 1993). Pure.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.rows.admission import Admission
from training.rows.labelled_rows import LabelledRows


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """Rows to compare on; `weight` has the shape of `places`."""

    places: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    both_approve: bool
    """Decisions are alike on these rows of the topics, so their cost cannot differ."""


def selected_rows(rows: LabelledRows, both_approve: npt.NDArray[np.bool_], share: float) -> SelectedRows:
    """The rows that can judge; rows of a table count as they are.

    Args:
        rows: of the judgement part.
        both_approve: whether both scorecards would approve, each by its cut-offs; shape (n,).
        share: of refused applicants that got a loan at random; 0 for none, 1 where all outcomes are known.
    """
    if share > 0.0:
        refused = rows.recent & (rows.admission == Admission.REFUSED)
        return SelectedRows(np.arange(len(rows)), np.where(refused, 1.0 / share, 1.0), both_approve=False)
    places = np.flatnonzero(~rows.recent | both_approve)
    return SelectedRows(places, np.ones(len(places)), both_approve=True)
