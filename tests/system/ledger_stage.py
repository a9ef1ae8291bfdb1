"""A ledger under test, and decisions for it as a worker would publish them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import fastavro
from confluent_kafka import Producer

from ledger.sql.database import Database
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanDecision
from schemas.registry_client import registered_id
from streams.runtime.settings import Connection
from tests.decisions import a_decision
from tests.system.commands import CompletedCommand
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import Worker

READY_S = 60.0


def start_ledger(processes: Processes, url: str, *, ready: bool = True, **settings: object) -> Worker:
    """A ledger on a free port, waited for until it is ready; shown by the same means as a worker."""
    own: dict[str, Any] = {"ledger_port": 0, "cache_dir": processes.folder / "cache", "ledger_url": url, **settings}
    ledger = Worker(processes.start("ledger", **own))
    if ready:
        wait_for(ledger.is_ready, READY_S, "the ledger")
    return ledger


def check_ledger(processes: Processes, url: str) -> tuple[CompletedCommand, list[dict[str, Any]]]:
    """`loanctl ledger check`, and what it says of each partition."""
    ran = processes.loanctl("ledger", "check", "--json", ledger_url=url)
    return ran, json.loads(ran.out) if ran.out.startswith("[") else []


def caught_up(processes: Processes, url: str) -> bool:
    """Whether all that is on the topics is recorded."""
    ran = processes.loanctl("ledger", "status", "--json", ledger_url=url)
    return ran.status == 0 and all(line["behind"] == 0 for line in json.loads(ran.out))


@dataclass
class DecisionSource:
    """Publishes decisions in transactions of a hundred, some of which are aborted and must not be recorded."""

    connection: Connection
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topic = self.connection.topics().decisions.name
        self._schema: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
        self._id = registered_id(self.connection.registry(), f"{self.topic}-value", avro_schema(LoanDecision))
        self._producer = Producer({**self.connection.kafka(), "transactional.id": f"{self.topic}.test-source"})
        self._producer.init_transactions(30)

    def publish(self, numbers: Iterable[int], *, commit: bool = True, **fields: Any) -> None:
        """One transaction; every fifth is referred."""
        self._producer.begin_transaction()
        names = [f"a-{number}" for number in numbers]
        for name in names:
            decision = a_decision(name, 0.3 if name.endswith(("0", "5")) else 0.1, **fields)
            self._producer.produce(self.topic, frame(self._id, self._schema, as_record(decision)), key=name.encode())
        if commit:
            self._producer.commit_transaction(30)
            self.sent += names
        else:
            # What has not been sent is dropped, and an abort of nothing is refused.
            self._producer.flush(30)
            self._producer.abort_transaction(30)

    def publish_raw(self, value: bytes | None) -> None:
        self._producer.begin_transaction()
        self._producer.produce(self.topic, value, key=b"odd")
        self._producer.commit_transaction(30)


def rows(url: str, query: str) -> list[Any]:
    database = Database(url)
    try:
        with database.read_transaction() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]
    finally:
        database.close()
