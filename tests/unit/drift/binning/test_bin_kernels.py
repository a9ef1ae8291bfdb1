"""The kernel bins a number as the profile does, wherever it lies."""

import math
from typing import Final

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drift.binning.bin_kernels import ABSURD, bin_numbers
from drift.binning.binned_records import MILLIONTHS
from scorecard.profile import BinnedQuantity

EDGES: Final = (-1.0, 0.0, 0.5, 1.0, 2_000.0)
BINNED = BinnedQuantity("amount", EDGES, (), ())
NUMBERS = st.one_of(st.floats(), st.sampled_from([*EDGES, *np.nextafter(EDGES, math.inf), *np.nextafter(EDGES, -9e9)]))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1))
def test_every_number_is_in_the_profiles_bin_and_in_millionths(rows: list[tuple[float, float]]) -> None:
    values = np.array(rows)
    cells, sums = np.full((len(rows), 3), -7), np.zeros((len(rows), 2), dtype=np.int64)
    behind = len(EDGES) + 3

    bin_numbers(
        values, np.array(EDGES * 2), np.array([0, len(EDGES), 2 * len(EDGES)]), np.array([0, behind]), cells, sums
    )

    right = np.zeros(len(rows), dtype=np.bool_)
    for column, start in enumerate((0, behind)):
        expected = BINNED.places(values[:, column], right) + start
        assert cells[:, column].tolist() == expected.tolist()
    whole = np.rint(np.clip(np.nan_to_num(values, nan=0.0), -ABSURD, ABSURD) * MILLIONTHS)
    assert sums.tolist() == whole.tolist()
    assert (cells[:, 2] == -7).all()
