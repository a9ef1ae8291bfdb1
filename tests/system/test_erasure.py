"""A person's values are erased by one key: from all topics, ledger and archive, read back as they lie there."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.codec.sealed_records import is_sealed, open_values
from schemas.codec.wire_format import SealedError
from schemas.events.audit import AuditAction, AuditEvent
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.key_database import keys_at
from streams.runtime.settings import Connection
from tests.system.conftest import Ran
from tests.system.gateways import start_gateway
from tests.system.ledger_stage import caught_up, rows, start_ledger
from tests.system.processes import Processes
from tests.system.topic_records import read_events, read_topic
from tests.system.wait import wait_for
from tests.system.workers import start_worker

INCOME = 73_913.37
MARKS = (struct.pack("<d", INCOME), (7_391_337).to_bytes(3, "big"), b"73913.37", b"73913,37")
"""The income as a decision, an application and a text would have it."""


def test_an_erased_application_s_values_are_nowhere_and_its_decision_stays(
    connection: Connection,
    processes: Processes,
    tmp_path: Path,
    loanctl: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    champion: RegisteredVersion,
) -> None:
    keys_url, ledger_url = f"sqlite:///{tmp_path / 'keys.db'}", f"sqlite:///{tmp_path / 'ledger.db'}"
    for name, value in (("KEYS_URL", keys_url), ("LEDGER_URL", ledger_url)):
        monkeypatch.setenv(f"LOAN_{name}", value)
    start_worker(processes, keys_url=keys_url)
    gateway = start_gateway(processes, keys_url=keys_url)
    anchors = tmp_path / "anchors"
    start_ledger(processes, ledger_url, ledger_anchors=anchors)

    answer = gateway.predict(application_id="a-7", person_income=INCOME, loan_percent_income=None)
    other = gateway.predict(application_id="a-8", person_income=INCOME, loan_percent_income=None)
    assert (answer.status, other.status) == (200, 200), answer.text
    wait_for(lambda: caught_up(processes, ledger_url), 60, "the ledger")
    wait_for(lambda: anchors.is_dir() and list(anchors.glob("anchor-*.json")), 60, "the ledger's anchor of the day")
    [application] = [
        each for each in read_topic(connection, connection.topics().applications.name) if each.key() == b"a-7"
    ]
    before = loanctl("decisions", "verify", "--json")
    erased = loanctl("erase", "a-7", "--why", "asked for it")
    again = loanctl("erase", "a-7")
    after = loanctl("decisions", "verify", "--json")
    archived = loanctl("ledger", "archive", "--to", str(tmp_path / "archive"), "--before", "2999-01-01")
    chain = loanctl("ledger", "verify", "--anchors", str(anchors))

    assert is_sealed(application.value())
    assert [type(each) for each in open_values([application.value()], keys_at(keys_url).keys)] == [SealedError]
    assert (before[0], json.loads(before[1])["same"]) == (0, 2), before
    assert (erased[0], again[0]) == (0, 1), erased
    assert (after[0], json.loads(after[1])["same"], json.loads(after[1])["not_computable"]) == (0, 1, 1), after
    assert (archived[0], chain[0]) == (0, 0), (archived, chain)
    assert rows(ledger_url, "SELECT count(*) FROM decisions WHERE application_id = 'a-7' AND outcome <> ''") == [(1,)]
    for place, content in everything(connection, tmp_path).items():
        assert not [mark for mark in MARKS if mark in content], place
    [event] = audit_events(connection)
    assert (event.action, event.subject, event.why) == (AuditAction.ERASE, "a-7", "asked for it")


def everything(connection: Connection, folder: Path) -> dict[str, bytes]:
    """All records of all topics, the ledger's files, the archive, and the logs, by place."""
    topics = [topic.name for topic in connection.topics().all()]
    found = {
        name: b"\n".join(
            b"%b %b %b" % (each.key() or b"", each.value() or b"", repr(each.headers()).encode())
            for each in read_topic(connection, name)
        )
        for name in topics
    }
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.suffix in (".db", ".parquet", ".log", ".db-wal")
    ]
    assert {path.suffix for path in files} >= {".db", ".parquet", ".log"}
    return {**found, **{str(path): path.read_bytes() for path in files if path.name != "mlflow.db"}}


def audit_events(connection: Connection) -> list[AuditEvent]:
    return read_events(connection, AuditEvent, connection.topics().audit)
