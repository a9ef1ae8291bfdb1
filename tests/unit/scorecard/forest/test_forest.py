"""Forests of plain arrays."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorecard.forest.forest import Forest, ForestError, margins, sums_of_variants
from scorecard.forest.matrix import MatrixError
from tests.builders import a_stump_forest
from tests.unit.scorecard.trees import forests, some_rows


def test_a_row_goes_left_up_to_the_threshold_and_missing_goes_as_the_node_says():
    stump = a_stump_forest(feature=1, threshold=0.25, low=-2.0, high=1.0, columns=2)
    rows = np.array([[9, 0.25], [9, 0.2500001], [9, np.nan], [9, -np.inf], [9, np.inf]], dtype=np.float32)

    assert margins(stump, rows).tolist() == [-2.0, 1.0, -2.0, -2.0, 1.0]


def test_a_threshold_between_two_float32_values_parts_them():
    below = np.float32(0.1)
    above = np.nextafter(below, np.float32(1))
    stump = a_stump_forest(0, (float(below) + float(above)) / 2, -2.0, 1.0, 1)

    assert margins(stump, np.array([[below], [above]], dtype=np.float32)).tolist() == [-2.0, 1.0]


def test_the_base_is_added_to_every_margin_and_a_forest_without_trees_is_its_base():
    stump = a_stump_forest(0, 0.0, -2.0, 1.0, 1)
    empty = np.array([], dtype=np.int32)
    none = Forest(
        feature=empty,
        threshold=np.array([]),
        left=empty,
        right=empty,
        missing_left=np.array([], dtype=np.bool_),
        value=np.array([]),
        cover=np.array([]),
        roots=empty,
        base=0.5,
        columns=1,
    )
    none.check()

    assert margins(replace(stump, base=0.5), np.zeros((1, 1), dtype=np.float32)).tolist() == [-1.5]
    assert margins(none, np.zeros((2, 1), dtype=np.float32)).tolist() == [0.5, 0.5]


def test_no_rows_have_no_margins():
    assert len(margins(a_stump_forest(0, 0.0, -2.0, 1.0, 3), np.zeros((0, 3), dtype=np.float32))) == 0


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 3)),
        np.zeros((2, 2), dtype=np.float32),
        np.zeros(3, dtype=np.float32),
        [[0.0, 0.0, 0.0]],
    ],
)
def test_a_matrix_of_another_type_or_shape_is_refused(matrix: Any):
    with pytest.raises(MatrixError):
        margins(a_stump_forest(0, 0.0, -2.0, 1.0, 3), matrix)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"feature": np.array([3, -1, -1], dtype=np.int32)}, "column"),
        ({"feature": np.array([-2, -1, -1], dtype=np.int32)}, "column"),
        ({"feature": np.array([0, -1, -1])}, "int32"),
        ({"threshold": np.array([[0.5, 0.0, 0.0]])}, "threshold"),
        ({"left": np.array([3, -1, -1], dtype=np.int32)}, "left"),
        ({"left": np.array([1, 2, -1], dtype=np.int32)}, "left"),
        ({"right": np.array([-5, -1, -1], dtype=np.int32)}, "right"),
        ({"right": np.array([1, -1, -1], dtype=np.int32)}, "twice"),
        ({"right": np.array([0, -1, -1], dtype=np.int32)}, "twice"),
        ({"roots": np.array([3], dtype=np.int32)}, "root"),
        ({"roots": np.array([0, 1], dtype=np.int32)}, "twice"),
        ({"roots": np.array([], dtype=np.int32)}, "twice or never"),
        ({"cover": np.array([100.0, 60.0])}, "length"),
        ({"cover": np.array([100.0, -60.0, 40.0])}, "negative"),
        ({"threshold": np.array([np.nan, 0.0, 0.0])}, "finite"),
        ({"value": np.array([0.0, np.inf, 0.0])}, "finite"),
        ({"value": [0.0, 1.0, 2.0]}, "list"),
        ({"base": float("nan")}, "base"),
        ({"columns": 0}, "columns"),
    ],
)
def test_arrays_that_are_not_those_of_trees_are_refused_by_name(changes: dict[str, Any], what: str):
    forest = replace(a_stump_forest(0, 0.5, -2.0, 1.0, 3), **changes)

    with pytest.raises(ForestError, match=what):
        forest.check()


def test_a_cycle_that_no_root_reaches_is_refused():
    forest = Forest(
        feature=np.array([-1, 0, 0, -1, -1], dtype=np.int32),
        threshold=np.zeros(5),
        left=np.array([-1, 2, 1, -1, -1], dtype=np.int32),
        right=np.array([-1, 3, 4, -1, -1], dtype=np.int32),
        missing_left=np.zeros(5, dtype=np.bool_),
        value=np.zeros(5),
        cover=np.ones(5),
        roots=np.array([0], dtype=np.int32),
        base=0.0,
        columns=1,
    )

    with pytest.raises(ForestError, match="cycle"):
        forest.check()


def test_nodes_may_lie_in_any_order():
    forest = Forest(
        feature=np.array([-1, -1, 0], dtype=np.int32),
        threshold=np.array([0.0, 0.0, 0.5]),
        left=np.array([-1, -1, 1], dtype=np.int32),
        right=np.array([-1, -1, 0], dtype=np.int32),
        missing_left=np.array([False, False, False]),
        value=np.array([1.0, -1.0, 0.0]),
        cover=np.array([1.0, 1.0, 2.0]),
        roots=np.array([2], dtype=np.int32),
        base=0.0,
        columns=1,
    )
    forest.check()

    assert margins(forest, np.array([[0.0], [1.0]], dtype=np.float32)).tolist() == [-1.0, 1.0]


@settings(deadline=None)  # the first example loads the kernel
@given(forests(), st.integers(0, 2**32 - 1), st.integers(0, 70))
def test_variants_of_one_row_have_their_margins_to_the_bit(forest: Forest, seed: int, count: int):
    rng = np.random.default_rng(seed)
    varies = rng.random(forest.columns) < 0.5
    rows = np.where(varies, some_rows(rng, count, forest.columns), some_rows(rng, 1, forest.columns))

    found = sums_of_variants(forest.nodes(), rows, varies, forest.base)

    assert found.tolist() == margins(forest, rows).tolist()
