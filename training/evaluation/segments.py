"""Figures and approval rates of a scorecard by segment of the judgement rows: where it is good and where not.

Pure. A segment is a level of a category, a group of a number as its contract parts it, else a fifth; missing values
are a separate one. `training.fairness` compares the groups of watched fields.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.contract.contract import Contract, Field, Kind
from schemas.small_groups import is_small
from scorecard.policy import APPROVE, Policy, outcomes
from training.evaluation.discrimination_figures import auc
from training.rows.labelled_rows import LabelledRows

FIFTHS: Final = (0.2, 0.4, 0.6, 0.8)
COLUMNS: Final = ("field", "role", "segment", "rows", "observed", "stated", "auc", "approval_rate")


def table(contract: Contract, rows: LabelledRows, probability: npt.NDArray[np.float64], policy: Policy) -> pd.DataFrame:
    """One line for each segment of each observed field, watched ones included; none for a segment of too few people.

    Args:
        rows: the judgement rows.
        probability: calibrated, shape (n,).
        policy: decides who is approved.
    """
    approved = outcomes(policy, probability) == APPROVE
    lines = [
        _line(field, name, rows.defaulted[inside], probability[inside], approved[inside])
        for place, field in enumerate(contract.observed)
        for name, inside in segments_of(field, rows.values[:, place])
        if not is_small(int(inside.sum()))
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def _line(
    field: Field,
    name: str,
    defaulted: npt.NDArray[np.bool_],
    probability: npt.NDArray[np.float64],
    approved: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    both = 0 < int(defaulted.sum()) < len(defaulted)
    return {
        "field": field.name,
        "role": field.role.value,
        "segment": name,
        "rows": len(defaulted),
        "observed": float(defaulted.mean()),
        "stated": float(probability.mean()),
        "auc": auc(defaulted, probability) if both else np.nan,
        "approval_rate": float(approved.mean()),
    }


def segments_of(field: Field, values: npt.NDArray[np.float64]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Names and members of a field's segments, those with a missing value last.

    Args:
        field: parted by its levels, its `groups`, or by fifths.
        values: of the field, shape (n,).
    """
    missing = np.isnan(values)
    if field.kind is Kind.CATEGORY:
        for code, level in enumerate(field.levels):
            yield level, values == code
    elif field.groups:
        place = np.searchsorted(field.groups, values, side="right")
        for number in range(len(field.groups) + 1):
            yield _group_name(field.groups, number), (place == number) & ~missing
    elif not missing.all():
        edges = np.unique(np.quantile(values[~missing], FIFTHS))
        place = np.searchsorted(edges, values, side="left")
        for number in range(len(edges) + 1):
            yield _interval_name(edges, number), (place == number) & ~missing
    yield "missing", missing


def _group_name(starts: Sequence[float], number: int) -> str:
    if number == len(starts):
        return f"{starts[-1]:g} and over"
    return (f"{starts[number - 1]:g} to " if number else "") + f"under {starts[number]:g}"


def _interval_name(edges: npt.NDArray[np.float64], number: int) -> str:
    if number == 0:
        return f"up to {edges[0]:g}"
    return f"over {edges[number - 1]:g}" + (f" to {edges[number]:g}" if number < len(edges) else "")
