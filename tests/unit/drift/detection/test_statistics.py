"""What the statistics of drift promise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from drift.detection import statistics
from drift.detection.statistics import BinMismatchError, Counts

ALPHA = 0.001


def counts(*values: int) -> Counts:
    return np.array(values, dtype=np.int64)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Counts, Counts]:
    bins = draw(st.integers(2, 12))
    sample = st.lists(st.integers(0, 5_000), min_size=bins, max_size=bins)
    return np.array(draw(sample), dtype=np.int64), np.array(draw(sample), dtype=np.int64)


def golden_cases(shared: Path) -> list[tuple[Counts, Counts, dict[str, Any]]]:
    cases = json.loads((shared / "golden" / "drift.json").read_text())["cases"]
    return [
        (np.array(case.get("ref", case.get("ref_counts"))), np.array(case.get("cur", case.get("cur_counts"))), case)
        for case in cases
    ]


def test_every_golden_value_of_our_conventions_is_met(shared_folder: Path) -> None:
    ours: dict[str, Callable[[Counts, Counts], float]] = {
        "psi_additive_half": statistics.psi,
        "psi_floor_1e4": statistics.floored_psi,
        "binned_ks": statistics.binned_ks,
        "js_distance_base2": statistics.js_distance,
        "chi2_contingency": lambda reference, window: statistics.chi_square(reference, window)[0],
        "chi2_contingency_p": lambda reference, window: statistics.chi_square(reference, window)[1],
    }
    compared = 0

    for reference, window, case in golden_cases(shared_folder):
        for name, statistic in ours.items():
            expected = case["expected"][name]
            assert statistic(reference, window) == pytest.approx(expected, rel=1e-12, abs=1e-12), case["name"]
            compared += 1

    assert compared >= 60


def test_a_tenth_of_the_applicants_changing_bins_is_worth_a_hundredth() -> None:
    by_hand = 0.05 * np.log(1.1) - 0.05 * np.log(0.9)  # 0.01003

    assert statistics.psi(counts(500, 500), counts(550, 450)) == pytest.approx(by_hand, rel=0.01)


def test_the_critical_value_is_the_chi_square_quantile_over_the_harmonic_sizes() -> None:
    reference, window = np.full(10, 1_000), np.full(10, 50)
    by_hand = 27.877 * (1 / 10_000 + 1 / 500)  # chi-square of 9 degrees at .001

    assert statistics.psi_critical(reference, window, ALPHA) == pytest.approx(by_hand, rel=1e-4)


def test_an_empty_window_a_constant_feature_and_an_empty_reference_are_no_drift() -> None:
    for reference, window in [
        (counts(5, 5), counts(0, 0)),
        (counts(100, 0), counts(30, 0)),
        (counts(0, 0), counts(3, 4)),
    ]:
        found = statistics.distances(reference, window, ALPHA)

        assert (found.psi_critical, found.psi_p, found.chi2, found.chi2_p) == (0.0, 1.0, 0.0, 1.0)


def test_bins_that_differ_in_number_are_refused() -> None:
    with pytest.raises(BinMismatchError):
        statistics.psi(counts(1, 2), counts(1, 2, 3))


def test_the_largest_shift_names_the_bin_and_the_direction() -> None:
    found = statistics.distances(counts(50, 30, 20), counts(50, 10, 40), ALPHA)

    assert found.largest_shift_bin in (1, 2)
    assert abs(found.largest_shift) == pytest.approx(0.2)


def test_limits_are_those_of_the_window_not_of_the_reference() -> None:
    low, high = statistics.binomial_limits(0.5, 900)

    assert low == pytest.approx(0.45)
    assert high == pytest.approx(0.55)


def test_one_unseen_level_in_a_thousand_is_no_alarm_and_fifty_are() -> None:
    assert statistics.share_rise_p(0, 26_000, 1, 1_000) > 0.01
    assert statistics.share_rise_p(0, 26_000, 50, 1_000) < 1e-12


@given(st.integers(1, 30_000), st.integers(1, 30_000), st.data())
def test_tails_of_shares_are_hypergeometric(n: int, window_n: int, data: st.DataObject) -> None:
    hits, window = data.draw(st.integers(0, n)), data.draw(st.integers(0, window_n))
    shape = (n + window_n, hits + window, window_n)

    assert statistics.share_rise_p(hits, n, window, window_n) == stats.hypergeom.sf(window - 1, *shape)
    assert statistics.share_fall_p(hits, n, window, window_n) == stats.hypergeom.cdf(window, *shape)


@given(pairs())
def test_the_index_is_symmetric_and_never_negative(pair: tuple[Counts, Counts]) -> None:
    a, b = pair

    assert statistics.psi(a, b) == pytest.approx(statistics.psi(b, a), abs=1e-12)
    assert statistics.psi(a, b) >= 0.0


@given(pairs())
def test_a_sample_is_no_distance_from_itself(pair: tuple[Counts, Counts]) -> None:
    found = statistics.distances(pair[0], pair[0], ALPHA)

    assert (found.psi, found.ks, found.psi_p) == (0.0, 0.0, 1.0)
    assert found.js_distance == pytest.approx(0.0, abs=1e-7)


@given(pairs())
def test_every_statistic_stays_in_its_range(pair: tuple[Counts, Counts]) -> None:
    found = statistics.distances(*pair, ALPHA)

    assert 0.0 <= found.ks <= 1.0 + 1e-12
    assert 0.0 <= found.js_distance <= 1.0 + 1e-12
    assert 0.0 <= found.psi_p <= 1.0
    assert 0.0 <= found.chi2_p <= 1.0
    assert -1.0 <= found.largest_shift <= 1.0


@given(pairs(), st.permutations(range(12)))
def test_all_but_ks_ignore_the_order_of_bins(pair: tuple[Counts, Counts], order: list[int]) -> None:
    places = [place for place in order if place < len(pair[0])]
    kept = statistics.distances(*pair, ALPHA)
    mixed = statistics.distances(pair[0][places], pair[1][places], ALPHA)

    assert mixed.psi == pytest.approx(kept.psi, abs=1e-12)
    assert mixed.chi2 == pytest.approx(kept.chi2, abs=1e-9)
    assert mixed.js_distance == pytest.approx(kept.js_distance, abs=1e-7)


def test_the_index_exceeds_its_critical_value_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    exceeded = sum(
        statistics.psi(reference, window) > statistics.psi_critical(reference, window, 0.05)
        for reference, window in (
            (rng.multinomial(10_000, shares), rng.multinomial(1_000, shares)) for _ in range(1_000)
        )
    )

    assert 30 <= exceeded <= 72  # 50 expected, sd 7


@settings(deadline=None)
@given(pairs())
def test_what_is_written_out_here_is_scipy_s_to_the_bit(pair: tuple[Counts, Counts]) -> None:
    """Reports are recomputed to the byte, those too that `scipy.stats` computed."""
    used = (pair[0] + pair[1]) > 0
    if not (pair[0].any() and pair[1].any() and used.sum() > 1):
        return
    table = stats.chi2_contingency(np.stack([pair[0][used], pair[1][used]]), correction=False)
    freedom, scale = int(used.sum()) - 1, float(1.0 / pair[0].sum() + 1.0 / pair[1].sum())

    assert statistics.chi_square(*pair) == (float(table.statistic), float(table.pvalue))
    assert statistics.js_distance(*pair) == float(np.nan_to_num(distance.jensenshannon(*pair, base=2)))
    assert statistics.psi_critical(*pair, ALPHA) == float(stats.chi2.isf(ALPHA, freedom) * scale)
    assert statistics.psi_p(*pair) == float(stats.chi2.sf(statistics.psi(*pair) / scale, freedom))
