"""Applicants drawn from a profile can be scored, are spread as its population is, and are the same each time."""

import numpy as np
import pytest

from schemas.applications import Fault, faults
from schemas.contract.contract import Contract, load
from scorecard.policy import Policy, outcomes
from scorecard.profile import Population, Profile, bin_counts, profile_of
from scorecard.profile_sample import UnlikelyProfileError, profile_sample
from scorecard.reasons import MOST
from tests.builders import CONTRACT, some_values
from tests.unit.training.builders import made_up_rows


def profile(values: np.ndarray, contract: Contract = CONTRACT) -> Profile:
    count = len(values)
    population = Population(
        values=values,
        probability=np.full(count, 0.1),
        contributions=np.zeros((count, 0)),
        reasons=np.full((count, MOST), -1),
        outcomes=outcomes(Policy(0.2, 0.6), np.full(count, 0.1)),
    )
    return profile_of(contract, (), (), population)


@pytest.mark.parametrize("with_pricing", [False, True])
def test_every_row_can_be_scored_and_is_none_of_the_population(with_pricing: bool) -> None:
    values = made_up_rows(2_000).values

    drawn = profile_sample(profile(values), CONTRACT, 500, with_pricing=with_pricing)

    assert drawn.shape == (500, values.shape[1])
    assert set(faults(CONTRACT, drawn, with_pricing=with_pricing).codes.tolist()) == {Fault.NONE}
    income = CONTRACT.position["person_income"]
    assert not np.isin(drawn[:, income], values[:, income]).any()


def test_each_field_is_spread_as_in_the_population() -> None:
    reference = profile(made_up_rows(4_000).values)

    drawn = profile_sample(reference, CONTRACT, 4_000)

    for binned, counts in zip(reference.features, bin_counts(reference, CONTRACT, drawn), strict=True):
        if binned.name != "loan_percent_income":
            shares = np.array(binned.counts) / sum(binned.counts)
            # Half a hundredth of 4,000 draws, and what rejected rows take along.
            assert np.abs(counts / 4_000 - shares).max() < 0.05, binned.name


def test_the_same_profile_gives_the_same_rows() -> None:
    reference = profile(some_values(300))

    assert np.array_equal(
        profile_sample(reference, CONTRACT, 32), profile_sample(reference, CONTRACT, 32), equal_nan=True
    )


def test_a_profile_of_nobody_who_can_be_scored_is_refused() -> None:
    values = some_values(50)
    values[:, CONTRACT.position["person_income"]] = np.nan

    with pytest.raises(UnlikelyProfileError, match="credit_risk: no applicant drawn"):
        profile_sample(profile(values), CONTRACT, 32)


def test_a_product_of_more_fields_has_its_sample_too() -> None:
    contract, rng = load("lending_club"), np.random.default_rng(1)
    columns = [
        rng.integers(0, len(field.levels), 500) if field.levels else field.low + rng.integers(1, 50, 500)
        for field in contract.observed
    ]

    drawn = profile_sample(profile(np.column_stack(columns).astype(np.float64), contract), contract, 32)

    assert set(faults(contract, drawn).codes.tolist()) == {Fault.NONE}
