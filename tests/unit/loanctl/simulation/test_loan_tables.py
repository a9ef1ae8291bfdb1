"""Tables of applicants: what cannot be written is refused with one line, all else is played as it is."""

import re
from decimal import Decimal

import pandas as pd
import pytest

from loanctl.simulation import loan_tables
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.synthetic_population import applicants
from schemas.contract import contract as contracts
from schemas.tables.table_errors import TableError

CREDIT_RISK = contracts.load("credit_risk")


@pytest.fixture
def ten():
    return applicants(10, seed=1)


def a_file(folder, rows, name="loans.csv"):
    path = folder / name
    loan_tables.write_table(rows, path)
    return path


def test_missing_columns_are_named_with_their_file(tmp_path, ten):
    path = a_file(tmp_path, ten.drop(columns=["person_income", "loan_intent"]))

    with pytest.raises(TableError, match=r"loans\.csv has no column person_income, loan_intent, which"):
        loan_tables.read(path, CREDIT_RISK)


def test_columns_that_an_application_can_do_without_may_be_absent(tmp_path, ten):
    path = a_file(tmp_path, ten.drop(columns=["loan_grade", "loan_int_rate", "loan_percent_income", "person_age"]))

    columns = loan_tables.avro_columns(loan_tables.read(path, CREDIT_RISK), CREDIT_RISK)

    assert columns["loan_grade"] == [None] * 10


def test_columns_that_the_contract_does_not_know_are_left_aside(tmp_path, ten):
    path = a_file(tmp_path, ten.assign(branch="north"))

    assert "branch" not in loan_tables.avro_columns(loan_tables.read(path, CREDIT_RISK), CREDIT_RISK)


def test_a_header_without_rows_is_refused(tmp_path, ten):
    with pytest.raises(TableError, match=r"loans\.csv: has a header and no rows"):
        loan_tables.read(a_file(tmp_path, ten[:0]), CREDIT_RISK)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text("")

    with pytest.raises(TableError, match=r"loans\.csv: the file is empty"):
        loan_tables.read(path, CREDIT_RISK)


@pytest.mark.parametrize("name", ["loans.csv", "loans.parquet"])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(TableError, match=re.escape(f"{name}: cannot be read (No such file")):
        loan_tables.read(tmp_path / name, CREDIT_RISK)


def test_rubbish_under_a_parquet_name_is_refused_in_one_line(tmp_path):
    path = tmp_path / "loans.parquet"
    path.write_bytes(b"\0rubbish")

    with pytest.raises(TableError, match=r"loans\.parquet: is no CSV, Parquet or Excel table: no text$"):
        loan_tables.read(path, CREDIT_RISK)


def test_text_where_a_number_belongs_is_refused_and_not_repeated(tmp_path, ten):
    rows = ten.assign(person_income=["12000"] * 3 + ["a lot"] + ["12000"] * 6)

    with pytest.raises(
        TableError, match=r"column person_income of .*loans.csv has 1 values that are not numbers, the first in row 4$"
    ) as refusal:
        loan_tables.avro_columns(loan_tables.read(a_file(tmp_path, rows), CREDIT_RISK), CREDIT_RISK)
    assert "a lot" not in str(refusal.value)


def test_a_gap_is_refused_only_where_the_schema_has_no_null(ten):
    ten.loc[[2, 5], "person_emp_length"] = None
    ten["loan_intent"] = ten["loan_intent"].astype(object)
    ten.loc[[4, 7], "loan_intent"] = None

    with pytest.raises(TableError, match=r"column loan_intent is empty in row 5 and in 1 more$"):
        loan_tables.avro_columns(Table("t", "d", ten), CREDIT_RISK)


@pytest.mark.parametrize(
    ("column", "value"),
    [("cb_person_cred_hist_length", 2.5), ("cb_person_cred_hist_length", 3e9), ("person_income", 1e10)],
)
def test_a_number_too_large_or_too_fine_for_its_type_is_refused(ten, column, value):
    rows = ten.assign(**{column: [value] + [5.0] * 9})

    with pytest.raises(TableError, match=f"column {column} cannot be written as the field's type in row 1$"):
        loan_tables.avro_columns(Table("t", "d", rows), CREDIT_RISK)


def test_values_out_of_the_contract_range_are_kept_as_they_are(ten):
    rows = ten.assign(person_age=144, person_emp_length=123.0, loan_intent="YACHT", person_income=-5)

    columns = loan_tables.avro_columns(Table("t", "d", rows), CREDIT_RISK)

    assert columns["person_age"][0] == 144
    assert columns["person_emp_length"][0] == 123.0
    assert columns["loan_intent"][0] == "YACHT"
    assert columns["person_income"][0] == Decimal("-5.00")


def test_the_label_is_read_whether_text_whole_or_float(ten):
    as_written = ten["loan_status"].astype(bool).tolist()

    for kind in ("int64", "float64", "str"):
        rows = ten.assign(loan_status=ten["loan_status"].astype(kind))
        assert loan_tables.default_flags(Table("t", "d", rows), CREDIT_RISK) == as_written


def test_other_label_values_are_named_by_column_file_and_row(tmp_path, ten):
    path = a_file(tmp_path, ten.assign(loan_status=["0"] * 8 + ["2", "late"]))

    with pytest.raises(TableError, match=r"column loan_status of .*loans\.csv has 2 labels other than .*row 9$"):
        loan_tables.default_flags(loan_tables.read(path, CREDIT_RISK), CREDIT_RISK)


def test_a_table_without_labels_tells_no_outcomes(ten):
    with pytest.raises(TableError, match="no column loan_status"):
        loan_tables.default_flags(Table("t", "d", ten.drop(columns="loan_status")), CREDIT_RISK)


def test_a_ratio_follows_the_number_that_is_multiplied(ten):
    table = Table("t", "d", ten)

    moved = loan_tables.scale_columns(table, CREDIT_RISK, {"person_income": 1.6}).rows

    assert moved["person_income"].tolist() == pytest.approx((ten["person_income"] * 1.6).tolist())
    assert moved["loan_percent_income"].tolist() == pytest.approx((ten["loan_percent_income"] / 1.6).tolist())


def test_a_multiplied_table_gives_other_application_ids(ten):
    table = Table("t", "d", ten)

    assert loan_tables.scale_columns(table, CREDIT_RISK, {}).digest == "d"
    assert loan_tables.scale_columns(table, CREDIT_RISK, {"person_income": 1.6}).digest != "d"


def test_only_numbers_of_the_contract_can_be_multiplied(ten):
    with pytest.raises(TableError, match="loan_intent: not a number of credit_risk"):
        loan_tables.scale_columns(Table("t", "d", ten), CREDIT_RISK, {"loan_intent": 2.0})


def test_a_column_to_multiply_must_be_there(ten):
    without_rate = Table("t", "d", ten.drop(columns="loan_int_rate"))

    with pytest.raises(TableError, match="no column loan_int_rate to multiply"):
        loan_tables.scale_columns(without_rate, CREDIT_RISK, {"loan_int_rate": 2.0})


def test_the_public_file_is_read_whole(shared_folder):
    table = loan_tables.read(shared_folder / "data" / "credit_risk" / "credit_risk_dataset.csv", CREDIT_RISK)

    columns = loan_tables.avro_columns(table, CREDIT_RISK)

    assert len(columns["person_income"]) == len(table) == 32_581
    assert pd.Series(columns["person_emp_length"]).isna().sum() == 895
    assert pd.Series(loan_tables.default_flags(table, CREDIT_RISK)).mean() == pytest.approx(0.218, abs=0.001)
