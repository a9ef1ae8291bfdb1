import json
from dataclasses import replace

import numpy as np
import pytest

from scorecard.profile import BinnedQuantity, BinPlan, Profile, bin_counts, number_bins
from tests.builders import CONTRACT, an_application, applications, scorecard_parts, some_values

PROFILE = scorecard_parts().profile


def count(binned: BinnedQuantity, *values: float, wrong: bool = False) -> list[int]:
    return binned.count(np.array(values), np.full(len(values), wrong)).tolist()


def test_a_bin_holds_its_upper_edge_and_the_ends_are_open():
    binned = BinnedQuantity("x", edges=(1.0, 2.0), levels=(), counts=())

    assert count(binned, -1e9, 1.0, 1.5, 2.0, 1e9) == [2, 2, 1, 0, 0, 0]


def test_missing_invalid_and_unseen_have_bins_of_their_own():
    number = BinnedQuantity("x", edges=(1.0,), levels=(), counts=())
    category = BinnedQuantity("c", edges=(), levels=("A", "B"), counts=())

    assert count(number, np.nan) == [0, 0, 1, 0, 0]
    assert count(number, np.inf, wrong=True) == [0, 0, 0, 1, 0]
    assert count(category, -1.0, 1.0) == [0, 1, 0, 0, 1]


def test_counts_of_parts_add_up_to_the_count_of_the_whole():
    values = some_values(100)

    whole = bin_counts(PROFILE, CONTRACT, values)
    parts = zip(bin_counts(PROFILE, CONTRACT, values[:37]), bin_counts(PROFILE, CONTRACT, values[37:]), strict=True)

    assert all(np.array_equal(total, first + second) for total, (first, second) in zip(whole, parts, strict=True))


def test_the_reference_counts_are_those_of_its_own_rows():
    counted = bin_counts(PROFILE, CONTRACT, some_values())

    assert [counts.tolist() for counts in counted] == [list(binned.counts) for binned in PROFILE.features]


def test_every_observed_field_is_profiled_the_watched_too():
    assert [binned.name for binned in PROFILE.features] == [field.name for field in CONTRACT.observed]


def test_one_large_income_moves_one_count():
    usual = applications(*[an_application()] * 10).values
    odd = usual.copy()
    odd[0, CONTRACT.position["person_income"]] = 6_000_000

    before, after = (
        bin_counts(PROFILE, CONTRACT, values)[CONTRACT.position["person_income"]] for values in (usual, odd)
    )

    assert np.abs(before - after).sum() == 2


def test_a_profile_comes_back_from_its_plain_data_under_the_same_name():
    read = Profile.from_dict(json.loads(json.dumps(PROFILE.to_dict())))

    assert read == PROFILE
    assert read.reference_id == PROFILE.reference_id


def test_another_count_is_another_reference():
    other = replace(PROFILE, outcomes=(0, 1, 2, 3))

    assert other.reference_id != PROFILE.reference_id


@pytest.mark.parametrize("absent", ["features", "score", "reasons"])
def test_a_profile_without_a_part_is_refused(absent):
    described = {name: part for name, part in PROFILE.to_dict().items() if name != absent}

    with pytest.raises(KeyError):
        Profile.from_dict(described)


def test_bins_are_as_many_as_planned_of_each_field():
    values = np.linspace(1.0, 2.0, 10_000)
    plan = BinPlan.parse("4, person_income=20")

    assert (plan.of("person_income"), plan.of("loan_amnt"), plan.of("probability")) == (20, 4, 4)
    # Two more at the tails.
    assert [len(number_bins("", values, bins).edges) + 1 for bins in (4, 20)] == [6, 22]
    assert BinPlan.parse("") == BinPlan()


@pytest.mark.parametrize("text", ["1", "51", "ten", "income=", "10, 10", "income=2.5"])
def test_what_is_no_plan_of_bins_is_refused(text):
    with pytest.raises(ValueError, match="is no plan of 2 to 50 bins"):
        BinPlan.parse(text)
