"""Rows of files as applications: JSON lines among them, under their own ids and times."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from loanctl.decisions import file_rows
from loanctl.simulation import loan_tables
from schemas.tables.table_errors import TableError
from tests.builders import CONTRACT
from tests.unit.gateway.calls import a_body

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def a_file(folder: Path, *rows: dict[str, object], name: str = "in.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, object]]:
    return file_rows.applications(loan_tables.read(path, CONTRACT), CONTRACT, NOW)


def test_json_lines_keep_their_ids_times_and_decimals(tmp_path: Path) -> None:
    one = a_body(application_id="x-1", applied_at="2026-02-01T10:00:00Z", person_income=50_000.17)
    two = a_body(application_id="x-2", applied_at="2026-02-02T10:00:00Z", person_emp_length=None)

    first, second = read(a_file(tmp_path, one, two))

    assert (first["application_id"], first["applied_at"]) == ("x-1", datetime(2026, 2, 1, 10, tzinfo=UTC))
    assert first["person_income"] == Decimal("50000.17")
    assert second["person_emp_length"] is None


def test_rows_without_ids_and_times_have_the_files_digest_and_now(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_body(), a_body())
    digest = loan_tables.read(path, CONTRACT).digest

    found = read(path)

    assert [each["application_id"] for each in found] == [f"{digest}-0", f"{digest}-1"]
    assert {each["applied_at"] for each in found} == {NOW}


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 2"):
        read(a_file(tmp_path, a_body(application_id="a"), a_body(application_id="a")))


def test_packed_json_lines_are_read_too(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_body(application_id="a"))
    path.write_bytes(gzip.compress(path.read_bytes()))

    assert [each["application_id"] for each in read(path)] == ["a"]


@pytest.mark.parametrize("line", ['{"a": 1', '{"a": {"b": 1}}', "[1]", '{"a":' + "[" * 5_000])
def test_a_line_that_is_no_flat_object_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    path = a_file(tmp_path, a_body())
    path.write_text(path.read_text().strip() + "\n" + line + "\n")

    with pytest.raises(TableError, match="line 2 is no flat JSON object"):
        read(path)
