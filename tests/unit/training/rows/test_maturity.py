"""Rows whose loans are too young to have ended are left out of a table, and counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from schemas.contract.contract import Contract
from schemas.tables.times import NO_TIME
from schemas.timestamps import millis_of
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.rows.labelled_rows import CleanRows
from training.rows.maturity import mature_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def within(days: int) -> Contract:
    return replace(CONTRACT, label=replace(CONTRACT.label, outcome_after_days=days))


def rows_of_age(*days_ago: float) -> CleanRows:
    rows = made_up_rows(600).take(np.arange(len(days_ago)))
    times = np.array([millis_of(NOW - timedelta(days=days)) for days in days_ago])
    return CleanRows(rows=replace(rows, applied_at=times), source="loans.csv", read=len(days_ago), left_out={"x": 2})


def test_a_loan_counts_from_the_day_on_which_its_window_is_over() -> None:
    kept = mature_rows(within(365), rows_of_age(400, 365, 364, 1), NOW)

    assert len(kept.rows) == 2
    assert kept.left_out == {"x": 2, "immature": 2}


def test_without_a_window_every_loan_counts() -> None:
    cleaned = rows_of_age(400, 1)

    assert mature_rows(CONTRACT, cleaned, NOW) is cleaned


def test_rows_without_a_time_stay_and_it_is_said() -> None:
    cleaned = rows_of_age(400, 1)
    timeless = replace(cleaned, rows=replace(cleaned.rows, applied_at=np.full(2, NO_TIME)))

    kept = mature_rows(within(365), timeless, NOW)

    assert len(kept.rows) == 2
    assert kept.left_out == {"x": 2}
    assert "2 rows of loans.csv have no time" in kept.notes[0]
