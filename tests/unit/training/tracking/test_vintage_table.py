"""Default rates by month of application, of months with enough people."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.tables.times import NO_TIME
from tests.unit.training.builders import made_up_rows
from training.tracking.vintage_table import vintage_section, vintage_table


def test_a_month_has_its_rate_and_a_small_one_is_not_reported() -> None:
    rows = made_up_rows(600).take(np.arange(129))
    months = np.repeat(np.array(["2025-01", "2025-02", "2025-03"], dtype="datetime64[M]"), [100, 20, 9])
    defaulted = np.r_[np.arange(100) < 30, np.arange(29) < 5]
    dated = replace(rows, applied_at=months.astype("datetime64[ms]").astype(np.int64), defaulted=defaulted)

    table = vintage_table(dated)

    assert list(table["month"]) == ["2025-01", "2025-02"]
    assert list(table["rows"]) == [100, 20]
    assert list(table["default_rate"]) == pytest.approx([0.3, 0.25])
    # Wilson's interval of 30 in 100.
    assert "| 2025-01 | 100 | 0.300 | 0.219 to 0.396 |" in vintage_section(table)


def test_rows_without_times_have_no_vintages() -> None:
    rows = made_up_rows(600)

    assert "no times" in vintage_section(vintage_table(replace(rows, applied_at=np.full(len(rows), NO_TIME))))
