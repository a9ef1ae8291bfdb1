"""`loanctl play` on a real broker: what lies on the topics afterwards, and what is refused before anything does."""

import pytest

from loanctl.reports import event_log
from loanctl.simulation import loan_tables
from loanctl.simulation.synthetic_population import applicants
from schemas.events.decisions import LoanOutcome
from streams.kafka.topics.topic_scan import read_topic, read_whole

ROWS = 700


@pytest.fixture
def table(tmp_path):
    rows = applicants(ROWS, seed=9)
    loan_tables.write_table(rows, tmp_path / "loans.csv")
    return rows


def test_every_row_lies_on_the_topics_once_with_what_became_of_it(processes, connection, table):
    played = processes.loanctl("play", "--data", "loans.csv", "--shuffle-seed", "3", "--all-outcomes")

    topics = connection.topics()
    names = [topics.applications.name, topics.outcomes.name]
    records = {name: topic.by_time() for name, topic in read_whole(connection, names).items()}
    reading = event_log.RecordDecoder(connection)
    seen = reading.applications(records[topics.applications.name])
    outcomes = reading.events(LoanOutcome, records[topics.outcomes.name])
    assert played.status == 0, played.err
    assert played.out.startswith(f"{ROWS} applications and {ROWS} outcomes on {topics.applications.name} in ")
    assert len(seen) == ROWS
    assert len({application.application_id for application in seen}) == ROWS
    told = {outcome.application_id: outcome.defaulted for outcome in outcomes}
    assert told.keys() == {application.application_id for application in seen}
    digest = next(iter(told)).rpartition("-")[0]
    assert [told[f"{digest}-{row}"] for row in range(ROWS)] == (table["loan_status"] == 1).tolist()


def test_the_same_file_played_again_gives_the_same_ids(processes, connection, table):
    processes.loanctl("play", "--data", "loans.csv", "--start", "2026-03-01T12:00:00", "--spacing-ms", "1000")
    processes.loanctl("play", "--data", "loans.csv", "--start", "2026-03-01T12:00:00", "--spacing-ms", "1000")

    topics = connection.topics()
    values = [record.value for record in read_topic(connection, topics.applications.name).by_time()]
    assert len(values) == 2 * ROWS
    assert len(set(values)) == ROWS


def test_made_up_applicants_play_without_a_file(processes, connection):
    played = processes.loanctl("play", "--rows", "40", "--rate", "400")

    topics = connection.topics()
    assert played.status == 0, played.err
    assert len(read_topic(connection, topics.applications.name).by_time()) == 40


@pytest.mark.parametrize(
    ("broken", "options", "told"),
    [
        (lambda rows: rows.drop(columns="loan_intent"), [], "bad.csv has no column loan_intent"),
        (lambda rows: rows[:0], [], "bad.csv: has a header and no rows"),
        (
            lambda rows: rows.assign(loan_status="late"),
            ["--outcomes"],
            "column loan_status of bad.csv has 700 labels other than",
        ),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_played(processes, connection, table, tmp_path, broken, options, told):
    loan_tables.write_table(broken(table), tmp_path / "bad.csv")

    played = processes.loanctl("play", "--data", "bad.csv", *options)

    topics = connection.topics()
    assert played.status == 2
    assert played.err.count("\n") == 1
    assert told in played.err
    assert read_topic(connection, topics.applications.name).by_time() == []


def test_a_population_is_written_and_its_best_auc_told(processes, tmp_path):
    made = processes.loanctl("population", "--rows", "500", "--out", "made.parquet", "--intent", "VENTURE=2")

    assert made.status == 0, made.err
    assert "500 applicants" in made.out
    assert "over 0.9" in made.out
    assert (tmp_path / "made.parquet").stat().st_size > 0


def test_a_knob_turned_too_far_is_one_line(processes):
    made = processes.loanctl("population", "--rows", "5", "--out", "made.csv", "--missing", "3")

    assert (made.status, made.err) == (2, "loanctl: missing is 3.0, not a share between 0 and 1\n")
