"""Tables come by path or URL; what does not open is told in one line without its credentials."""

import functools
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from schemas.tables.table_errors import TableError
from tests.doubles.http_server import web_server
from tests.unit.training.builders import a_table
from training.rows.sources import table


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not news."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    a_table(3).to_csv(tmp_path / "loans.csv", index=False)
    a_table(3).to_parquet(tmp_path / "loans.parquet")
    return tmp_path


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    with web_server(functools.partial(Quiet, directory=str(folder))) as address:
        yield address


@pytest.mark.parametrize("name", ["loans.csv", "loans.parquet"])
def test_a_table_is_read_by_path_and_by_file_url(folder: Path, name: str) -> None:
    assert len(table(str(folder / name))) == len(table((folder / name).as_uri())) == 3


@pytest.mark.parametrize("name", ["loans.csv", "loans.parquet"])
def test_a_table_is_read_from_the_web(web: str, name: str) -> None:
    assert table(f"{web}/{name}")["person_income"].astype(float).tolist() == [50_000, 50_010, 50_020]


def test_a_word_for_missing_is_left_for_the_contract_to_judge(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\nNA,1\n")

    assert table(str(tmp_path / "x.csv"))["a"].tolist() == ["NA"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/nowhere/loans.csv", "/nowhere/loans.csv: cannot be read (No such file or directory)"),
        ("http://127.0.0.1:9/loans.csv", "http://127.0.0.1:9/loans.csv: cannot be fetched"),
        ("gs://me:secret@vault/loans.csv", "gs://***@vault/loans.csv: reading it needs the package gcsfs"),
        ("hdfs://me:secret@vault/loans.csv", "hdfs://***@vault/loans.csv: URLs of this scheme are not read"),
        ("me:secret@vault/loans.csv", "***@vault/loans.csv: cannot be read"),
        (
            "postgresql://me:secret@127.0.0.1:9/db",
            "postgresql://***@127.0.0.1:9/db: say which table, or a query, after a #",
        ),
        ("postgresql://me:secret@127.0.0.1:9/db#loans", "postgresql://***@127.0.0.1:9/db#loans: cannot be read"),
    ],
)
def test_what_does_not_open_is_told_without_credentials(url: str, told: str) -> None:
    with pytest.raises(TableError) as fault:
        table(url)
    assert str(fault.value).startswith(told)
    assert "secret" not in str(fault.value)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "empty.csv").write_bytes(b"")

    for name, told in (("x.parquet", "is no CSV, Parquet or Excel table"), ("empty.csv", "the file is empty")):
        with pytest.raises(TableError, match=told):
            table(str(tmp_path / name))
