"""Groups come from the contract, small ones are not told, and a ratio holds a promotion only where it is no chance."""

import math
from dataclasses import replace

import numpy as np
import pytest

from schemas.contract.contract import Contract, ContractError
from tests.builders import contract_with
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.fairness.applicant_groups import ApplicantGroup, least_impact_ratio, watched_groups
from training.fairness.fairness_report import FairnessReport, card_section, group_table, proxy_table
from training.fairness.group_figures import GroupFigures, group_figures
from training.fairness.proportions import Proportion


def groups_of(*sizes: int) -> tuple[ApplicantGroup, ...]:
    """Groups a, b, ... of one field, one after the other."""
    which = np.repeat(np.arange(len(sizes)), sizes)
    return tuple(ApplicantGroup("person_age", "abc"[place], which == place) for place in range(len(sizes)))


def figures_of(groups: tuple[ApplicantGroup, ...], *approved: int) -> tuple[GroupFigures, ...]:
    """As many approved of each group, the first of it; every second loan defaults."""
    n = len(groups[0].members)
    let_in = np.zeros(n, dtype=np.bool_)
    for group, count in zip(groups, approved, strict=True):
        let_in[np.flatnonzero(group.members)[:count]] = True
    return group_figures(groups, np.arange(n) % 2 == 0, np.full(n, 0.5), let_in)


def test_age_is_parted_where_the_law_does_and_a_missing_age_is_a_group() -> None:
    values = np.repeat(made_up_rows(500).values[:1], 5, axis=0)
    values[:, CONTRACT.position["person_age"]] = [18.0, 61.0, 62.0, 90.0, np.nan]

    groups = {each.name: each.members.tolist() for each in watched_groups(CONTRACT, values)}

    assert groups == {
        "under 62": [True, True, False, False, False],
        "62 and over": [False, False, True, True, False],
        "missing": [False, False, False, False, True],
    }


def test_a_contract_parts_a_number_as_it_says_and_still_answers_alike() -> None:
    contract = contract_with("person_age", groups=[25, 62])
    names = [each.name for each in watched_groups(contract, made_up_rows(800).values)]

    assert names[:3] == ["under 25", "25 to under 62", "62 and over"]
    assert contract.fingerprint == CONTRACT.fingerprint
    without = {
        **CONTRACT.schema,
        "fields": [{k: v for k, v in f.items() if k != "groups"} for f in CONTRACT.schema["fields"]],
    }
    assert Contract.of(without).field("person_age").groups == (62.0,)


@pytest.mark.parametrize(("groups", "name"), [([62, 40], "person_age"), ([40, 40], "person_age"), ([1], "loan_intent")])
def test_groups_that_part_nothing_are_refused(groups: list[int], name: str) -> None:
    with pytest.raises(ContractError, match="groups to compare"):
        contract_with(name, groups=groups)


def test_levels_of_a_watched_category_are_groups() -> None:
    contract = contract_with("loan_intent", role="watched")

    groups = [each for each in watched_groups(contract, made_up_rows(800).values) if each.field == "loan_intent"]

    assert {each.name for each in groups} == set(contract.field("loan_intent").levels)
    assert sum(int(each.members.sum()) for each in groups) == 800


def test_a_group_is_compared_with_the_most_approved_one() -> None:
    lower, upper = figures_of(groups_of(100, 400), 50, 320)

    assert (lower.approved, upper.approved) == (Proportion(50, 100), Proportion(320, 400))
    assert lower.reference == upper.reference == "b"
    assert lower.ratio == pytest.approx(0.5 / 0.8)
    low, high = lower.ratio_interval
    assert low < 0.625 < high < 0.8
    assert lower.p < 1e-6
    assert math.isnan(upper.ratio)


def test_a_group_is_compared_with_the_one_that_the_contract_names() -> None:
    lower, upper = (replace(group, reference=group.name == "a") for group in groups_of(100, 400))

    told = figures_of((lower, upper), 50, 320)

    assert {each.reference for each in told} == {"a"}
    assert (math.isnan(told[0].ratio), told[1].ratio) == (True, pytest.approx(0.8 / 0.5))
    assert least_impact_ratio((lower, upper), np.arange(500) >= 80) == pytest.approx(1.0 / 0.2)
    assert least_impact_ratio(groups_of(100, 400), np.arange(500) >= 80) == pytest.approx(0.2)


def test_a_reference_of_few_people_is_not_compared_with() -> None:
    few, *others = groups_of(20, 100, 400)

    told = figures_of((replace(few, reference=True), *others), 20, 50, 320)

    assert {each.reference for each in told} == {"c"}


def test_a_contract_names_the_group_by_a_number_in_it_or_by_a_level() -> None:
    values = made_up_rows(800).values
    by_age = contract_with("person_age", groups=[25, 62], reference=40)
    by_level = contract_with("loan_intent", role="watched", reference="VENTURE")

    for contract, name in ((by_age, "25 to under 62"), (by_level, "VENTURE")):
        groups = watched_groups(contract, values)
        assert [each.name for each in groups if each.reference] == [name]
        assert [each.members.tolist() for each in groups] == [
            each.members.tolist() for each in watched_groups(without_reference(contract), values)
        ]
    assert by_age.fingerprint == CONTRACT.fingerprint


def without_reference(contract: Contract) -> Contract:
    fields = [{k: v for k, v in spec.items() if k != "reference"} for spec in contract.schema["fields"]]
    return Contract.of({**contract.schema, "fields": fields})


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("person_age", {"reference": 130}),
        ("person_age", {"reference": "forty"}),
        ("person_age", {"protected": "none", "groups": [], "reference": 40}),
        ("loan_intent", {"role": "watched", "reference": "YACHT"}),
        ("loan_intent", {"reference": "VENTURE"}),
    ],
)
def test_a_reference_that_names_no_group_is_refused(name: str, attributes: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="reference group"):
        contract_with(name, **attributes)


def test_a_group_of_few_people_is_not_told_and_does_not_set_the_scale() -> None:
    told = figures_of(groups_of(9, 20, 400), 9, 20, 200)

    assert [each.group for each in told] == ["b", "c"]
    assert {each.reference for each in told} == {"c"}


def test_shares_of_repaid_and_defaulted_are_those_of_the_decisions() -> None:
    groups = groups_of(40, 40)
    defaulted = np.tile([True, False], 40)
    approved = ~defaulted | (np.arange(80) < 10)

    first, second = group_figures(groups, defaulted, np.where(defaulted, 0.9, 0.1), approved)

    assert (first.approved_repaid, first.approved_defaulted) == (Proportion(20, 20), Proportion(5, 20))
    assert second.approved_defaulted == Proportion(0, 20)
    assert (first.observed, first.stated, first.auc) == pytest.approx((0.5, 0.5, 1.0))


def test_a_level_that_is_off_for_one_group_shows_in_its_calibration() -> None:
    groups = groups_of(400, 400)
    defaulted = np.arange(800) % 4 == 0
    stated = np.where(np.arange(800) < 400, 0.25, 0.4)

    true, off = group_figures(groups, defaulted, stated, stated < 0.3)

    assert true.calibration_p == pytest.approx(1.0)
    assert off.calibration_p < 1e-6


def test_p_values_of_the_level_are_adjusted_for_the_number_of_groups_too() -> None:
    defaulted = np.arange(800) % 4 == 0
    stated = np.where(np.arange(800) < 400, 0.25, 0.3)

    _, alone = group_figures(groups_of(400, 400), defaulted, stated, stated < 0.3)
    (among,) = group_figures(groups_of(400, 400)[1:], defaulted, stated, stated < 0.3)

    assert alone.calibration_p == pytest.approx(2 * among.calibration_p)


def test_only_a_ratio_that_is_surely_under_the_floor_holds_a_promotion() -> None:
    sure = FairnessReport(500, figures_of(groups_of(100, 400), 50, 320))
    chance = FairnessReport(440, figures_of(groups_of(40, 400), 26, 320))

    assert len(sure.doubts(0.8)) == 1
    assert "0.625 of person_age a against b" in sure.doubts(0.8)[0]
    assert sure.doubts(0.6) == sure.doubts(0.0) == ()
    assert chance.least_ratio == pytest.approx(26 / 40 / 0.8)
    assert chance.doubts(0.82) == ()


def test_a_ratio_whose_interval_contains_the_floor_holds_no_promotion() -> None:
    report = FairnessReport(60_000, figures_of(groups_of(20_000, 40_000), 12_720, 32_000))
    lower = report.figures[0]

    assert lower.ratio == pytest.approx(0.795)
    assert lower.p < 1e-6
    assert lower.ratio_interval[0] < 0.795 < 0.8 < lower.ratio_interval[1]
    assert report.doubts(0.8) == ()
    assert "(!)" not in card_section(report, 0.8)
    assert len(report.doubts(0.82)) == 1


def test_a_group_of_fewer_than_30_has_no_least_ratio_and_holds_no_promotion() -> None:
    few = FairnessReport(412, figures_of(groups_of(12, 400), 1, 320))
    beside = FairnessReport(512, figures_of(groups_of(12, 400, 100), 1, 320, 60))

    assert few.figures[0].ratio == pytest.approx(1 / 12 / 0.8), "it is told"
    assert (few.least, few.doubts(0.8), few.summary()) == (None, (), ())
    assert math.isnan(few.least_ratio)
    assert beside.least_ratio == pytest.approx(0.6 / 0.8)
    assert all(" a against" not in doubt for doubt in beside.doubts(0.8))


def test_the_least_ratio_of_a_trial_is_of_groups_with_enough_people() -> None:
    groups = groups_of(10, 50, 50)
    approved = np.r_[np.zeros(10), np.ones(50), np.ones(25), np.zeros(25)].astype(np.bool_)

    assert least_impact_ratio(groups, approved) == pytest.approx(0.5)
    assert least_impact_ratio(groups[:2], approved) is None
    assert least_impact_ratio((), approved) is None


def test_the_card_and_the_table_state_groups_intervals_and_tests() -> None:
    report = FairnessReport(500, figures_of(groups_of(100, 400), 50, 320))

    card = card_section(report, 0.8)

    assert "| person_age | a | 100 | 0.500 (0.404 to 0.596) | 0.625" in card
    assert "(!)" in card
    assert "reference" in card
    assert list(group_table(report.figures)["group"]) == ["a", "b"]
    assert proxy_table(()).empty
    assert "no field as watched" in card_section(FairnessReport(0), 0.8)
