"""The picture of contributions shows groups, and nobody alone."""

import numpy as np
import pytest

from schemas.small_groups import LEAST_PEOPLE
from training.tracking.plots import VALUE_BINS, mean_contributions


def test_a_dot_is_the_mean_of_a_tenth_by_value():
    values, contributions = np.arange(200.0)[::-1], np.repeat(np.arange(10.0), 20)

    # The values fall where contributions rise.
    assert mean_contributions(values, contributions).tolist() == np.arange(10.0)[::-1].tolist()


@pytest.mark.parametrize(
    ("people", "bins"), [(9, 0), (10, 1), (29, 2), (99, 9), (100, VALUE_BINS), (10_000, VALUE_BINS)]
)
def test_no_dot_is_of_fewer_than_ten_people(people, bins):
    means = mean_contributions(np.arange(float(people)), np.ones(people))

    assert len(means) == bins
    assert bins == 0 or people // bins >= LEAST_PEOPLE
