"""Intervals and tests of proportions, against SciPy's and published values."""

import math

import numpy as np
import pytest
from scipy import stats

from training.fairness.proportions import Proportion, difference_p, holm, ratio_interval


@pytest.mark.parametrize(("hits", "people"), [(0, 12), (3, 12), (81, 263), (15, 148), (12, 12)])
def test_the_interval_is_wilsons(hits: int, people: int) -> None:
    theirs = stats.binomtest(hits, people).proportion_ci(method="wilson")

    assert Proportion(hits, people).interval() == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_small_table_is_tested_exactly_and_a_large_one_by_z() -> None:
    small = Proportion(1, 12), Proportion(9, 14)
    large = Proportion(450, 1_000), Proportion(500, 1_000)

    assert difference_p(*small) == pytest.approx(stats.fisher_exact([[1, 11], [9, 5]]).pvalue)
    by_hand = 2.0 * stats.norm.sf(0.05 / math.sqrt(0.475 * 0.525 * 2.0 / 1_000))
    assert difference_p(*large) == pytest.approx(by_hand)


def test_the_ratios_interval_covers_what_it_says() -> None:
    generator, inside = np.random.default_rng(5), 0
    for _ in range(2_000):
        one = Proportion(int(generator.binomial(60, 0.5)), 60)
        other = Proportion(int(generator.binomial(400, 0.7)), 400)
        low, high = ratio_interval(one, other)
        inside += low <= 0.5 / 0.7 <= high

    assert 0.93 < inside / 2_000 < 0.97


@pytest.mark.parametrize(("one", "other"), [((0, 20), (10, 20)), ((20, 20), (20, 20)), ((5, 20), (20, 20))])
def test_the_ratios_interval_holds_the_ratio_at_the_ends_too(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = Proportion(*one), Proportion(*other)
    low, high = ratio_interval(first, second)

    assert 0.0 <= low <= first.share / second.share <= high


def test_nobody_has_no_figure() -> None:
    nobody = Proportion(0, 0)

    figures = [nobody.share, *nobody.interval(), difference_p(nobody, Proportion(1, 2))]
    assert all(map(math.isnan, [*figures, *ratio_interval(Proportion(1, 2), nobody)]))


def test_p_values_of_many_groups_are_adjusted_together() -> None:
    # Holm's own procedure: .01 * 3, .03 * 2, .04 * 1 made monotone.
    assert holm([0.04, math.nan, 0.01, 0.03])[2:] == pytest.approx([0.03, 0.06])
    assert holm([0.04, 0.01, 0.03])[0] == pytest.approx(0.06)
    assert math.isnan(holm([math.nan])[0])
