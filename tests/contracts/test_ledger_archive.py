"""What is archived is what is recorded, a file for each day, however often it is broken off."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ledger.audit import archive as archives
from ledger.audit.archive import archive
from ledger.audit.archive_folder import ArchiveSetupError
from ledger.sql.database import Database
from ledger.sql.migrate import migrate
from schemas.events.decisions import Contribution
from tests.decisions import a_decision
from tests.ledger_records import a_review, an_outcome, conclude, decide, review

DAY_MS = 86_400_000
FIRST_MS = 1_772_366_400_000  # 2026-03-01 12:00
PARTS = (Contribution(feature="income", value=0.1, contribution=-1e-17),)
LATER = date(2027, 1, 1)


def of_days(database, *days: int, first_offset: int = 0) -> None:
    decisions = [a_decision(f"a-{first_offset + at}", 0.3, contributions=PARTS) for at in range(len(days))]
    decide(database, *decisions, first_offset=first_offset, timestamps=[FIRST_MS + day * DAY_MS for day in days])


def archive_rows(database, folder, before=LATER) -> dict[str, int]:
    found = archive(database, str(folder), before)
    return {str(Path(each.path).relative_to(folder)): each.rows for each in found}


def test_each_day_has_a_file_with_its_rows(database, tmp_path):
    of_days(database, 0, 0, 1, 5)
    review(database, a_review("a-1"))
    conclude(database, an_outcome("a-1", defaulted=True))

    assert archive_rows(database, tmp_path) == {
        "decisions/day=2026-03-01/decisions.parquet": 2,
        "decisions/day=2026-03-02/decisions.parquet": 1,
        "decisions/day=2026-03-06/decisions.parquet": 1,
        "reviews/day=2026-03-01/reviews.parquet": 1,
        "outcomes/day=2026-03-01/outcomes.parquet": 1,
    }
    rows = pq.read_table(tmp_path / "decisions" / "day=2026-03-01" / "decisions.parquet").to_pylist()
    assert [(row["application_id"], row["record_offset"], row["probability"]) for row in rows] == [
        ("a-0", 0, 0.3),
        ("a-1", 1, 0.3),
    ]
    assert rows[0]["contributions"] == '{"income":-1e-17}'
    assert rows[0]["recorded_at"].timestamp() * 1000 == FIRST_MS
    assert pq.read_table(tmp_path / "outcomes").to_pylist()[0]["defaulted"] is True


def test_a_second_run_writes_nothing_and_a_day_that_grew_anew(database, tmp_path):
    of_days(database, 0, 1)
    archive_rows(database, tmp_path)

    assert archive_rows(database, tmp_path) == {}

    of_days(database, 0, first_offset=2)

    assert archive_rows(database, tmp_path) == {"decisions/day=2026-03-01/decisions.parquet": 2}


def test_a_run_broken_off_is_gone_on_with(database, tmp_path):
    of_days(database, 0, 1, 2)
    run = archive(database, str(tmp_path), LATER)
    next(run)
    run.close()  # type: ignore[attr-defined]  # it is a generator
    half = tmp_path / "decisions" / "day=2026-03-02" / "decisions.parquet.0123.partial"
    half.parent.mkdir()
    half.write_bytes(b"half")
    os.utime(half, (0, 0))

    assert list(archive_rows(database, tmp_path).values()) == [1, 1]
    assert list(tmp_path.rglob("*.partial")) == []


def test_two_runs_at_once_leave_a_whole_file(database, tmp_path, monkeypatch):
    of_days(database, 0, 0)
    pages = archives._pages

    def pages_beside_another_run(*given):
        """Between the first page of a run and its end another one begins, knows more, and ends."""
        monkeypatch.setattr(archives, "_pages", pages)
        yield from pages(*given)
        of_days(database, *[0] * 50, first_offset=2)
        assert archive_rows(database, tmp_path) == {"decisions/day=2026-03-01/decisions.parquet": 52}

    monkeypatch.setattr(archives, "_pages", pages_beside_another_run)

    archive_rows(database, tmp_path)
    file = tmp_path / "decisions" / "day=2026-03-01" / "decisions.parquet"
    after_both = pq.read_table(file).column("record_offset").to_pylist()
    archive_rows(database, tmp_path)

    assert after_both == [0, 1]
    assert pq.read_table(file).column("record_offset").to_pylist() == list(range(52))
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_damaged_file_is_named_and_left(database, tmp_path):
    of_days(database, 0)
    archive_rows(database, tmp_path)
    damaged = tmp_path / "decisions" / "day=2026-03-01" / "decisions.parquet"
    damaged.write_bytes(half := damaged.read_bytes()[:-9])

    with pytest.raises(ArchiveSetupError, match=rf"{damaged} is no whole Parquet file"):
        archive_rows(database, tmp_path)

    assert damaged.read_bytes() == half


def test_days_that_are_not_over_are_left(database, tmp_path):
    of_days(database, 0, 1)

    assert list(archive_rows(database, tmp_path, before=date(2026, 3, 2))) == [
        "decisions/day=2026-03-01/decisions.parquet"
    ]


def test_a_pruned_database_leaves_files_alone(database, tmp_path):
    of_days(database, 0, 0)
    archive_rows(database, tmp_path)
    with database.write_transaction() as connection:
        connection.exec_driver_sql("DELETE FROM decisions WHERE record_offset = 0")

    assert archive_rows(database, tmp_path) == {}


def test_rows_beyond_one_page_are_all_there(database, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ROWS", 4)
    of_days(database, *[0] * 11)

    assert list(archive_rows(database, tmp_path).values()) == [11]
    names = pq.read_table(tmp_path / "decisions")["application_id"].to_pylist()
    assert names == [f"a-{number}" for number in range(11)]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "word", "DEFAULT_REGION": "us-east-1"}
    for name, value in keys.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3").create_bucket(Bucket="archive")
    s3fs.S3FileSystem.clear_instance_cache()
    yield "s3://archive/ledger"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.slow
def test_an_archive_in_s3_is_the_same(bucket, tmp_path):
    import fsspec

    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(database)
    of_days(database, 0, 0, 1)

    first = [each.rows for each in archive(database, bucket, LATER)]
    second = list(archive(database, bucket, LATER))
    database.close()

    assert (first, second) == ([2, 1], [])
    with fsspec.open(f"{bucket}/decisions/day=2026-03-01/decisions.parquet") as source:
        assert pq.read_table(source)["application_id"].to_pylist() == ["a-0", "a-1"]


def test_a_url_that_nobody_can_use_is_one_line(database):
    with pytest.raises(ArchiveSetupError, match="folder, or s3"):
        list(archive(database, "nothing://x", LATER))


def test_today_is_never_over():
    assert archives.days_over(date(2026, 3, 9)) == date(2026, 3, 9) - timedelta(days=1)
