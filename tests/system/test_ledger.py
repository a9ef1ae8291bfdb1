"""The ledger on a real broker: what is on the topics is in the database, once, whatever is killed or away."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.sql.database import Database
from ledger.sql.ledger_tables import positions
from ledger.sql.migrate import migrate
from loanctl.stack.local_stack import LocalStack
from streams.runtime.settings import Connection
from tests.system.containers import ContainerStack
from tests.system.ledger_stage import DecisionSource, caught_up, check_ledger, rows, start_ledger
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.wait import wait_for
from tests.system.workers import Applicants, start_worker
from tests.unit.training.postgres import Server, server

KILLS = 5
CAUGHT_UP_S = 120.0


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def postgres_server() -> Iterator[Server]:
    with server() as running:
        yield running


def assert_equal(processes: Processes, url: str, decisions: int) -> None:
    """Counts equal the topics, and nothing is there twice."""
    wait_for(lambda: caught_up(processes, url), CAUGHT_UP_S, "the ledger")
    ran, partitions = check_ledger(processes, url)
    assert ran.status == 0, ran.out + ran.err
    assert sum(each["rows"] for each in partitions if each["topic"].endswith(".decisions.v1")) == decisions
    assert rows(url, "SELECT count(*), count(DISTINCT decision_id) FROM decisions") == [(decisions, decisions)]


@pytest.mark.timeout(600)  # starts and checks of several processes, on a machine that others may use too
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_ledger_killed_again_and_again_records_each_decision_once(
    backend: str, connection: Connection, processes: Processes, request: pytest.FixtureRequest
) -> None:
    url = (
        request.getfixturevalue("sqlite_url") if backend == "sqlite" else request.getfixturevalue("postgres_server").url
    )
    source, chance = DecisionSource(connection), random.Random(3)
    ledger = start_ledger(processes, url, ledger_batch_records=200)

    for kill in range(KILLS):
        for part in range(8):
            first = 10_000 * kill + 100 * part
            source.publish(range(first, first + 100), commit=chance.random() > 0.2)
        ledger.process.kill()
        ledger = start_ledger(processes, url, ready=kill % 2 == 0, ledger_batch_records=200)

    assert_equal(processes, url, len(source.sent))
    assert rows(url, "SELECT count(*) FROM review_queue") == [(sum(name.endswith(("0", "5")) for name in source.sent),)]
    assert ledger.process.stop() == 0


@pytest.mark.timeout(600)  # a worker, too
def test_what_a_worker_decides_is_recorded_while_the_database_goes_and_comes(
    stack: LocalStack | ContainerStack,
    connection: Connection,
    processes: Processes,
    postgres_server: Server,
    champions: Champions,
) -> None:
    champions.announce(champions.promote(champions.register()))
    applicants = Applicants(connection)
    start_worker(processes)
    postgres_server.stop()
    ledger = start_ledger(processes, postgres_server.url, ready=False)
    applicants.apply(range(300))
    applicants.send(b"odd", b"no application")
    applicants.flush()
    wait_for(lambda: ledger.health()[1].get("away"), 60, "the outage to be told")

    postgres_server.start()
    wait_for(ledger.is_ready, 60, "the ledger")
    applicants.apply(range(300, 600))
    applicants.flush()
    wait_for(lambda: rows(postgres_server.url, "SELECT count(*) FROM decisions")[0][0] > 300, 60, "the second half")
    postgres_server.stop()
    applicants.apply(range(600, 900))
    applicants.flush()
    wait_for(lambda: ledger.health()[1].get("away"), 60, "the second outage to be told")
    postgres_server.start()

    wait_for(
        lambda: rows(postgres_server.url, "SELECT count(*) FROM decisions") == [(900,)], CAUGHT_UP_S, "the decisions"
    )
    assert_equal(processes, postgres_server.url, 900)
    assert rows(postgres_server.url, "SELECT reason, source_topic FROM dead_letters") == [
        ("not_framed", connection.topics().applications.name)
    ]
    assert rows(postgres_server.url, "SELECT version FROM champions") == [("1",)]
    assert "a-1" not in ledger.process.output()


def test_records_that_are_no_decisions_are_counted_and_hold_nothing_up(
    connection: Connection, processes: Processes, sqlite_url: str
) -> None:
    source = DecisionSource(connection)
    source.publish_raw(b"\x00\x00\x00\x00\x63junk")
    source.publish_raw(None)
    source.publish(range(10))
    ledger = start_ledger(processes, sqlite_url)

    assert_equal(processes, sqlite_url, 10)
    assert rows(sqlite_url, "SELECT reason, count(*) FROM ledger_passed_over GROUP BY reason ORDER BY reason") == [
        ("tombstone", 1),
        ("unknown_schema", 1),
    ]
    assert ledger.metrics()['loan_ledger_rows_total{table="decisions"}'] == 10


def test_a_difference_between_ledger_and_topic_is_found(
    connection: Connection, processes: Processes, sqlite_url: str
) -> None:
    DecisionSource(connection).publish(range(20))
    ledger = start_ledger(processes, sqlite_url)
    assert_equal(processes, sqlite_url, 20)
    ledger.process.popen.send_signal(signal.SIGTERM)
    assert ledger.process.wait(30) == 0

    database = Database(sqlite_url)
    with database.write_transaction() as writing:
        writing.exec_driver_sql("DELETE FROM decisions WHERE application_id = 'a-7'")
    database.close()

    ran, partitions = check_ledger(processes, sqlite_url)
    assert ran.status == 3
    assert [each["absent"][:2] for each in partitions if not each["equal"]] == ["1:"]


def test_a_ledger_without_its_tables_names_the_command(processes: Processes, sqlite_url: str) -> None:
    ledger = start_ledger(processes, sqlite_url, ready=False, ledger_migrate=False)

    assert ledger.process.wait(60) == 2
    assert "loanctl ledger migrate" in ledger.process.output()


def test_a_ledger_of_another_cluster_is_refused(connection: Connection, processes: Processes, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    migrate(database)
    with database.write_transaction() as writing:
        position = {"next_offset": 99, "records": 99, "passed_over": 0, "missed": 0, "chain": ""}
        place = {"topic": connection.topics().decisions.name, "partition": 0}
        writing.execute(sa.insert(positions).values(**place, **position))
    database.close()

    ledger = start_ledger(processes, sqlite_url, ready=False)

    assert ledger.process.wait(60) == 2
    assert "LOAN_LEDGER_URL" in ledger.process.output()
