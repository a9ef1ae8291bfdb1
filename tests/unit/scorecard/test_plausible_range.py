"""A table in another unit is found by the reference's tails, and honest drift is not."""

from dataclasses import replace

import numpy as np
import pytest

from loanctl.reports.file_check import features_only
from loanctl.simulation import synthetic_population
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.applications import Matrix
from schemas.tables import columns
from scorecard.plausible_range import LEAST_VALUES, ImplausibleField, implausible_fields, implausible_values
from scorecard.profile import BinnedQuantity, Profile, spike_edges
from tests.builders import CONTRACT

SCORED = [field.name for field in CONTRACT.scored()]
INCOME = CONTRACT.position["person_income"]
RATIO = CONTRACT.position["loan_percent_income"]


def people(seed: int, rows: int = 4_000, shift: PopulationShift = synthetic_population.UNSHIFTED) -> Matrix:
    return columns.values(CONTRACT, synthetic_population.applicants(rows, seed, shift), "people")


@pytest.fixture(scope="module")
def profile() -> Profile:
    return features_only(people(1), CONTRACT)


def incomes_times(factor: float) -> Matrix:
    """Incomes in another unit, and the ratio that follows from them."""
    values = people(2)
    values[:, INCOME] *= factor
    values[:, RATIO] /= factor
    return values


def implausible(profile: Profile, values: Matrix) -> list[ImplausibleField]:
    return implausible_values(values, profile, CONTRACT, SCORED)


def test_monthly_incomes_are_named_with_their_share_and_the_usual_range(profile: Profile) -> None:
    income, *_ = implausible(profile, incomes_times(1 / 12))

    assert income.name == "person_income"
    assert not income.above
    assert income.share > 0.9
    low, high = np.quantile(people(1)[:, INCOME], [0.01, 0.99])
    assert (income.low, income.high) == pytest.approx((low, high), rel=0.01)
    assert f"{income.share:.1%} of 4,000 values are below {income.low:,.6g}" in str(income)
    assert "check the column's unit" in str(income)


def test_incomes_in_thousandths_lie_above(profile: Profile) -> None:
    found_above = implausible(profile, incomes_times(100.0))

    assert [each.above for each in found_above if each.name == "person_income"] == [True]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5, 2.0])
def test_honest_drift_is_not_refused(profile: Profile, factor: float) -> None:
    shifted = people(2, shift=PopulationShift(income_factor=factor))

    assert implausible(profile, shifted) == []


def test_a_field_that_is_not_scored_is_not_looked_at(profile: Profile) -> None:
    values = people(2)
    values[:, CONTRACT.position["loan_int_rate"]] = 0.11

    assert implausible(profile, values) == []
    [rate] = implausible_values(values, profile, CONTRACT, ["loan_int_rate"])
    assert rate.name == "loan_int_rate"


def test_few_values_are_not_judged(profile: Profile) -> None:
    monthly = incomes_times(1 / 12)

    assert implausible(profile, monthly[: LEAST_VALUES - 1]) == []
    assert implausible(profile, monthly[:LEAST_VALUES]) != []


def test_missing_and_invalid_values_are_not_counted() -> None:
    quantity = BinnedQuantity("x", edges=(1.0, 9.0), levels=(), counts=(1, 98, 1, 0, 0, 0))

    [half] = implausible_fields([quantity], [np.array([0, 19, 21, 500, 500, 0])])

    assert (half.n, half.share) == (40, 0.525)
    assert implausible_fields([quantity], [np.array([0, 20, 20, 500, 500, 0])]) == []


def test_an_end_that_holds_many_of_the_reference_is_no_tail() -> None:
    """Profiles of before had no bins for tails; of others a tenth lie in the last one."""
    quantity = BinnedQuantity("x", edges=(1.0, 9.0), levels=(), counts=(1, 89, 10, 0, 0, 0))
    everyone_high = [np.array([0, 0, 100, 0, 0, 0])]

    assert implausible_fields([quantity], everyone_high) == []
    assert implausible_fields([replace(quantity, counts=(1, 98, 1, 0, 0, 0))], everyone_high) != []


@pytest.mark.parametrize(
    "quantity",
    [
        BinnedQuantity("category", edges=(), levels=("A", "B", "C"), counts=(1, 50, 49, 0, 0, 0)),
        BinnedQuantity("nobody", edges=(1.0, 2.0), levels=(), counts=(0, 0, 0, 9, 0, 0)),
        BinnedQuantity("all of one value", edges=spike_edges(30.0), levels=(), counts=(0, 99, 0, 0, 0, 0)),
    ],
    ids=lambda quantity: quantity.name,
)
def test_what_has_no_range_has_no_tails(quantity: BinnedQuantity) -> None:
    assert implausible_fields([quantity], [np.array([90, 0, 0, 0, 0, 0])]) == []
