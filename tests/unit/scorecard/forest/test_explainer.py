"""Exact contributions, against their definition."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorecard.forest import explainer as explaining
from scorecard.forest import lookup
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest, margins
from scorecard.forest.matrix import MatrixError
from tests.builders import a_stump_forest
from tests.unit.scorecard.trees import a_forest, forests, shapley, some_rows

FEW = settings(max_examples=40, deadline=None)
"""Each example is enumerated over all subsets."""


def explainer(forest: Forest) -> Explainer:
    """One that takes every column for a feature."""
    return Explainer(forest, np.arange(forest.columns, dtype=np.int32), forest.columns)


def explainer_without_tables(forest: Forest) -> Explainer:
    """The same, but with no memory for tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explaining, "MOST_BYTES", 0)
        return explainer(forest)


BOTH = pytest.mark.parametrize("explained_by", [explainer, explainer_without_tables])


def test_a_stump_gives_its_column_what_lies_between_leaf_and_mean():
    stump = a_stump_forest(feature=1, threshold=0.25, low=-2.0, high=1.0, columns=3)
    by_hand = -2.0 - (0.6 * -2.0 + 0.4 * 1.0)  # -1.2

    margin, contributions = explainer(stump).explain(np.array([[7.0, 0.1, 7.0]], dtype=np.float32))

    assert explainer(stump).base_value == pytest.approx(-0.8)
    assert margin[0] == pytest.approx(-2.0)
    assert contributions[0] == pytest.approx([0.0, by_hand, 0.0])


@BOTH
@given(forests(), st.integers(0, 2**32 - 1))
@FEW
def test_contributions_are_the_shapley_values_by_definition(
    explained_by: Callable[[Forest], Explainer], forest: Forest, seed: int
):
    rows = some_rows(np.random.default_rng(seed), 3, forest.columns)

    _, contributions = explained_by(forest).explain(rows)

    expected = np.array([shapley(forest, row) for row in rows])
    assert contributions == pytest.approx(expected, rel=1e-9, abs=1e-9)


@BOTH
@given(forests(most_columns=9, deepest=7), st.integers(0, 2**32 - 1))
@FEW
def test_base_value_and_contributions_add_up_to_the_margin(
    explained_by: Callable[[Forest], Explainer], forest: Forest, seed: int
):
    rows = some_rows(np.random.default_rng(seed), 5, forest.columns)
    explained = explained_by(forest)

    margin, contributions = explained.explain(rows)

    assert margin == pytest.approx(margins(forest, rows), rel=1e-9, abs=1e-9)
    assert explained.base_value + contributions.sum(axis=1) == pytest.approx(margin, rel=1e-9, abs=1e-9)


@BOTH
def test_a_row_is_explained_by_the_same_bits_whatever_its_batch(explained_by: Callable[[Forest], Explainer]):
    rng = np.random.default_rng(3)
    forest = a_forest(rng, 6, [6, 6, 5, 4, 0])
    rows = some_rows(rng, 1100, 6)
    explained = explained_by(forest)

    margin, contributions = explained.explain(rows)

    for size in (1, 2, 3, 16, 17, 64, 100):
        again = explained.explain(rows[1000 : 1000 + size])
        assert np.array_equal(again[0], margin[1000 : 1000 + size])
        assert np.array_equal(again[1], contributions[1000 : 1000 + size])


def test_a_tree_too_deep_for_tables_is_integrated_and_the_rest_is_not():
    forest = a_forest(np.random.default_rng(7), 12, [14, 2])
    rows = some_rows(np.random.default_rng(8), 20, 12)

    explained = explainer(forest)

    assert explained.deep_trees == 1
    assert 0 < explained.table_bytes <= explaining.MOST_BYTES
    assert explained.explain(rows)[0] == pytest.approx(margins(forest, rows), rel=1e-9, abs=1e-9)
    assert explained.explain(rows)[1] == pytest.approx(
        explainer_without_tables(forest).explain(rows)[1], rel=1e-9, abs=1e-9
    )


def test_columns_are_summed_to_their_feature():
    forest = a_forest(np.random.default_rng(1), 5, [5, 5])
    rows = some_rows(np.random.default_rng(2), 30, 5)
    groups = np.array([0, 1, 1, 0, 2], dtype=np.int32)

    _, by_feature = Explainer(forest, groups, 3).explain(rows)

    _, by_column = explainer(forest).explain(rows)
    summed = np.stack([by_column[:, groups == feature].sum(axis=1) for feature in range(3)], axis=1)
    assert by_feature == pytest.approx(summed, rel=1e-9, abs=1e-12)


def test_no_rows_have_no_contributions():
    margin, contributions = explainer(a_stump_forest(0, 0.5, -1.0, 1.0, 2)).explain(np.zeros((0, 2), dtype=np.float32))

    assert margin.shape == (0,)
    assert contributions.shape == (0, 2)


def test_infinities_compare_as_numbers_do():
    stump = a_stump_forest(0, 0.5, -2.0, 1.0, 1)

    margin, _ = explainer(stump).explain(np.array([[-np.inf], [np.inf]], dtype=np.float32))

    assert margin == pytest.approx([-2.0, 1.0])


def test_warming_leaves_nothing_to_compile():
    explained = explainer(a_stump_forest(0, 0.5, -1.0, 1.0, 2))
    explained.warm()
    compiled = [len(kernel.signatures) for kernel in (lookup.add_lookups, lookup.collect_rows)]

    for rows in (1, 16, 64, 2000):
        explained.explain(np.zeros((rows, 2), dtype=np.float32))

    assert [len(kernel.signatures) for kernel in (lookup.add_lookups, lookup.collect_rows)] == compiled


@pytest.mark.parametrize(
    "matrix", [np.zeros((1, 2)), np.zeros((1, 3), dtype=np.float32), np.zeros(2, dtype=np.float32)]
)
def test_a_matrix_of_another_type_or_shape_is_refused(matrix: Any):
    with pytest.raises(MatrixError):
        explainer(a_stump_forest(0, 0.5, -1.0, 1.0, 2)).explain(matrix)


@pytest.mark.parametrize("groups", [[0], [0, 2], [-1, 0]])
def test_columns_without_a_feature_are_refused(groups: list[int]):
    with pytest.raises(MatrixError):
        Explainer(a_stump_forest(0, 0.5, -1.0, 1.0, 2), np.array(groups, dtype=np.int32), 2)


def test_rows_that_may_not_be_written_to_are_read_all_the_same():
    rows = np.zeros((3, 2), dtype=np.float32)
    rows.flags.writeable = False

    margin, _ = explainer(a_stump_forest(0, 0.5, -1.0, 1.0, 2)).explain(rows)

    assert margin == pytest.approx([-1.0, -1.0, -1.0])
