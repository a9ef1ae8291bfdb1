"""`GET /decisions/{id}`, and repeated applications, over a real ledger in SQLite."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from gateway.exchange.ledger_lookup import LedgerLookup
from ledger.sql.migrate import migrate
from loanctl.stack.ports import free_ports
from schemas.codec.event_codec import from_record
from schemas.events.decisions import LoanDecision
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import decide
from tests.system.wait import wait_for
from tests.unit.gateway.calls import a_body, client_of
from tests.unit.training.postgres import postgres


async def got(double: GatewayDouble, application_id: str) -> Any:
    async with client_of(double.app) as client:
        return await client.get(f"/decisions/{application_id}")


async def post(double: GatewayDouble, **fields: Any) -> Any:
    async with client_of(double.app) as client:
        return await client.post("/predict", json=a_body(**fields))


@pytest.mark.parametrize("name", ["a-1", "with/slash", "é ß", "a%2Fb", "..%2F..", "' OR 1=1 --", "<script>"])
async def test_a_decision_is_found_by_its_id_whatever_the_id(name: str) -> None:
    double = a_gateway()
    decided = await post(double, application_id=name)

    found = await got(double, quote(name, safe=""))

    assert found.status_code == 200
    assert found.json() == decided.json()


async def test_one_in_flight_is_202_and_an_unknown_one_404() -> None:
    double = a_gateway(gateway_timeout_s=0.05)
    double.topic.worker_away = True
    await post(double, application_id="a-1")

    flying, unknown = await got(double, "a-1"), await got(double, "a-2")

    assert (flying.status_code, flying.json()["status"]) == (202, "in flight")
    assert unknown.status_code == 404


@pytest.fixture
async def gateway_with_ledger(tmp_path: Path) -> GatewayDouble:
    """A gateway beside a ledger that holds the decision on a-1 (10,000), made before the gateway's time."""
    earlier = a_gateway()
    await post(earlier, application_id="a-1")
    entry = earlier.gateway.exchange.pending.get("a-1")
    assert entry is not None
    database = sqlite_ledger(tmp_path)
    decide(database, from_record(LoanDecision, entry.decision.result()))
    database.close()
    return a_gateway(ledger=LedgerLookup(str(database.engine.url)))


async def test_a_decision_from_before_is_found_in_the_ledger(gateway_with_ledger: GatewayDouble) -> None:
    found = await got(gateway_with_ledger, "a-1")

    assert found.status_code == 200
    assert found.json()["application_id"] == "a-1"
    assert found.json()["contributions"][0]["feature"] == "loan_percent_income"


async def test_the_same_values_are_not_published_again_and_others_are_a_conflict(
    gateway_with_ledger: GatewayDouble,
) -> None:
    same = await post(gateway_with_ledger, application_id="a-1")
    other = await post(gateway_with_ledger, application_id="a-1", loan_amnt=9_000)
    new = await post(gateway_with_ledger, application_id="a-2")

    assert same.json() == (await got(gateway_with_ledger, "a-1")).json()
    assert other.status_code == 409
    assert new.status_code == 200
    assert len(gateway_with_ledger.topic.values) == 1


async def test_a_batch_takes_what_is_known_from_the_ledger_and_keeps_its_order(
    gateway_with_ledger: GatewayDouble,
) -> None:
    rows = [a_body(application_id=name) for name in ("a-2", "a-1", "a-3")]

    async with client_of(gateway_with_ledger.app) as client:
        said = (await client.post("/predict/batch", json={"applications": rows})).json()

    assert [each["application_id"] for each in said["decisions"]] == ["a-2", "a-1", "a-3"]
    assert len(gateway_with_ledger.topic.values) == 2


async def test_a_batch_asks_the_ledger_once(gateway_with_ledger: GatewayDouble) -> None:
    asked: list[str] = []
    assert gateway_with_ledger.gateway.ledger is not None
    engine = gateway_with_ledger.gateway.ledger.database.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    rows = [a_body(application_id=f"b-{n}") for n in range(40)]

    async with client_of(gateway_with_ledger.app) as client:
        said = await client.post("/predict/batch", json={"applications": [*rows, a_body(application_id="a-1")]})

    assert said.json()["count"] == 41
    assert sum("decisions" in statement for statement in asked) == 1


async def test_a_ledger_without_tables_is_503_and_says_nothing_of_it(tmp_path: Path) -> None:
    double = a_gateway(ledger=LedgerLookup(f"sqlite:///{tmp_path / 'empty.db'}"))

    answer = await got(double, "a-1")

    assert answer.status_code == 503
    assert "empty.db" not in answer.text


async def test_a_database_that_is_away_is_503_where_it_must_be_asked_and_nothing_is_published() -> None:
    double = a_gateway(ledger=LedgerLookup(f"postgresql://loan:secret@127.0.0.1:{free_ports(1)[0]}/loan"))

    unnamed = await post(double)
    looked_up = await got(double, "a-1")
    named = await post(double, application_id="a-1")

    # Whether one that has an id was decided before, nobody knows now; one that has none is decided as ever.
    assert unnamed.status_code == 200
    assert (looked_up.status_code, named.status_code) == (503, 503)
    assert len(double.topic.values) == 1
    assert all("retry-after" in each.headers for each in (looked_up, named))
    assert not any(word in each.text for each in (looked_up, named) for word in ("secret", "127.0.0.1", "postgresql"))


WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def test_a_database_that_breaks_off_amid_a_question_is_503_and_is_asked_again_by_the_next() -> None:
    with postgres() as url:
        lookup = LedgerLookup(url)
        migrate(lookup.database)
        double = a_gateway(ledger=lookup)
        with lookup.database.engine.connect() as other, lookup.database.engine.connect() as watcher:
            # Each look its own transaction: within one, PostgreSQL shows the activity of its first look.
            watcher.execution_options(isolation_level="AUTOCOMMIT")
            # The question waits for this lock, and its connection is ended from outside meanwhile.
            other.execute(sa.text("LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE"))
            asked = asyncio.create_task(got(double, "a-1"))
            pid = await asyncio.to_thread(wait_for, lambda: watcher.execute(sa.text(WAITING)).scalar(), 60, "a waiter")
            watcher.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            broken = await asked
        again = await got(double, "a-1")
        lookup.database.close()

    assert (broken.status_code, again.status_code) == (503, 404)
    assert "retry-after" in broken.headers
    assert not any(word in broken.text for word in ("terminating", "psycopg", "postgres"))
