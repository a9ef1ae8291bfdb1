"""Scoring workers under test, applications for them, and what they answered."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message, Producer

from schemas.events.decisions import LoanDecision
from schemas.registry_client import registered_id
from schemas.topics import scoring_group
from streams.runtime.settings import Connection
from tests.builders import application_bytes
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.topic_records import await_stable_offsets, read_events, read_topic
from tests.system.wait import wait_for

READY_S = 120.0
"""Of a machine that does much else; alone it takes five seconds."""


@dataclass
class Worker:
    process: ProcessUnderTest

    @property
    def url(self) -> str:
        lines = (line for line in self.process.output().splitlines() if '"web.listening"' in line)
        return next((str(json.loads(line)["url"]) for line in lines), "")

    def health(self, page: str = "ready") -> tuple[int, Mapping[str, Any]]:
        """Status and body of a page; 0 while nothing answers."""
        if not self.url:
            return 0, {}
        try:
            with urllib.request.urlopen(f"{self.url}/{page}", timeout=5) as answer:  # noqa: S310 - our own
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)
        except OSError:
            return 0, {}

    def metrics(self) -> Mapping[str, float]:
        """Samples by name and labels, as Prometheus reads them."""
        lines = self.metrics_page().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def metrics_page(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own
            return str(answer.read().decode())

    def is_ready(self) -> bool:
        assert self.process.alive(), f"the worker ended:\n{self.process.tail()}"
        return self.health()[0] == 200


def start_worker(processes: Processes, *, ready: bool = True, **settings: object) -> Worker:
    """A worker on a free port, its cache the test's own, waited for until it is ready."""
    own: dict[str, Any] = {"web_port": 0, "cache_dir": processes.folder / "cache", "champion_poll_s": 1, **settings}
    worker = Worker(processes.start("streams", **own))
    if ready:
        wait_for(worker.is_ready, READY_S, "the worker")
    return worker


@dataclass
class Applicants:
    connection: Connection

    def __post_init__(self) -> None:
        self.topic = self.connection.topics().applications.name
        self.schema_id = registered_id(
            self.connection.registry(), f"{self.topic}-value", self.connection.contract().schema
        )
        self.sent: list[str] = []
        self._producer = Producer(
            {**self.connection.kafka(), "acks": "all", "enable.idempotence": True, "message.max.bytes": 1_048_000}
        )

    def apply(self, numbers: Iterable[int], **fields: Any) -> None:
        """Applications of these numbers, every third of them risky; not yet acknowledged."""
        for number in numbers:
            name = f"a-{number}"
            ratio = 0.3 if number % 3 == 0 else 0.1
            usual = {"application_id": name, "loan_percent_income": ratio, "loan_amnt": _amount(ratio)}
            self.send(name.encode(), application_bytes(self.schema_id, **{**usual, **fields}))
            self.sent.append(name)

    def send(self, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        self._producer.produce(self.topic, value, key=key, headers=headers)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(60) == 0


def _amount(ratio: float) -> Any:
    from decimal import Decimal

    return Decimal(f"{50_000 * ratio:.2f}")


@dataclass
class Answers:
    connection: Connection

    def records(self) -> list[Message]:
        return read_topic(self.connection, self.connection.topics().decisions.name)

    def decisions(self) -> list[LoanDecision]:
        return read_events(self.connection, LoanDecision, self.connection.topics().decisions)

    def shadow(self) -> list[LoanDecision]:
        return read_events(self.connection, LoanDecision, self.connection.topics().shadow_decisions)

    def dead_letters(self) -> list[Message]:
        return read_topic(self.connection, self.connection.topics().dead_letters.name)

    def await_commits(self) -> None:
        """Return when the offsets of all that is decided are committed, too."""
        topics = self.connection.topics()
        await_stable_offsets(self.connection, scoring_group(topics), topics.applications.name)

    def counts(self) -> Counter[str]:
        """Decisions by the application they are keyed by."""
        return Counter((record.key() or b"").decode() for record in self.records())
