"""What performance figures promise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, roc_auc_score

from drift.performance import discrimination
from drift.performance.cox_calibration import intercept, slope
from drift.performance.discrimination import auc, ks
from drift.performance.intervals import rate
from drift.performance.loan_figures import Loans, performance
from scorecard.expected_auc import expected_auc


def some_loans(n: int = 2_000, seed: int = 1, known: float = 1.0, tilt: float = 0.0) -> Loans:
    """Applicants whose true log-odds are what is stated, and `tilt`."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.2, 1.2, n)
    return Loans(
        probability=expit(log_odds),
        approved=log_odds < -1.0,
        known=rng.random(n) < known,
        defaulted=rng.random(n) < expit(log_odds + tilt),
    )


def values(figure: Any) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def test_observed_figures_are_those_of_the_libraries() -> None:
    loans = some_loans()
    found = performance(loans, 1).observed

    assert found is not None
    assert found.auc is not None
    assert found.auc.value == pytest.approx(roc_auc_score(loans.defaulted, loans.probability), abs=1e-12)
    assert found.brier.value == pytest.approx(brier_score_loss(loans.defaulted, loans.probability), abs=1e-12)


def test_an_area_and_its_error_by_hand() -> None:
    probability, defaulted = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    # Of four pairs three are in order; the classes' parts are (.5, 1) and (1, .5): variance .125/2 + .125/2.
    half = 1.959964 * np.sqrt(0.125) / (0.75 * 0.25)

    found = auc(probability, defaulted)

    assert values(found) == pytest.approx((0.75, expit(np.log(3) - half), expit(np.log(3) + half)), rel=1e-5)


def test_classes_wholly_apart_leave_an_interval_and_no_slope() -> None:
    probability, defaulted = np.linspace(0.01, 0.99, 40), np.arange(40) >= 20

    found = auc(probability, defaulted)

    assert found.value == found.high == 1.0
    assert 0.7 < found.low < 0.9
    assert slope(probability, defaulted) is None


def test_one_probability_for_all_ranks_nothing() -> None:
    loans = replace(some_loans(200), probability=np.full(200, 0.2))

    found = performance(loans, 1)

    assert found.observed is not None
    assert found.observed.auc is not None
    assert found.observed.slope is None
    assert found.observed.auc.value == 0.5
    assert found.observed.ks is not None
    assert found.observed.ks.value == 0.0


@pytest.mark.parametrize("tilt", [0.0, 0.7])
def test_calibration_in_the_large_finds_what_was_added(tilt: float) -> None:
    loans = some_loans(20_000, tilt=tilt)

    found = intercept(loans.probability, loans.defaulted)

    assert found is not None
    assert found.low < tilt < found.high
    assert found.high - found.low < 0.1


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    truth = expected_auc(some_loans(200_000, seed=9).probability)
    held = {"auc": 0, "slope": 0, "rate": 0, "realised": 0}
    for seed in range(100):
        loans = some_loans(300, seed)
        found = performance(loans, seed)
        assert found.observed is not None
        assert found.observed.auc is not None
        assert found.observed.slope is not None
        assert found.estimated is not None
        assert found.estimated.auc is not None
        held["auc"] += found.observed.auc.low <= truth <= found.observed.auc.high
        held["slope"] += found.observed.slope.low <= 1.0 <= found.observed.slope.high
        low, high = found.estimated.default_rate.low, found.estimated.default_rate.high
        held["rate"] += low <= found.observed.default_rate.value <= high
        held["realised"] += found.estimated.auc.low <= found.observed.auc.value <= found.estimated.auc.high

    # 95 expected of 100; 88 lies three standard deviations away.
    assert all(88 <= count <= 100 for count in held.values()), held


def test_estimates_need_no_outcome_and_are_near_what_comes() -> None:
    loans = some_loans(5_000)

    before = performance(replace(loans, known=np.zeros(5_000, dtype=bool)), 1)
    after = performance(loans, 1).observed

    assert before.observed is None
    assert before.share_with_outcome == 0.0
    assert before.estimated is not None
    assert before.estimated.auc is not None
    assert before.estimated.ks is not None
    assert after is not None
    assert after.auc is not None
    assert after.ks is not None
    assert before.estimated.auc.low < after.auc.value < before.estimated.auc.high
    assert before.estimated.ks.low < after.ks.value < before.estimated.ks.high
    assert before.estimated.brier.low < after.brier.value < before.estimated.brier.high


def test_the_share_whose_outcome_is_known_is_told_and_only_they_are_judged() -> None:
    loans = some_loans(1_000, known=0.3)

    found = performance(loans, 1)

    assert found.with_outcome == int(loans.known.sum())
    assert found.share_with_outcome == pytest.approx(loans.known.mean())
    assert found.observed is not None
    assert found.observed.defaults == int((loans.known & loans.defaulted).sum())
    assert found.estimated is not None
    assert found.estimated.n == 1_000


def test_what_is_expected_of_the_approved_is_what_they_are_held_against() -> None:
    loans = some_loans(20_000)
    approved = loans.probability < np.quantile(loans.probability, 0.6)

    found = performance(replace(loans, known=approved), 1)

    assert found.observed is not None
    assert found.observed.auc is not None
    assert found.expected is not None
    assert found.expected.auc is not None
    assert found.estimated is not None
    assert found.estimated.auc is not None
    assert found.expected.n == found.observed.n == int(approved.sum())
    assert found.expected.auc.low < found.observed.auc.value < found.expected.auc.high
    assert found.observed.auc.value < found.estimated.auc.low, "the approved are harder to rank than all are"


@pytest.mark.parametrize("tilt", [6.0, -6.0, 12.0])
def test_calibration_in_the_large_is_found_where_it_is_largest(tilt: float) -> None:
    probability = np.random.default_rng(1).uniform(0.001, 0.02 if tilt > 0 else 0.05, 20_000)
    if tilt < 0:
        probability = 1.0 - probability
    truth = expit(np.log(probability / (1.0 - probability)) + tilt)

    found = intercept(probability, np.random.default_rng(2).random(20_000) < truth)

    assert found is not None
    assert found.low < tilt < found.high


def test_few_of_a_class_give_rates_and_no_ranking() -> None:
    loans = some_loans(300)
    few = np.flatnonzero(loans.defaulted)[:9]
    known = ~loans.defaulted
    known[few] = True

    found = performance(replace(loans, known=known), 1).observed

    assert found is not None
    assert (found.defaults, found.auc, found.ks, found.intercept, found.slope) == (9, None, None, None, None)
    assert found.default_rate.low < 9 / found.n < found.default_rate.high


def test_nothing_decided_and_nothing_scored_have_no_figures() -> None:
    nothing = some_loans(0)
    unscored = replace(some_loans(5), probability=np.full(5, np.nan))

    assert performance(nothing, 1).approval_rate is None
    assert performance(nothing, 1).estimated is None
    assert performance(unscored, 1).decided == 5
    assert performance(unscored, 1).observed is None


def test_certain_probabilities_have_no_pair_to_rank_and_break_nothing() -> None:
    found = performance(replace(some_loans(50), probability=np.zeros(50)), 1)

    assert found.estimated is not None
    assert values(found.estimated.default_rate) == (0.0, 0.0, 0.0)
    assert found.estimated.auc is None


def test_the_same_loans_and_seed_give_the_same_figures() -> None:
    assert performance(some_loans(), 3) == performance(some_loans(), 3)


def test_more_loans_than_groups_move_no_figure_in_its_third_decimal() -> None:
    loans = some_loans(30_000)
    found = ks(loans.probability, loans.defaulted, np.random.default_rng(1))

    assert found.low < found.value < found.high
    assert found.high - found.low < 0.04


@pytest.mark.slow
def test_the_interval_of_a_weak_rankings_gap_holds_the_truth_more_often_than_percentiles_would() -> None:
    spread = expit(norm.ppf(np.linspace(0.5e-5, 1.0 - 0.5e-5, 100_000), -1.2, 0.4))
    bad, good = (np.cumsum(each) / each.sum() for each in (spread, 1.0 - spread))
    truth, held = float(np.max(np.abs(bad - good))), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        stated = expit(rng.normal(-1.2, 0.4, 500))
        found = ks(stated, rng.random(500) < stated, rng)
        assert 0.0 <= found.low <= found.value <= found.high <= 1.0
        held += found.low <= truth <= found.high

    # 87 of 100 were measured, and 68 of 100 with percentiles.
    assert held >= 47


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=10, max_size=60))
def test_every_figure_lies_in_its_range_and_its_interval(rows: list[tuple[float, bool]]) -> None:
    probability, defaulted = (np.array(column) for column in zip(*rows, strict=True))
    everyone = np.ones(len(rows), dtype=bool)
    found = performance(Loans(probability=probability, approved=everyone, known=everyone, defaulted=defaulted), 1)

    assert found.observed is not None
    assert found.estimated is not None
    for figure in (found.observed.auc, found.observed.default_rate, found.observed.brier, found.approval_rate):
        assert figure is None or 0.0 <= figure.low <= figure.value + 1e-12 <= figure.high + 2e-12 <= 1.0 + 1e-9
    assert sum(each.n for each in found.observed.bins) == len(rows)


@given(st.integers(1, 5_000), st.integers(1, 4), st.data())
def test_what_is_written_out_is_what_scipy_gives(n: int, digits: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    rng = np.random.default_rng(n)
    one, other = (np.round(rng.random(size), digits) for size in (1 + count % 97, 1 + n % 89))

    ends = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")

    assert (rate(count, n).low, rate(count, n).high) == (ends.low, ends.high)
    assert discrimination._midranks(one).tolist() == stats.rankdata(one).tolist()
    # Of one value each scipy has no p value, and says so.
    with np.errstate(divide="ignore"):
        expected = stats.ks_2samp(one, other, method="asymp").statistic
    assert discrimination._largest_gap(one, other) == expected
