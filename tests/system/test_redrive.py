"""Dead letters sent back to the applications topic of a real broker, and decided once."""

import json
from collections.abc import Callable

from schemas.redrive_marker import REDRIVEN_FROM
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.builders import application_bytes
from tests.system.conftest import Ran
from tests.system.processes import Processes
from tests.system.topic_records import read_topic
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

FINDING = 3
TRACE = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"
LONG = [("note", b"x" * 200), ("note", b"y" * 200), ("traceparent", TRACE)]


def test_what_was_too_large_is_redriven_once_and_decided_once(
    connection: Connection, processes: Processes, loanctl: Callable[..., Ran], champion: RegisteredVersion
) -> None:
    strict = start_worker(processes, max_header_bytes=256)
    applicants, answers = Applicants(connection), Answers(connection)
    applicants.apply(range(5))
    for name in ("large-0", "large-1", "large-2"):
        applicants.send(name.encode(), application_bytes(applicants.schema_id, application_id=name), LONG)
    applicants.send(b"rubbish", b"{}")
    applicants.flush()
    wait_for(lambda: len(answers.dead_letters()) == 4 and len(answers.counts()) == 5, 60, "answers")
    answers.await_commits()
    assert strict.process.stop() == 0

    listed = loanctl("dlq", "list", "--json")
    dry = loanctl("dlq", "redrive", "--json")
    sent = [loanctl("dlq", "redrive", "--send", "--json") for _ in range(2)]
    start_worker(processes)
    applicants.apply(range(5, 10))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) >= 13, 60, "all decisions")
    at_last = loanctl("dlq", "redrive", "--reason", "oversized", "--send", "--json")

    assert {each["reason"]: each["can_be_redriven"] for each in json.loads(listed[1])} == {
        "oversized": 3,
        "not_framed": 1,
    }
    assert [each[0] for each in (dry, *sent, at_last)] == [FINDING, FINDING, FINDING, 0]
    assert [json.loads(each[1])["sent"] for each in (dry, *sent, at_last)] == [0, 3, 0, 0]
    assert set(answers.counts().values()) == {1}
    back = [each for each in read_topic(connection, applicants.topic) if REDRIVEN_FROM in dict(each.headers() or [])]
    assert sorted(each.key() or b"" for each in back) == [b"large-0", b"large-1", b"large-2"]
    assert all((each.headers() or [])[:-1] == LONG for each in back)
    decided = [each for each in answers.records() if (each.key() or b"").startswith(b"large-")]
    assert {dict(each.headers() or [])["traceparent"] for each in decided} == {TRACE}
