"""The parts of a split never meet, keep near-clones together and a row where it was."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract.contract import Contract
from schemas.tables.times import NO_TIME
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.rows.labelled_rows import LEAST_OF_A_CLASS, LEAST_ROWS, CleanRows, LabelledRows, RowsError, together
from training.rows.split import (
    Method,
    clone_keys,
    folds,
    near_clone_fields,
    split,
    without_torn_groups,
)
from training.rows.split_parts import SplitPart

ROWS = made_up_rows(3_000)


def with_clones(rows: LabelledRows) -> LabelledRows:
    """Every row twice, the second time with another intent and label: near-clones, not duplicates."""
    twins = rows.values.copy()
    intent = CONTRACT.position["loan_intent"]
    twins[:, intent] = (twins[:, intent] + 1) % 6
    return rows.then(dataclasses.replace(rows, values=twins, defaulted=~rows.defaulted))


def with_times(rows: LabelledRows, *, recent: bool) -> LabelledRows:
    count = len(rows)
    return dataclasses.replace(rows, applied_at=np.arange(count), recent=np.full(count, recent))


def test_every_row_has_one_part_and_the_shares_are_kept() -> None:
    sizes = split(CONTRACT, ROWS, 42).sizes()

    assert sum(sizes.values()) == len(ROWS)
    assert sizes["search"] / len(ROWS) == pytest.approx(0.65, abs=0.03)
    assert sizes["judgement"] / len(ROWS) == pytest.approx(0.12, abs=0.03)


@given(seed=st.integers(0, 1_000))
@settings(max_examples=10, deadline=None)
def test_no_near_clone_of_a_row_is_in_another_part(seed: int) -> None:
    rows = with_clones(ROWS)
    parts = split(CONTRACT, rows, seed).parts
    keys = clone_keys(CONTRACT, rows)

    seen = {(key, part) for key, part in zip(keys, parts.tolist(), strict=True) if part >= 0}

    assert len(seen) == len({key for key, _ in seen})


def test_the_plain_split_tears_clones_apart_so_the_leakage_test_can_fail() -> None:
    rows = with_clones(ROWS)
    parts = split(CONTRACT, rows, 42, Method.STRATIFIED).parts
    keys = clone_keys(CONTRACT, rows)

    seen = set(zip(keys, parts.tolist(), strict=True))

    assert len(seen) > len(set(keys))


def test_a_row_keeps_its_part_when_others_are_appended() -> None:
    before = split(CONTRACT, ROWS, 42).parts
    after = split(CONTRACT, ROWS.then(made_up_rows(500, seed=9)), 42).parts

    assert np.array_equal(before, after[: len(ROWS)])


def test_another_seed_gives_another_split() -> None:
    assert not np.array_equal(split(CONTRACT, ROWS, 1).parts, split(CONTRACT, ROWS, 2).parts)


def test_where_there_is_time_the_oldest_are_searched_and_the_newest_judge() -> None:
    rows = with_times(ROWS, recent=False)
    parted = split(CONTRACT, rows, 42)
    ends = [
        rows.applied_at[parted.places(part)]
        for part in (SplitPart.SEARCH, SplitPart.STOPPING, SplitPart.CUTOFFS, SplitPart.JUDGEMENT)
    ]

    assert parted.how == "table by time"
    assert all(earlier.max() < later.min() for earlier, later in itertools.pairwise(ends))


def test_a_group_that_time_tears_apart_stays_in_its_earliest_part() -> None:
    oldest = with_clones(ROWS.take(np.arange(100)))
    rows = with_times(oldest.take(np.arange(100)).then(ROWS.take(np.arange(100, 3_000))), recent=False)
    twins = dataclasses.replace(oldest.take(np.arange(100, 200)), applied_at=np.full(100, 10**6))
    parts = split(CONTRACT, rows.then(twins), 42).parts

    assert np.all(parts[:100] == SplitPart.SEARCH)
    assert np.all(parts[-100:] == SplitPart.LEFT_OUT)


def test_a_row_that_the_embargo_leaves_out_takes_none_of_its_group_with_it() -> None:
    out, first, last = SplitPart.LEFT_OUT, SplitPart.SEARCH, SplitPart.JUDGEMENT
    parts = np.array([first, out, first, last, out, first, last, out, out], dtype=np.int8)

    kept = without_torn_groups(parts, np.array(list("aabccddde"), dtype=object))

    assert kept.tolist() == [first, out, first, last, out, first, out, out, out]


def test_table_and_topics_are_both_in_every_part() -> None:
    rows = ROWS.then(with_times(made_up_rows(1_000, seed=5), recent=True))
    parted = split(CONTRACT, rows, 42)

    assert parted.how == "topics by time and table by draw"
    for part in list(SplitPart)[1:]:
        assert 0 < rows.recent[parted.places(part)].mean() < 1


def test_the_plain_split_is_80_10_10_and_stratified() -> None:
    parted = split(CONTRACT, ROWS, 42, Method.STRATIFIED)
    sizes = parted.sizes()

    assert sizes["search"] + sizes["stopping"] == pytest.approx(0.8 * len(ROWS), abs=3)
    assert sizes["judgement"] == pytest.approx(0.1 * len(ROWS), abs=2)
    rates = [ROWS.defaulted[parted.places(part)].mean() for part in list(SplitPart)[1:]]
    assert max(rates) - min(rates) < 0.01


def test_a_part_without_a_class_is_refused() -> None:
    few = ROWS.take(np.arange(60))
    with pytest.raises(RowsError, match="each part needs 3 of both"):
        split(CONTRACT, dataclasses.replace(few, defaulted=np.arange(60) < 4), 42)


def test_near_clones_agree_in_the_fields_that_the_schema_names() -> None:
    assert near_clone_fields(CONTRACT) == ("person_income", "person_emp_length", "loan_amnt"), "and in no price"


def test_near_clones_share_a_fold() -> None:
    rows = with_clones(ROWS)
    found = folds(clone_keys(CONTRACT, rows), 5, 42)

    assert np.array_equal(found[: len(ROWS)], found[len(ROWS) :])
    assert np.bincount(found).min() > 0.15 * len(rows)


CATEGORIES = Contract.of(
    {
        **CONTRACT.schema,
        "near_clones": [],
        "fields": [
            spec
            for spec in CONTRACT.schema["fields"]
            if spec["role"] in ("id", "event_time") or (spec.get("levels") and spec["role"] == "feature")
        ],
    }
)


def coarse(count: int, *, known_when: bool = False) -> LabelledRows:
    """Loans of a product of categories alone: many people, few different rows."""
    generator = np.random.default_rng(count)
    levels = [len(field.levels) for field in CATEGORIES.observed]
    return LabelledRows(
        values=np.column_stack([generator.integers(0, each, count) for each in levels]).astype(float),
        defaulted=generator.random(count) < 0.1,
        applied_at=np.arange(count) if known_when else np.full(count, NO_TIME),
        recent=np.zeros(count, dtype=bool),
        ids=np.zeros(count, dtype=np.uint64),
    )


@pytest.mark.parametrize("known_when", [False, True])
def test_a_product_of_categories_alone_is_split_and_loses_no_row(known_when: bool) -> None:
    rows = coarse(2_000, known_when=known_when)

    parted = split(CATEGORIES, rows, 42)

    assert not len(parted.places(SplitPart.LEFT_OUT))
    assert len(parted.places(SplitPart.SEARCH)) / 2_000 == pytest.approx(0.65, abs=0.03)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_stated_minimum_of_rows_is_enough_whatever_the_seed(seed: int) -> None:
    rows = dataclasses.replace(coarse(LEAST_ROWS), defaulted=np.arange(LEAST_ROWS) < LEAST_OF_A_CLASS)

    parts = split(CATEGORIES, rows, seed).parts

    for part in list(SplitPart)[1:]:
        assert min(np.bincount(rows.defaulted[parts == part], minlength=2)) >= 3


def test_no_application_stands_in_two_parts() -> None:
    named = dataclasses.replace(ROWS, ids=np.arange(1, len(ROWS) + 1, dtype=np.uint64))
    again = dataclasses.replace(named, values=named.values + 1.0, recent=np.ones(len(ROWS), dtype=bool))

    both = together(CleanRows(named, "table", len(ROWS)), CleanRows(again, "topics", len(ROWS)))

    assert len(set(both.rows.ids.tolist())) == len(both.rows) == len(ROWS)
