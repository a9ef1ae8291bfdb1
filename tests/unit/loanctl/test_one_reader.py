"""One file, one reading: whatever the oddity of a table, training, checking and playing read the same applicants."""

import gzip
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loanctl.reports import file_check
from loanctl.simulation import loan_tables, playback
from loanctl.simulation.playback import Script
from schemas.applications import Matrix, from_records
from schemas.tables.table_errors import TableError
from tests.builders import APPLIED_AT, contract_with
from tests.unit.training.builders import CONTRACT
from training.rows import labelled_rows, sources

ROWS = 12
OPTIONAL = ("person_age", "loan_grade", "loan_int_rate", "loan_percent_income")


def loans() -> pd.DataFrame:
    """Twelve different loans, with a gap in each column that may have one; a copy for each caller."""
    return usual_loans().copy()


@cache
def usual_loans() -> pd.DataFrame:
    """The same, made once: that takes longer than most readings of them."""
    place = np.arange(ROWS)
    return pd.DataFrame(
        {
            "person_age": [None, *range(31, 30 + ROWS)],
            "person_income": 50_000 + 1_234 * place,
            "person_home_ownership": np.resize(["RENT", "OWN"], ROWS),
            "person_emp_length": [4.5, None, *np.resize([2.0, 7.5], ROWS - 2)],
            "loan_intent": np.resize(["MEDICAL", "PERSONAL", "VENTURE"], ROWS),
            "loan_grade": [None, *np.resize(["A", "B"], ROWS - 1)],
            "loan_amnt": 1_500 + 250 * place,
            "loan_int_rate": [None, *np.resize([11.49, 7.9], ROWS - 1)],
            "loan_percent_income": ((1_500 + 250 * place) / (50_000 + 1_234 * place)).round(4),
            "cb_person_default_on_file": np.resize(["N", "Y"], ROWS),
            "cb_person_cred_hist_length": np.resize([3, 6], ROWS),
            "loan_status": np.resize([0, 1], ROWS),
        }
    ).astype({"person_age": "Int64"})


def text(frame: pd.DataFrame, **options: object) -> bytes:
    return frame.to_csv(index=False, **options).encode()  # type: ignore[call-overload, no-any-return]


def lines(change: Callable[[str], str]) -> bytes:
    header, *rows = text(loans()).decode().splitlines()
    return "\n".join([header, *map(change, rows), ""]).encode()


def padded_table() -> bytes:
    frame = loans()
    words = frame.select_dtypes(["object", "string"]).columns
    return text(
        frame.assign(**{name: frame[name].map(lambda word: f" {word:<12}", na_action="ignore") for name in words})
    )


def table_with_gaps(word: str) -> bytes:
    return text(loans(), na_rep=word)


def table_with_groups(sign: str, decimal: str, delimiter: str) -> bytes:
    """Incomes and amounts with thousands in groups, decimals by another sign."""
    frame = loans()
    money = {
        name: frame[name].map(lambda one: f"{one:,}".replace(",", sign)) for name in ("person_income", "loan_amnt")
    }
    return text(frame.assign(**money), sep=delimiter, decimal=decimal)


def percent() -> bytes:
    frame = loans()
    shares = frame["loan_percent_income"].map(lambda one: f"{100 * one:.2f}%")
    rates = frame["loan_int_rate"].map(lambda one: f"{one} %", na_action="ignore")
    return text(frame.assign(loan_percent_income=shares, loan_int_rate=rates))


def excel() -> bytes:
    stream = io.BytesIO()
    loans().to_excel(stream, index=False)
    return stream.getvalue()


def parquet(**columns: object) -> bytes:
    stream = io.BytesIO()
    loans().assign(**columns).to_parquet(stream)
    return stream.getvalue()


def spark_decimals() -> bytes:
    return parquet(**{name: [Decimal(f"{one}.00") for one in loans()[name]] for name in ("person_income", "loan_amnt")})


KINDS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: text(loans()),
    "integers as floats": lambda: text(loans().astype({"person_income": float, "cb_person_cred_hist_length": float})),
    "padded words": padded_table,
    "missing: NA": lambda: table_with_gaps("NA"),
    "missing: null": lambda: table_with_gaps("null"),
    "missing: n/a": lambda: table_with_gaps("n/a"),
    "missing: a dot": lambda: table_with_gaps("."),
    "blanks in the header": lambda: text(loans()).replace(b"person_income,", b" person_income , ", 1),
    "semicolons": lambda: text(loans(), sep=";"),
    "tabs": lambda: text(loans(), sep="\t"),
    "bars": lambda: text(loans(), sep="|"),
    "named by Excel": lambda: b"sep=;\r\n" + text(loans(), sep=";"),
    "a decimal comma": lambda: text(loans(), sep=";", decimal=","),
    "thousands by comma": lambda: table_with_groups(",", ".", ","),
    "thousands by point": lambda: table_with_groups(".", ",", ";"),
    "thousands by blank": lambda: table_with_groups("\u00a0", ",", ";"),
    "thousands by apostrophe": lambda: table_with_groups("\u2019", ".", ";"),
    "percent signs": percent,
    "a byte order mark": lambda: b"\xef\xbb\xbf" + text(loans()),
    "UTF-16": lambda: text(loans()).decode().encode("utf-16"),
    "Windows-1252": lambda: text(loans().assign(city="Zürich")).decode().encode("cp1252"),
    "Windows line ends": lambda: text(loans(), lineterminator="\r\n"),
    "gzip": lambda: gzip.compress(text(loans())),
    "a comma at the end of each row": lambda: lines(lambda row: row + ","),
    "Excel": excel,
    "Parquet": parquet,
    "decimals of Spark": spark_decimals,
    "categories of pandas": lambda: parquet(loan_intent=loans()["loan_intent"].astype("category")),
}


def training_matrix(path: Path) -> Matrix:
    return labelled_rows.from_table(CONTRACT, sources.table(str(path)), "loans").rows.values


def check_matrix(path: Path) -> Matrix:
    return file_check.matrix(loan_tables.read(path, CONTRACT), CONTRACT)


def playback_matrix(path: Path) -> Matrix:
    script = Script(start=APPLIED_AT, spacing=timedelta(0))
    records = list(playback.records(loan_tables.read(path, CONTRACT), script, CONTRACT))
    return from_records(CONTRACT, records).values


COMMANDS = {"train": training_matrix, "check, profile, season-file": check_matrix, "play": playback_matrix}


@cache
def expected_matrix() -> Matrix:
    """By hand, and not by the reader: numbers as they are, levels by their place."""
    columns = []
    for field in CONTRACT.observed:
        given = loans()[field.column]
        codes = {level: float(place) for place, level in enumerate(field.levels)}
        column = given.map(codes) if field.levels else given
        columns.append(column.to_numpy(dtype=float, na_value=np.nan))
    return np.column_stack(columns)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_reads_every_kind_of_file_alike(tmp_path: Path, kind: str, command: str) -> None:
    path = tmp_path / "loans"
    path.write_bytes(KINDS[kind]())

    found = COMMANDS[command](path)

    np.testing.assert_allclose(found, expected_matrix(), rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_parquet_files_with_partitions_is_one_table(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "loans"
    loans().to_parquet(folder, partition_cols=["loan_intent"])
    (folder / "_SUCCESS").write_text("")

    found = COMMANDS[command](folder)

    intent = CONTRACT.position["loan_intent"]
    assert sorted(found[:, intent]) == sorted(expected_matrix()[:, intent])
    assert found[:, CONTRACT.position["person_income"]].sum() == loans()["person_income"].sum()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_optional_column_that_is_absent_is_missing(tmp_path: Path, command: str) -> None:
    path = tmp_path / "loans.csv"
    loans().drop(columns=list(OPTIONAL)).to_csv(path, index=False)

    found = COMMANDS[command](path)

    absent = [CONTRACT.position[name] for name in OPTIONAL[:3]]
    assert np.isnan(found[:, absent]).all()
    ratio = found[:, CONTRACT.position["loan_percent_income"]]
    assert ratio == pytest.approx((loans()["loan_amnt"] / loans()["person_income"]).tolist())


REFUSED = {
    "a name in another case": (
        lambda: text(loans().rename(columns={"person_age": "Person Age"})),
        r"no column person_age; is person_age the one that it calls 'Person Age'\?",
    ),
    "a needed name in another case": (
        lambda: text(loans().rename(columns={"person_income": "PERSON_INCOME"})),
        r"no column person_income, which .* is person_income the one that it calls 'PERSON_INCOME'\?",
    ),
    "a word for a number": (
        lambda: text(loans().assign(loan_amnt=["1500", "much"] + ["1500"] * 10)),
        r"column loan_amnt of .* has 1 values that are not numbers, the first in row 2",
    ),
    "both decimal signs": (
        lambda: text(loans().assign(loan_amnt=["1.500,25", "1,500.25"] + ["1500"] * 10)),
        r"some numbers have a decimal comma, others a decimal point: name one by LOAN_TABLE_DECIMAL",
    ),
    "one column twice": (
        lambda: text(loans()).replace(b"loan_grade", b"loan_intent", 1),
        "has column loan_intent",
    ),
    "more values than names": (lambda: lines(lambda row: row + ",x"), "row 1 has more values than the header has"),
    "a row cut in two": (
        lambda: lines(lambda row: row + "," + row),
        r"line 2 has more values than the header has columns \(12\)",
    ),
    "an archive": (lambda: b"PK\x03\x04rubbish", "is no CSV, Parquet or Excel table"),
    "damaged gzip": (lambda: gzip.compress(text(loans()))[:-30], "its gzip cannot be unpacked"),
    "nothing": (lambda: b"", "the file is empty"),
    "one long word": (lambda: b"\x7f" * 300_000, "is no CSV, Parquet or Excel table: no header"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", REFUSED)
def test_every_command_refuses_alike_in_one_line(tmp_path: Path, kind: str, command: str) -> None:
    content, told = REFUSED[kind]
    path = tmp_path / "loans.csv"
    path.write_bytes(content())

    with pytest.raises(TableError, match=told) as refusal:
        COMMANDS[command](path)
    assert "\n" not in str(refusal.value)
    assert "much" not in str(refusal.value)


@pytest.mark.parametrize("command", ["train", "check, profile, season-file"])
def test_a_number_of_four_hundred_digits_is_no_traceback(tmp_path: Path, command: str) -> None:
    path = tmp_path / "loans.csv"
    path.write_bytes(text(loans().assign(loan_amnt=["9" * 400] + ["1500"] * 11).drop(columns="loan_percent_income")))

    found = COMMANDS[command](path)

    finite = found[np.isfinite(found[:, CONTRACT.position["loan_amnt"]])]
    assert len(finite) == ROWS - 1


def test_a_number_of_four_hundred_digits_is_not_played(tmp_path: Path) -> None:
    path = tmp_path / "loans.csv"
    path.write_bytes(text(loans().assign(loan_amnt=["9" * 400] + ["1500"] * 11)))

    with pytest.raises(TableError, match="column loan_amnt cannot be written as the field's type in row 1"):
        playback_matrix(path)


LABELS = {
    "numbers with gaps": ["1.0", "0.0", ""],
    "truth": ["True", "False", "NA"],
    "truth in capitals": ["TRUE", "FALSE", "null"],
    "padded": [" 1 ", "0  ", "   "],
}


@pytest.mark.parametrize("spelling", LABELS)
def test_labels_are_read_alike_and_gaps_are_unlabelled(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "loans.csv"
    path.write_bytes(text(loans().assign(loan_status=np.resize(LABELS[spelling], ROWS))))

    rows = labelled_rows.from_table(CONTRACT, sources.table(str(path)), "loans")
    outcomes = loan_tables.default_flags(loan_tables.read(path, CONTRACT), CONTRACT)

    assert rows.rows.defaulted.tolist() == [True, False] * 4
    assert rows.left_out == {"unlabelled": 4}
    assert outcomes == [True, False, None] * 4


@pytest.mark.parametrize("words", [("True", "False"), ("TRUE", "FALSE"), ("None", "NA"), ("yes", "no")])
@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_a_declared_word_is_that_level_however_odd(tmp_path: Path, words: tuple[str, str], write: str) -> None:
    """True and NA are words where the contract declares them; a column of truth is in its words, too."""
    contract = contract_with("person_home_ownership", levels=list(words))
    given = np.resize(words, ROWS)
    frame = loans().assign(person_home_ownership=given == "True" if words[0] == "True" else given)
    path = tmp_path / "loans"
    frame.to_csv(path, index=False) if write == "csv" else frame.to_parquet(path)

    learned = labelled_rows.from_table(contract, sources.table(str(path)), "loans").rows.values
    matrix = file_check.matrix(loan_tables.read(path, contract), contract)
    told = loan_tables.avro_columns(loan_tables.read(path, contract), contract)["person_home_ownership"]

    place = contract.position["person_home_ownership"]
    assert learned[:, place].tolist() == matrix[:, place].tolist() == [0.0, 1.0] * (ROWS // 2)
    assert told == list(words) * (ROWS // 2)
