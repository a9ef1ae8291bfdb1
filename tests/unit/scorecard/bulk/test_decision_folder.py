"""A folder of decisions is whole or goes on where it was, and holds decisions of one run's kind alone."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.tables.table_errors import TableError
from scorecard.bulk.decision_folder import DecisionFolder, DecisionFolderError, PartWriter
from scorecard.bulk.row_groups import StoredTable, stored_table
from scorecard.bulk.scorer_package import ScorerPackage
from tests.unit.scorecard.bulk.applicants import a_package, a_table, arrow, write_parquet

ABOUT = {"input": "i", "scorecard": "s"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ScorerPackage:
    return a_package(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def table(tmp_path: Path) -> StoredTable:
    return stored_table(write_parquet(a_table(), tmp_path / "rows"))


def open_folder(path: Path) -> DecisionFolder:
    folder = DecisionFolder(path, ABOUT)
    folder.open()
    return folder


def test_a_run_that_was_broken_off_goes_on_and_ends_as_one_that_was_not(
    package: ScorerPackage, table: StoredTable, tmp_path: Path
) -> None:
    whole, broken = open_folder(tmp_path / "whole"), open_folder(tmp_path / "broken")
    for place, group in whole.missing_parts(table.groups):
        PartWriter(package, whole)(place, group)
    for place, group in broken.missing_parts(table.groups)[:2]:
        PartWriter(package, broken)(place, group)
    (broken.path / "_draft-part-000002.parquet").write_bytes(b"half a file")

    again = open_folder(broken.path)
    left = again.missing_parts(table.groups)
    rows = sum(PartWriter(package, again)(place, group) for place, group in left)

    assert [place for place, _ in left] == [2, 3, 4, 5]
    assert rows == 400
    for place in range(len(table.groups)):
        assert again.part(place).read_bytes() == whole.part(place).read_bytes()
    assert pq.read_table(again.path) == pq.read_table(whole.path)
    assert pq.read_table(whole.path).num_rows == 600


def test_a_part_that_fails_leaves_none_that_a_reader_would_take_for_whole(
    package: ScorerPackage, table: StoredTable, tmp_path: Path
) -> None:
    damaged = Path(table.groups[0].path)
    damaged.write_bytes(damaged.read_bytes()[:2_000])
    folder = open_folder(tmp_path / "out")

    with pytest.raises(TableError, match="cannot be read"):
        PartWriter(package, folder)(0, table.groups[0])

    assert not folder.part(0).exists()


def test_decisions_of_another_input_are_not_mixed_in(tmp_path: Path) -> None:
    open_folder(tmp_path / "out")

    with pytest.raises(DecisionFolderError, match="another input, or another way"):
        DecisionFolder(tmp_path / "out", {**ABOUT, "input": "other"}).open()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(DecisionFolderError, match="holds other files"):
        open_folder(tmp_path)


def test_a_whole_folder_says_so(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "out")

    assert not folder.whole
    folder.finish({"rows": 3})

    assert folder.whole
    assert json.loads((folder.path / "_SUCCESS").read_text()) == {"rows": 3}


def test_the_digest_of_a_table_is_of_its_files(tmp_path: Path) -> None:
    table = a_table()
    one = stored_table(write_parquet(table, tmp_path / "rows"))
    table.loc[0, "loan_amnt"] += 1
    (tmp_path / "other").mkdir()
    other = stored_table(write_parquet(table, tmp_path / "other" / "rows"))

    assert one.digest == stored_table(one.folder).digest
    assert one.digest != other.digest


def test_columns_in_the_names_of_folders_are_columns(package: ScorerPackage, tmp_path: Path) -> None:
    table = a_table(50)
    table["loan_intent"] = "MEDICAL"
    folder = tmp_path / "rows" / "loan_intent=MEDICAL"
    (tmp_path / "rows").mkdir()
    write_parquet(table.drop(columns="loan_intent"), folder, files=1)

    found = stored_table(tmp_path / "rows")

    (batch,) = found.groups[0].batches()
    assert "loan_intent" in found.columns
    assert package.scorer().decisions(batch) == package.scorer().decisions(arrow(table))


def test_files_that_hold_no_rows_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds no rows"):
        stored_table(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(TableError, match="is no Parquet file"):
        stored_table(tmp_path)


def test_a_package_of_other_bytes_than_its_digest_decides_nothing(package: ScorerPackage) -> None:
    altered = replace(package, digest="0" * 64)

    with pytest.raises(Exception, match="digest"):
        altered.scorer()


def test_a_delta_table_is_read_at_its_latest_version(package: ScorerPackage, tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    path = tmp_path / "delta"
    deltalake.write_deltalake(str(path), arrow(a_table(60)))
    deltalake.write_deltalake(str(path), arrow(a_table(40)), mode="overwrite")

    found = stored_table(path)

    assert len(list(path.glob("*.parquet"))) == 2
    assert found.rows == 40
    assert [batch.num_rows for group in found.groups for batch in group.batches(package.columns)] == [40]
