"""Percentiles of one applicant's values among recent ones: for a person who reviews the case.

A sample of the latest decisions, read and counted on request: nothing to keep up to date.
"""

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ledger.sql.ledger_tables import decisions
from schemas.events.decisions import LoanDecision
from schemas.small_groups import is_small

SAMPLE: Final = 2_000
"""Decisions read: a percentile is accurate to about two points, in some 20 ms."""
QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)

Value = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationRank:
    """One value among those of the sample."""

    feature: str
    value: Value
    n: int
    """Values of the sample that are of its kind; missing ones left out."""
    percentile: float | None
    """Of a number: share of the sample below it plus half of its equals, in [0, 1]. None for none, and of too few."""
    share: float | None
    """Of a level: share of the sample that has it, in [0, 1]. None for a number, and where too few have it."""
    quantiles: Sequence[float]
    """Of the sample's numbers, at `QUANTILES`; empty for levels."""


def standings(connection: sa.Connection, decision: LoanDecision, sample: int = SAMPLE) -> Sequence[PopulationRank]:
    """Of each value that was scored, in the contract's order."""
    query = sa.select(decisions.c.feature_values).order_by(decisions.c.recorded_at.desc()).limit(sample)
    columns: dict[str, list[Value]] = {}
    for text in connection.execute(query).scalars():
        for feature, value in json.loads(text).items():
            columns.setdefault(feature, []).append(value)
    return [population_rank(each.feature, each.value, columns.get(each.feature, [])) for each in decision.contributions]


def population_rank(feature: str, value: Value, others: Sequence[Value]) -> PopulationRank:
    """One value among others; None for a small population, or a level that few have. Pure."""
    if isinstance(value, str):
        levels: Mapping[Value, int] = Counter(each for each in others if isinstance(each, str))
        n = sum(levels.values())
        alike = levels.get(value, 0)
        share = None if is_small(alike) else alike / n
        return PopulationRank(feature=feature, value=value, n=n, percentile=None, share=share, quantiles=())
    numbers = sorted(each for each in others if each is not None and not isinstance(each, str))
    n = len(numbers)
    if is_small(n):
        return PopulationRank(feature=feature, value=value, n=n, percentile=None, share=None, quantiles=())
    below = (bisect_left(numbers, value) + bisect_right(numbers, value)) / 2 / n if value is not None else None
    quantiles = tuple(numbers[round(quantile * (n - 1))] for quantile in QUANTILES)
    return PopulationRank(feature=feature, value=value, n=n, percentile=below, share=None, quantiles=quantiles)
