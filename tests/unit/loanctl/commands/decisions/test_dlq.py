"""Dead letters listed, shown and redriven, between a worker's core and topics in memory."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from loanctl.audit.audit_record import PersonTrail
from loanctl.commands.decisions import dlq
from loanctl.console import FINDING
from loanctl.dead_letters import letter_topics, redriver
from loanctl.dead_letters.letter_choice import UnknownLetterError
from loanctl.dead_letters.redriver import OvertakenRedriveError
from schemas.events.audit import AuditAction
from schemas.redrive_marker import REDRIVEN_FROM
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.scoring import score_batch
from streams.kafka.topics.topic_reader import PartitionRange, Record, batch_of, record_of
from streams.runtime.settings import Connection
from tests.builders import (
    APPLICATION_SCHEMA_ID,
    CONTRACT,
    WRITERS,
    a_champion,
    a_wire,
    application_bytes,
)
from tests.doubles.kafka import Crash, FakeBroker

TOPICS = Connection(_env_file=None).topics()
APPLICATIONS, LETTERS, DECISIONS = TOPICS.applications.name, TOPICS.dead_letters.name, TOPICS.decisions.name
CANARY = "canary-4711"
"""In every place where an applicant's value may be: bytes, foreign headers, keys that are no ids."""


class Stage:
    """Topics in memory, a worker that answers what it has not, and the commands."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.writers: dict[int, Any] = {}
        """Of the registry; the worker and the command ask the same."""
        self.wire = a_wire()
        self.first: dict[int, int] = {}
        """Of the applications topic, by partition: where retention has come to."""
        self.acts: list[tuple[Any, ...]] = []
        """What was put on the audit log."""
        self._answered = 0

    def apply(self, name: str, value: bytes | None = None, **fields: Any) -> None:
        headers = [("client", CANARY.encode()), ("client", b"second"), ("traceparent", b"00-" + b"1" * 32 + b"-1-1")]
        given = application_bytes(application_id=name, **fields) if value is None else value
        self.broker.append(APPLICATIONS, name.encode(), given, headers=headers)

    def work(self) -> None:
        """As a worker does: every record since the last call, with decisions and dead letters."""
        records = self.records(APPLICATIONS)[self._answered :]
        self._answered += len(records)
        champion = a_champion()
        batch = batch_of(APPLICATIONS, records)
        scored = score_batch(batch, self.writers, champion, champion.scorecard.policy, self.wire)
        for each in (*scored.decisions, *scored.dead_letters):
            self.broker.append(each.topic, each.key, each.value, headers=list(each.headers))

    def records(self, topic: str) -> list[Record]:
        return [record_of(message) for message in self.broker.logs[topic][0]]

    def redriven(self) -> list[Record]:
        return [record for record in self.records(APPLICATIONS) if REDRIVEN_FROM in record.headers]

    def decision_counts(self) -> Mapping[str, int]:
        return Counter((record.key or b"").decode() for record in self.records(DECISIONS))

    def ranges(self, _connection: object, topics: Sequence[str], _since: int | None = None) -> list[PartitionRange]:
        first = self.first if topics[0] == APPLICATIONS else {}
        return [PartitionRange(topics[0], 0, first.get(0, 0), len(self.broker.logs[topics[0]][0]))]

    def blocks(self, _connection: object, wanted: Sequence[PartitionRange]) -> Iterator[list[Record]]:
        for each in wanted:
            yield self.records(each.topic)[each.first : each.end]

    def at(self, _connection: object, topic: str, places: set[tuple[int, int]]) -> list[Record]:
        return [
            each for each in self.records(topic) if (0, each.offset) in places and each.offset >= self.first.get(0, 0)
        ]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()

    class Registry:
        def __init__(self, *_: object) -> None: ...

        def of(self, ids: frozenset[int]) -> dict[int, Any]:
            return {schema_id: made.writers.get(schema_id) for schema_id in ids}

    for name, double in (
        ("partition_ranges", made.ranges),
        ("blocks", made.blocks),
        ("records_at", made.at),
        ("await_visible", lambda *_: None),
        ("WriterSchemas", Registry),
    ):
        monkeypatch.setattr(letter_topics, name, double)
    monkeypatch.setattr(PersonTrail, "record", lambda _self, *act, after: made.acts.append((*act, after)))
    monkeypatch.setattr(dlq, "redriver", partial(redriver.redriver, make=made.broker.producer))
    monkeypatch.setattr(redriver, "TOGETHER", 2)
    return made


def loanctl(*arguments: str, status: int = 0) -> Result:
    found = CliRunner().invoke(dlq.app, arguments, catch_exceptions=False)
    assert found.exit_code == status, found.output
    return found


def statuses(*arguments: str, status: int = 0) -> Mapping[str, int]:
    told = json.loads(loanctl("redrive", "--json", *arguments, status=status).stdout)
    return Counter(each["status"] for each in told["letters"])


def test_records_of_a_schema_that_was_registered_late_are_decided_once_however_often_redriven(stage: Stage) -> None:
    for number in range(5):
        stage.apply(f"a-{number}")
    stage.work()
    stage.writers = dict(WRITERS)
    before = stage.records(APPLICATIONS)

    dry = statuses()
    unsent = len(stage.records(APPLICATIONS))
    loanctl("redrive", "--send", "--why", "the schema is registered now")
    again = statuses("--send")
    stage.work()
    at_last = statuses("--send")

    assert (dry, unsent) == ({"ready": 5}, 5)
    assert again == at_last == {"redriven": 5}
    assert stage.acts == [(AuditAction.REDRIVE, LETTERS, "the schema is registered now", "5 records")]
    assert stage.decision_counts() == {f"a-{number}": 1 for number in range(5)}
    for record, original in zip(stage.redriven(), before, strict=True):
        assert (record.key, record.value) == (original.key, original.value)
        assert record.header_pairs[:-1] == original.header_pairs
        assert record.header_pairs[-1] == (REDRIVEN_FROM, f"{LETTERS}-0-{original.offset}".encode())


@pytest.mark.parametrize("act", ["commit_transaction", "committed"])
def test_a_redrive_that_is_killed_half_way_sends_the_rest_once(stage: Stage, act: str) -> None:
    for number in range(6):
        stage.apply(f"a-{number}")
    stage.work()
    stage.writers = dict(WRITERS)
    acts: list[str] = []

    def crash(name: str) -> None:
        acts.append(name)
        if acts.count(act) == 2 and name == act:
            raise Crash

    stage.broker.before = crash
    with pytest.raises(Crash):
        loanctl("redrive", "--send")
    stage.broker.before = lambda _act: None
    half = len(stage.redriven())

    loanctl("redrive", "--send")
    stage.work()

    assert 0 < half < 6
    assert stage.decision_counts() == {f"a-{number}": 1 for number in range(6)}


def test_a_redrive_that_another_has_overtaken_sends_no_more(stage: Stage) -> None:
    for number in range(6):
        stage.apply(f"a-{number}")
    stage.work()
    stage.writers = dict(WRITERS)
    runs: list[Mapping[str, int]] = []

    def another(act: str) -> None:
        if act == "committed" and not runs:
            runs.append({})
            runs[0] = statuses("--send")

    stage.broker.before = another
    with pytest.raises(OvertakenRedriveError):
        loanctl("redrive", "--send")
    stage.work()

    assert runs == [{"redriven": 2, "ready": 4}]
    assert stage.decision_counts() == {f"a-{number}": 1 for number in range(6)}


def test_what_a_worker_would_set_aside_again_is_told_and_goes_only_by_force(stage: Stage) -> None:
    stage.writers = dict(WRITERS)
    stage.apply("rubbish", b"{}")
    stage.work()

    held = statuses("--send", status=FINDING)
    forced = statuses("--send", "--force")
    stage.work()
    [first, second] = json.loads(loanctl("redrive", "--force", "--json").stdout)["letters"]

    assert (held, forced) == ({"unreadable": 1}, {"ready": 1})
    # It came back as a letter of its own, which names the one before.
    assert [first["status"], second["status"]] == ["redriven", "ready"]
    assert first["would_be_refused"] == "not_framed"


def test_an_application_that_was_decided_meanwhile_or_referred_is_left_alone(stage: Stage) -> None:
    stage.apply("sent-again")
    stage.work()
    stage.writers = dict(WRITERS)
    stage.apply("sent-again")
    stage.apply("referred", cb_person_cred_hist_length=200)
    stage.work()

    assert statuses("--send", "--force") == {"decided": 2}
    assert stage.decision_counts() == {"sent-again": 1, "referred": 1}


def test_one_record_with_two_letters_and_one_application_sent_twice_go_back_once(stage: Stage) -> None:
    stage.apply("twice")
    stage.work()
    # At least once: the same record is answered again.
    letter = stage.broker.logs[LETTERS][0][0]
    stage.broker.append(LETTERS, letter.key(), letter.value(), headers=letter.headers())
    stage.apply("twice")
    stage.work()
    stage.writers = dict(WRITERS)

    assert statuses("--send") == {"ready": 1, "repeated": 2}
    assert statuses("--send") == {"redriven": 2, "repeated": 1}
    stage.work()
    assert stage.decision_counts() == {"twice": 1}


def test_a_record_that_its_letter_does_not_carry_is_fetched_while_it_is_kept(stage: Stage) -> None:
    office = DeadLetterOffice(LETTERS, CONTRACT, keep_bytes=False)
    stage.wire = replace(stage.wire, dead_letters=office)
    stage.apply("gone")
    stage.apply("kept")
    stage.work()
    stage.writers = dict(WRITERS)
    stage.first = {0: 1}

    [summary] = json.loads(loanctl("list", "--json").stdout)
    found = statuses("--send", status=FINDING)
    stage.work()

    assert (summary["count"], summary["can_be_redriven"]) == (2, 1)
    assert found == {"gone": 1, "ready": 1}
    assert stage.decision_counts() == {"kept": 1}


def test_letters_are_chosen_by_reason_place_application_and_time(stage: Stage) -> None:
    stage.apply("a-0")
    stage.apply("a-1", b"{}")
    stage.apply("a-2")
    stage.work()
    stage.writers = dict(WRITERS)

    assert statuses("--reason", "unknown_schema") == {"ready": 2}
    assert statuses("--letter", "0:2") == {"ready": 1}
    assert statuses("--id", "a-0", "--id", "a-2") == {"ready": 2}
    assert statuses("--until", "2000-01-01") == {}
    with pytest.raises(UnknownLetterError, match="no such dead letter: 0:77, a-9"):
        loanctl("redrive", "--letter", "0:77", "--id", "a-9")
    assert "--reason is one of" in loanctl("redrive", "--reason", "hearsay", status=2).stderr
    assert "give PARTITION:OFFSET" in loanctl("redrive", "--letter", "seven", status=2).stderr


def test_a_letter_of_a_strangers_is_counted_and_left_alone(stage: Stage) -> None:
    stage.broker.append(LETTERS, CANARY.encode(), CANARY.encode(), headers=[("reason", CANARY.encode())])

    [summary] = json.loads(loanctl("list", "--json").stdout)

    assert (summary["reason"], summary["can_be_redriven"]) == ("unknown", 0)
    assert statuses("--send", "--force", status=FINDING) == {"foreign": 1}
    assert CANARY not in loanctl("show", "0:0").output


def test_nothing_of_an_applicants_is_printed(stage: Stage) -> None:
    stage.apply("a-0", f"{{{CANARY}}}".encode())
    stage.broker.append(
        APPLICATIONS, f"{CANARY} {{}}".encode(), b"\x00" + CANARY.encode(), headers=[("reason", CANARY.encode())]
    )
    stage.writers = {APPLICATION_SCHEMA_ID: WRITERS[APPLICATION_SCHEMA_ID]}
    stage.apply("a-1", cb_person_cred_hist_length=200, loan_intent=CANARY)
    stage.work()

    told = [
        loanctl(*arguments, *form, status=FINDING if arguments[0] == "redrive" else 0).output
        for arguments in (("list",), ("show", "0:0"), ("show", "0:1"), ("show", "0:2"), ("redrive",))
        for form in ((), ("--json",))
    ]

    assert CANARY not in "\n".join(told)


def test_a_letter_is_shown_with_its_reason_in_words_and_where_its_record_lies(stage: Stage) -> None:
    stage.writers = dict(WRITERS)
    stage.apply("a-0")
    stage.apply("a-1", cb_person_cred_hist_length=200)
    stage.work()

    [facts] = json.loads(loanctl("show", "a-1", "--json").stdout)
    text = loanctl("show", "0:0").stdout

    assert facts["original"] == f"{APPLICATIONS} 0:1"
    assert (facts["reason"], facts["field"]) == ("out_of_range", "cb_person_cred_hist_length")
    assert (facts["application_id"], facts["original_still_there"]) == ("a-1", True)
    assert "client: 11 bytes" in facts["headers"]
    assert "A number is outside the range" in text
    assert "A person decides on it" in text


def test_a_topic_without_letters_has_nothing_to_tell(stage: Stage) -> None:
    assert loanctl("list").stdout == "no dead letters\n"
    assert json.loads(loanctl("list", "--json").stdout) == []
    assert "dry run: 0 of 0" in loanctl("redrive").stdout
