"""Whoever may write to the database and computes every link anew is found by an anchor that is kept elsewhere."""

import json
from datetime import UTC, date, datetime

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from ledger.audit.anchor import AnchorError, current_links, read_anchors, write_anchor
from ledger.audit.anchor_schedule import AnchorSchedule
from ledger.audit.archive_folder import ArchiveSetupError
from ledger.audit.chain_verification import verify
from loanctl.commands.cluster import ledger
from loanctl.console import FINDING
from tests.decisions import a_decision
from tests.ledger_records import TOPICS, a_review, decide, review

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
DECISIONS = TOPICS.decisions.name


def some(*probabilities: float, start: int = 0) -> list[object]:
    return [a_decision(f"a-{start + place}", chance) for place, chance in enumerate(probabilities)]


def forge(database, *probabilities: float) -> None:
    """Another history, recorded as if it had always been this one: every link follows."""
    with database.write_transaction() as connection:
        connection.exec_driver_sql("DELETE FROM decisions")
        connection.exec_driver_sql("DELETE FROM review_queue")
        connection.exec_driver_sql("DELETE FROM ledger_positions")
    if probabilities:
        decide(database, *some(*probabilities))


@pytest.fixture
def anchors(database, tmp_path):
    """Three decisions and a review on the first day, two decisions more on the second; an anchor of each."""
    decide(database, *some(0.1, 0.2, 0.3))
    review(database, a_review("a-1"))
    write_anchor(current_links(database, FIRST), str(tmp_path / "kept"), FIRST)
    decide(database, *some(0.4, 0.5, start=3), first_offset=3)
    write_anchor(current_links(database, SECOND), str(tmp_path / "kept"), SECOND)
    return read_anchors(str(tmp_path / "kept"))


def test_a_chain_that_went_on_holds_all_its_anchors(database, anchors):
    decide(database, *some(0.6, start=5), first_offset=5)

    assert [(each.rows, each.day) for each in anchors if each.topic == DECISIONS] == [
        (3, "2026-03-01"),
        (5, "2026-03-02"),
    ]
    assert all(each.whole for each in verify(database, anchors))


@pytest.mark.parametrize(
    ("history", "missed"),
    [
        ((0.1, 0.2, 0.3, 0.4, 0.5), ()),
        ((0.1, 0.2, 0.3, 0.4, 0.9), ("2026-03-02",)),
        ((0.1, 0.9, 0.3, 0.4, 0.5), ("2026-03-01", "2026-03-02")),
        ((0.1, 0.2, 0.3, 0.4), ("2026-03-02",)),
        ((0.1, 0.2, 0.3, 0.4, 0.45, 0.5), ("2026-03-02",)),
        ((), ("2026-03-01", "2026-03-02")),
    ],
)
def test_a_forged_history_shows_from_the_first_day_that_it_is_another(database, anchors, history, missed):
    forge(database, *history)

    [found] = [each for each in verify(database, anchors) if each.topic == DECISIONS]

    assert found.broken_at is None
    assert (found.missed_anchors, found.whole) == (missed, not missed)


def test_the_first_anchor_of_a_day_stays(database, anchors, tmp_path):
    folder = str(tmp_path / "kept")

    kept = write_anchor([], folder, FIRST)

    assert kept.fresh is False
    assert read_anchors(kept.path) == [each for each in anchors if each.day == "2026-03-01"]
    assert read_anchors(folder) == anchors


def test_what_is_no_anchor_is_said(tmp_path):
    (tmp_path / "anchor-2026-03-01.json").write_text('[{"day": 1}]')

    with pytest.raises(AnchorError, match="is no anchor"):
        read_anchors(str(tmp_path))
    for place in ("none", "anchor-2026-03-09.json"):
        with pytest.raises(AnchorError, match="no anchor at"):
            read_anchors(str(tmp_path / place))
    with pytest.raises(ArchiveSetupError):
        read_anchors("nowhere://bucket")


def test_an_anchor_that_is_missed_is_a_finding(database, tmp_path, monkeypatch):
    monkeypatch.setenv("LOAN_LEDGER_URL", database.engine.url.render_as_string(hide_password=False))
    run, folder = CliRunner(), str(tmp_path / "kept")
    decide(database, *some(0.1, 0.2))

    told = json.loads(run.invoke(ledger.app, ["anchor", "--json"]).output)
    written = run.invoke(ledger.app, ["anchor", "--to", folder])
    again = run.invoke(ledger.app, ["anchor", "--to", folder])
    clean = run.invoke(ledger.app, ["verify", "--anchors", folder, "--json"])
    forge(database, 0.1, 0.9)
    unseen = run.invoke(ledger.app, ["verify"])
    found = run.invoke(ledger.app, ["verify", "--anchors", folder, "--json"])

    assert [(each["topic"], each["rows"]) for each in told] == [(DECISIONS, 2)]
    assert (written.output.strip()[-7:], "there already" in again.output) == ("written", True)
    assert (clean.exit_code, unseen.exit_code, found.exit_code) == (0, 0, FINDING)
    assert json.loads(found.output)[0]["missed_anchors"] == [told[0]["day"]]


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def test_the_ledger_writes_one_anchor_a_day_by_itself_once_something_is_recorded(database, tmp_path):
    now = at(FIRST, 9)
    schedule = AnchorSchedule(database, str(tmp_path / "kept"), lambda: now)

    schedule.look()
    assert not (tmp_path / "kept").exists()
    decide(database, *some(0.1))
    schedule.look()
    decide(database, *some(0.2, start=1), first_offset=1)
    now = at(FIRST, 23, 59)
    schedule.look()
    now = at(SECOND)
    schedule.look()

    assert [(link.day, link.rows) for link in read_anchors(str(tmp_path / "kept"))] == [
        (FIRST.isoformat(), 1),
        (SECOND.isoformat(), 2),
    ]


def test_a_folder_that_fails_is_told_and_tried_again_after_five_minutes(database, tmp_path):
    (tmp_path / "file").write_text("no folder")
    now = at(FIRST)
    schedule = AnchorSchedule(database, str(tmp_path / "file"), lambda: now)
    decide(database, *some(0.1))

    with capture_logs() as told:
        schedule.look()
        now = at(FIRST, 0, 4)
        schedule.look()
        now = at(FIRST, 0, 5)
        schedule.look()

    assert [line["event"] for line in told] == ["anchor.failed", "anchor.failed"]


@pytest.mark.parametrize("works", [True, False])
def test_a_clock_that_was_a_year_ahead_and_is_set_back_stops_no_anchor(database, tmp_path, works):
    folder = tmp_path / "kept"
    if not works:
        folder.write_text("no folder")
    now = at(FIRST.replace(year=2027))
    schedule = AnchorSchedule(database, str(folder), lambda: now)
    decide(database, *some(0.1))
    schedule.look()
    if not works:
        folder.unlink()

    now = at(FIRST)
    schedule.look()

    assert FIRST.isoformat() in {link.day for link in read_anchors(str(folder))}


def test_without_a_folder_the_ledger_writes_none(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    decide(database, *some(0.1))

    AnchorSchedule(database, "", lambda: at(FIRST)).look()

    assert list(tmp_path.rglob("anchor-*")) == []
