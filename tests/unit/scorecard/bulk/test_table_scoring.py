"""Decisions on rows of a table are the worker's on the same applicants, to the last bit, however the table is cut."""

import io
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from loanctl.decisions import file_rows
from loanctl.simulation.loan_tables import Table
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame, unframe
from schemas.events.decisions import LoanDecision
from schemas.tables import arrow_columns
from schemas.tables.table_errors import TableError
from scorecard.bulk.process_engine import map_groups
from scorecard.bulk.row_groups import stored_table
from scorecard.bulk.scorer_package import ScorerPackage
from scorecard.decisions.scoring import score_batch
from tests.builders import APPLICATION_SCHEMA_ID, APPLIED_AT, CONTRACT, PARSED, WRITERS, a_batch, a_wire
from tests.unit.scorecard.bulk.applicants import a_package, a_table, arrow, write_parquet

DECISION = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ScorerPackage:
    return a_package(tmp_path_factory.mktemp("bundle"))


def workers_decisions(table: pd.DataFrame, package: ScorerPackage) -> list[dict[str, Any]]:
    """By way of the topic: records, bytes, `score_batch`, bytes, records."""
    records = file_rows.applications(Table("table", "t", table), CONTRACT, APPLIED_AT)
    batch = a_batch(*(frame(APPLICATION_SCHEMA_ID, PARSED, record) for record in records))
    scorer = package.scorer()
    scored = score_batch(batch, WRITERS, scorer.champion, scorer.policy, a_wire())
    return [
        fastavro.schemaless_reader(io.BytesIO(unframe(each.value)[1]), DECISION, DECISION) for each in scored.decisions
    ]


def plain(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision of the worker's as a row of a table."""
    given = {one["feature"]: one["contribution"] for one in decision["contributions"]}
    same = ("application_id", "applied_at", "outcome", "probability", "margin", "base_value", "fault")
    of_card = ("scorecard_version", "scorecard_digest", "policy_version")
    return {
        **{name: decision[name] for name in (*same, *of_card)},
        "contributions": given or None,
        "reasons": [one["code"] for one in decision["reasons"]],
    }


def test_a_row_is_decided_as_the_worker_decides_the_same_applicant(package: ScorerPackage) -> None:
    table = a_table()
    batch = arrow(table)

    found = package.scorer().decisions(batch).to_pylist()

    assert found == [plain(decision) for decision in workers_decisions(table, package)]
    assert {row["fault"] for row in found} == {None, "out_of_range", "unknown_level"}
    assert {row["outcome"] for row in found} == {"APPROVE", "REFER", "DECLINE"}


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 7, 599])
def test_the_cut_into_batches_changes_no_bit(package: ScorerPackage, size: int) -> None:
    table = pa.Table.from_batches([arrow(a_table())])
    whole = pa.Table.from_batches(package.decisions(iter(table.to_batches())))

    parts = pa.Table.from_batches(package.decisions(iter(table.to_batches(size))))

    assert parts.combine_chunks().equals(whole.combine_chunks())


@pytest.mark.parametrize(
    "kind",
    [
        {"person_income": pa.decimal128(22, 2), "loan_amnt": pa.decimal128(22, 4)},
        {"person_income": pa.string(), "person_age": pa.string(), "application_id": pa.large_string()},
        {"loan_intent": pa.dictionary(pa.int32(), pa.string()), "person_age": pa.int8(), "person_income": pa.float32()},
        {"applied_at": pa.timestamp("ms"), "person_emp_length": pa.float32()},
    ],
)
def test_the_types_of_the_columns_change_no_decision(package: ScorerPackage, kind: dict[str, Any]) -> None:
    table = a_table().drop(index=5)
    table["person_income"] = table["person_income"] // 8 * 8 % 1_000_000
    table["loan_amnt"] = table["loan_amnt"].round(4)
    batch = arrow(table)
    schema = pa.schema([field.with_type(kind.get(field.name, field.type)) for field in batch.schema])
    typed = pa.Table.from_batches([batch]).cast(schema, safe=False).combine_chunks().to_batches()[0]

    assert package.scorer().decisions(typed).equals(package.scorer().decisions(batch))


def test_a_value_that_no_application_can_carry_names_its_column_and_no_value(package: ScorerPackage) -> None:
    table = a_table()
    table["person_age"] = table["person_age"] + 0.123

    with pytest.raises(TableError, match="table: column person_age cannot be written") as fault:
        package.scorer().decisions(arrow(table))

    assert ".123" not in str(fault.value)


@pytest.mark.parametrize("absent", ["application_id", "person_income"])
def test_a_table_without_a_needed_column_is_refused_before_any_work(absent: str) -> None:
    names = [name for name in a_table().columns if name != absent]

    with pytest.raises(TableError, match=f"has no column {absent}"):
        arrow_columns.require_columns(CONTRACT, names, "table")


def test_a_row_without_an_id_is_refused(package: ScorerPackage) -> None:
    table = a_table()
    table.loc[3, "application_id"] = None

    with pytest.raises(TableError, match="1 rows without an id"):
        package.scorer().decisions(arrow(table))


def decide_group(place: int, group: Any) -> Any:
    return place, group.rows


@pytest.mark.slow
def test_processes_and_this_one_give_each_row_group_once(tmp_path: Path) -> None:
    table = stored_table(write_parquet(a_table(), tmp_path / "rows"))
    groups = list(enumerate(table.groups))

    assert sorted(map_groups(decide_group, groups, 2)) == sorted(map_groups(decide_group, groups, 1))
    assert sum(rows for _, rows in map_groups(decide_group, groups, 1)) == table.rows == 600
    assert np.all(np.array([group.rows for group in table.groups]) <= 100)
