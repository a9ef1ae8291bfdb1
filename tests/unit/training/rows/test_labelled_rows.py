"""Rows to learn from are those that would be scored, and what cannot be one is refused by name."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from schemas.applications import UNSEEN, Matrix
from schemas.tables.table_errors import TableError
from schemas.tables.times import NO_TIME
from tests.unit.training.builders import CONTRACT, a_table, made_up_rows
from training.rows.labelled_rows import CleanRows, LabelledRows, from_events, from_table, refuse_too_few, together

INCOME = CONTRACT.position["person_income"]


def clean(table: pd.DataFrame, **given: bool) -> CleanRows:
    return from_table(CONTRACT, table, "loans.csv", **given)


def recent(values: Matrix) -> LabelledRows:
    count = len(values)
    return LabelledRows(
        values=values,
        defaulted=np.arange(count) % 2 == 0,
        applied_at=np.arange(count),
        recent=np.ones(count, dtype=bool),
        ids=np.zeros(count, dtype=np.uint64),
    )


def test_rows_carry_the_values_of_the_contracts_columns_and_their_labels() -> None:
    found = clean(a_table(2, person_income=[40_000, 60_000], loan_status=[1, 0]))

    assert found.rows.values[:, INCOME].tolist() == [40_000, 60_000]
    assert found.rows.defaulted.tolist() == [True, False]
    assert found.rows.applied_at.tolist() == [NO_TIME, NO_TIME]


def test_columns_that_the_contract_does_not_know_are_ignored_and_named() -> None:
    found = clean(a_table(2, customer_id=["x", "y"], branch=1))

    assert found.ignored_columns == ("customer_id", "branch")
    assert len(found.rows) == 2


def test_a_row_that_would_not_be_scored_is_left_out_under_the_published_word() -> None:
    table = a_table(4, person_emp_length=[123.0, 4.0, np.nan, 40.0], person_income=[5e4, np.nan, 5e4, 5e4])

    found = clean(table)

    assert dict(found.left_out) == {"missing": 1, "out_of_range": 1, "contradictory": 1}
    assert len(found.rows) == 1


def test_equal_values_are_not_equal_loans() -> None:
    found = clean(a_table(3, person_income=5e4, loan_status=0))

    assert (len(found.rows), found.left_out) == (3, {})


def test_rows_of_one_application_count_once_the_first_of_them() -> None:
    found = clean(a_table(4, application_id=["a", "b", "a", "c"], person_income=[5e4, 51e3, 52e3, 53e3]))

    assert found.rows.values[:, INCOME].tolist() == [5e4, 51e3, 53e3]
    assert found.left_out == {"duplicate": 1}


def test_without_ids_rows_equal_in_values_and_time_are_one() -> None:
    times = ["2026-03-01", "2026-03-01", "2026-03-02"]
    found = clean(a_table(3, person_income=5e4, loan_status=0, applied_at=times))

    assert (len(found.rows), found.left_out) == (2, {"duplicate": 1})


def test_an_id_that_is_absent_is_refused() -> None:
    with pytest.raises(TableError, match=r"column application_id of loans.csv has 1 rows without an id"):
        clean(a_table(2, application_id=["a", ""]))


def test_an_application_in_table_and_topics_counts_once_as_it_came_over_the_topics() -> None:
    names = [f"a-{place}" for place in range(50)]
    base = clean(a_table(50, application_id=names))
    values = base.rows.values.copy()
    values[:, INCOME] += 0.01
    events = from_events(CONTRACT, dataclasses.replace(base.rows, values=values, recent=np.ones(50, dtype=bool)))

    both = together(base, events)

    assert (len(both.rows), both.left_out, both.notes) == (50, {"duplicate": 50}, ())
    assert both.rows.recent.all()


def test_a_source_that_disagrees_is_named_with_the_field_and_its_share() -> None:
    ratios = [0.2] * 7 + [0.5] * 3
    table = a_table(10, person_income=5e4, loan_amnt=1e4, loan_percent_income=ratios, application_id=list("abcdefghij"))

    found = clean(table)
    both = together(clean(a_table(2, application_id=["x", "y"])), found)

    note = (
        "3 of 10 rows of loans.csv are left out: loan_percent_income contradicts loan_amnt / person_income; "
        "check the column's source and its unit"
    )
    assert (len(found.rows), found.left_out, found.notes) == (7, {"contradictory": 3}, (note,))
    assert both.notes == (note,)


def test_rows_that_agree_have_no_note() -> None:
    assert clean(a_table(10, person_income=5e4, loan_amnt=1e4, loan_percent_income=0.25)).notes == ()


def test_a_table_without_ids_beside_the_topics_is_said_loudly() -> None:
    both = together(
        CleanRows(made_up_rows(50), "table", 50), from_events(CONTRACT, recent(made_up_rows(40, seed=2).values))
    )

    assert "50 rows of table name no application" in both.notes[0]


def test_a_row_without_a_label_is_left_out_and_counted() -> None:
    found = clean(a_table(3, loan_status=[1.0, np.nan, 0.0]))

    assert found.left_out["unlabelled"] == 1
    assert found.rows.defaulted.tolist() == [True, False]


@pytest.mark.parametrize("labels", [["1", "0"], [1.0, 0.0], [True, False]])
def test_labels_may_be_written_as_words_numbers_or_truth(labels: list[object]) -> None:
    assert clean(a_table(2, loan_status=labels)).rows.defaulted.tolist() == [True, False]


def test_a_ratio_that_the_table_lacks_is_computed() -> None:
    table = a_table(1, person_income=40_000, loan_amnt=10_000, loan_status=1).drop(columns="loan_percent_income")

    assert clean(table).rows.values[0, CONTRACT.position["loan_percent_income"]] == 0.25


def test_watched_columns_and_prices_that_are_not_asked_for_may_be_absent() -> None:
    table = a_table(2).drop(columns=["person_age", "loan_grade", "loan_int_rate"])

    assert len(clean(table).rows) == 2


def test_prices_that_are_asked_for_must_be_there() -> None:
    with pytest.raises(TableError, match=r"loans.csv has no column loan_grade"):
        clean(a_table(2).drop(columns=["loan_grade"]), with_pricing=True)


def test_missing_columns_are_all_named_in_one_line() -> None:
    with pytest.raises(TableError, match=r"no column person_income, loan_intent, loan_status, which"):
        clean(a_table(2).drop(columns=["person_income", "loan_intent", "loan_status"]))


def test_labels_in_other_words_are_refused() -> None:
    with pytest.raises(TableError, match=r"column loan_status of loans.csv has 1 labels other than 1"):
        clean(a_table(3, loan_status=["1", "0", "paid"]))


def test_a_number_that_is_none_is_refused_by_column_and_row_and_not_by_value() -> None:
    with pytest.raises(
        TableError, match=r"column person_income of loans.csv has 1 values that are not numbers"
    ) as told:
        clean(a_table(3, person_income=["50000", "much", ""]))
    assert "row 2" in str(told.value)
    assert "much" not in str(told.value)


def test_a_row_with_a_level_that_is_not_declared_is_left_out_and_the_level_named() -> None:
    found = clean(a_table(3, loan_intent=["MEDICAL", "GREENENERGY", "Medical"]))

    assert found.left_out == {"unknown_level": 2}
    assert found.unknown_levels == {"loan_intent": ["GREENENERGY", "Medical"]}


def test_no_usable_rows_says_why_and_how_many_of_each() -> None:
    found = clean(a_table(3, loan_intent=["YACHT", "YACHT", "MEDICAL"], person_income=[5e4, 5e4, -1]))

    with pytest.raises(TableError, match=r"no usable rows; of 3 read were left out: 1 out of range, 2 unknown level"):
        refuse_too_few(found)
    with pytest.raises(TableError, match=r"column loan_intent has levels .* declare: 'YACHT'"):
        refuse_too_few(found)


def test_events_with_an_undeclared_level_are_left_out_like_rows_of_a_table() -> None:
    values = made_up_rows(5).values
    values[0, CONTRACT.position["loan_intent"]] = UNSEEN

    assert from_events(CONTRACT, recent(values)).left_out == {"unknown_level": 1}


def test_times_are_read_as_milliseconds_or_iso_words() -> None:
    words = clean(a_table(2, applied_at=["2026-03-01T12:00:01Z", "2026-03-01T12:00:02+00:00"]))
    numbers = clean(a_table(2, applied_at=[1_772_366_401_000, 1_772_366_402_000]))

    assert words.rows.applied_at.tolist() == numbers.rows.applied_at.tolist() == [1_772_366_401_000, 1_772_366_402_000]


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(TableError, match=r"column applied_at of loans.csv has 1 values that are not times"):
        clean(a_table(2, applied_at=["1970-01-01T00:00:01Z", "yesterday"]))


def test_events_are_cleaned_like_a_table_and_marked_recent() -> None:
    values = made_up_rows(5).values
    values[0, INCOME] = -1.0

    found = from_events(CONTRACT, recent(values))

    assert found.left_out == {"out_of_range": 1}
    assert found.rows.recent.all()
    assert found.rows.applied_at.tolist() == [1, 2, 3, 4]


def test_an_event_that_repeats_a_row_of_the_table_is_left_out() -> None:
    base = CleanRows(made_up_rows(50), "table", 50)
    again = from_events(CONTRACT, dataclasses.replace(base.rows, recent=np.ones(len(base.rows), dtype=bool)))

    both = together(base, again)

    assert len(both.rows) == len(base.rows)
    assert both.left_out["duplicate"] == len(base.rows)
    assert not both.rows.recent.any()


@pytest.mark.parametrize(
    ("count", "labels", "told"),
    [
        (0, [], "has no usable rows"),
        (20, None, "has 20 usable rows, at least 500 are needed"),
        (600, [0] * 600, "labels of one class only: 0 defaults, 600 repaid"),
        (600, [1] * 10 + [0] * 590, "10 defaults and 590 repaid, at least 50 of each are needed"),
    ],
)
def test_too_few_rows_are_refused_saying_how_many_are_needed(count: int, labels: list[int] | None, told: str) -> None:
    found = clean(a_table(count, **({} if labels is None else {"loan_status": labels})))

    with pytest.raises(TableError, match=told):
        refuse_too_few(found)
