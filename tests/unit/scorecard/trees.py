"""Small random forests, and what their Shapley values are by definition."""

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scorecard.forest.forest import LEAF, Forest

VALUES = (-1.0, 0.0, 0.5, 1.0, 2.0)
"""Few, so that thresholds repeat and rows lie on them."""


@st.composite
def forests(draw: st.DrawFn, most_columns: int = 4, deepest: int = 5) -> Forest:
    """Up to three trees, some of a single leaf, some with ways that no training row took."""
    columns = draw(st.integers(1, most_columns))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    depths = draw(st.lists(st.integers(0, deepest), min_size=1, max_size=3))
    return a_forest(rng, columns, depths)


def a_forest(rng: np.random.Generator, columns: int, depths: list[int]) -> Forest:
    nodes: list[dict[str, Any]] = []
    roots = [_grow(rng, nodes, columns, depth) for depth in depths]
    kinds = {"feature": np.int32, "left": np.int32, "right": np.int32, "missing_left": np.bool_}
    arrays = {name: np.array([node[name] for node in nodes], dtype=kinds.get(name, np.float64)) for name in nodes[0]}
    return Forest(**arrays, roots=np.array(roots, dtype=np.int32), base=float(rng.normal()), columns=columns)


def _grow(rng: np.random.Generator, nodes: list[dict[str, Any]], columns: int, depth: int) -> int:
    place = len(nodes)
    nodes.append({})
    if depth == 0 or rng.random() < 0.15:
        cover = 0.0 if rng.random() < 0.1 else float(rng.integers(1, 20))
        nodes[place] = _node(LEAF, value=float(rng.normal()), cover=cover)
        return place
    left, right = (_grow(rng, nodes, columns, depth - 1) for _ in range(2))
    nodes[place] = _node(
        int(rng.integers(columns)),
        threshold=float(rng.choice(VALUES)),
        left=left,
        right=right,
        missing_left=bool(rng.random() < 0.5),
        cover=nodes[left]["cover"] + nodes[right]["cover"],
    )
    return place


def _node(feature: int, **given: Any) -> dict[str, Any]:
    usual = {"threshold": 0.0, "left": LEAF, "right": LEAF, "missing_left": False, "value": 0.0}
    return {"feature": feature, **usual, **given}


def some_rows(rng: np.random.Generator, count: int, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Rows that lie on thresholds and between them, and miss a value here and there."""
    return rng.choice([*VALUES, 0.25, 1.5, np.nan], size=(count, columns)).astype(np.float32)


def expected_margin(forest: Forest, row: Any, known: frozenset[int], node: int) -> float:
    """The mean of a tree where only some columns are known: the others go both ways, as training rows did."""
    if forest.feature[node] == LEAF:
        return float(forest.value[node])
    left, right = int(forest.left[node]), int(forest.right[node])
    column = int(forest.feature[node])
    if column in known:
        value = row[column]
        goes_left = forest.missing_left[node] if np.isnan(value) else value <= forest.threshold[node]
        return expected_margin(forest, row, known, left if goes_left else right)
    cover = forest.cover[node]
    if cover == 0.0:
        return 0.0
    return sum(
        float(forest.cover[child] / cover) * expected_margin(forest, row, known, child) for child in (left, right)
    )


def shapley(forest: Forest, row: Any) -> list[float]:
    """Every column's Shapley value, by all subsets of the others."""
    columns = range(forest.columns)
    worth = {
        frozenset(known): sum(expected_margin(forest, row, frozenset(known), int(root)) for root in forest.roots)
        for size in range(forest.columns + 1)
        for known in itertools.combinations(columns, size)
    }
    weight = {
        size: math.factorial(size) * math.factorial(forest.columns - size - 1) / math.factorial(forest.columns)
        for size in range(forest.columns)
    }
    return [
        sum(weight[len(known)] * (worth[known | {column}] - worth[known]) for known in worth if column not in known)
        for column in columns
    ]
