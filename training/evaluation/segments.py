"""Figures and approval rates of a scorecard by segment of the judgement rows: quality and fairness.

Pure. A segment is a level of a category or a fifth of a number; missing values are a separate one. The adverse
impact ratio of a segment is its approval rate over that of the field's most approved segment; below
.8 is the four-fifths rule's alarm (29 CFR 1607.4 D), a custom adopted from employment.
"""

from collections.abc import Iterator
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
COLUMNS: Final = (
    "field",
    "role",
    "segment",
    "rows",
    "observed",
    "stated",
    "auc",
    "approval_rate",
    "adverse_impact_ratio",
)
LEAST: Final = 30
"""Rows of a segment under which its approval rate is not compared."""


def table(contract: Contract, rows: LabelledRows, probability: npt.NDArray[np.float64], policy: Policy) -> pd.DataFrame:
    """One line for each segment of each observed field, watched ones included; none for a segment of too few people.

    Args:
        contract: what the columns mean.
        rows: the judgement rows.
        probability: calibrated, shape (n,).
        policy: decides who is approved.
    """
    approved = outcomes(policy, probability) == APPROVE
    lines = []
    for place, field in enumerate(contract.observed):
        lines += _with_impact(
            [
                _line(field, name, rows.defaulted[inside], probability[inside], approved[inside])
                for name, inside in _segments(field, rows.values[:, place])
                if not is_small(int(inside.sum()))
            ]
        )
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


def _with_impact(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    most = max((line["approval_rate"] for line in lines if line["rows"] >= LEAST), default=0.0)
    return [
        {**line, "adverse_impact_ratio": line["approval_rate"] / most if most and line["rows"] >= LEAST else np.nan}
        for line in lines
    ]


def _segments(field: Field, values: npt.NDArray[np.float64]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    missing = np.isnan(values)
    if field.kind is Kind.CATEGORY:
        for code, level in enumerate(field.levels):
            yield level, values == code
    elif not missing.all():
        edges = np.unique(np.quantile(values[~missing], FIFTHS))
        place = np.searchsorted(edges, values, side="left")
        for number in range(len(edges) + 1):
            yield _interval_name(edges, number), (place == number) & ~missing
    yield "missing", missing


def _interval_name(edges: npt.NDArray[np.float64], number: int) -> str:
    if number == 0:
        return f"up to {edges[0]:g}"
    return f"over {edges[number - 1]:g}" + (f" to {edges[number]:g}" if number < len(edges) else "")
