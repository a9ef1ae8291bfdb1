"""Commands that read past decisions, on a real broker."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.retraining import RetrainCause, RetrainCommand
from schemas.records import OutgoingRecord
from schemas.registry_client import EventSerde
from schemas.topics import Topic
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from tests.decisions import a_decision, contributions, reasons
from tests.system.conftest import Ran
from tests.system.scorecards import Champions
from tests.system.topic_records import read_events


class Past:
    """Puts decisions and outcomes on the topics."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.topics = connection.topics()

    def add_decisions(self, decisions: Sequence[LoanDecision], topic: Topic | None = None) -> None:
        where = topic or self.topics.decisions
        serde = EventSerde(self._connection.registry(), LoanDecision, where.name)
        self._send(where, {one.application_id: serde.encode(one) for one in decisions})

    def add_outcomes(self, **defaulted: bool) -> None:
        topic = self.topics.outcomes
        serde = EventSerde(self._connection.registry(), LoanOutcome, topic.name)
        moment = datetime(2026, 6, 1, tzinfo=UTC)
        self._send(
            topic,
            {
                name: serde.encode(LoanOutcome(application_id=name, defaulted=how, observed_at=moment))
                for name, how in defaulted.items()
            },
        )

    def commands(self) -> list[RetrainCommand]:
        return read_events(self._connection, RetrainCommand, self.topics.retrain_commands)

    def _send(self, topic: Topic, values: dict[str, bytes]) -> None:
        with EventPublisher(self._connection, "/test") as publisher:
            publisher.send([OutgoingRecord(topic.name, name.encode(), value) for name, value in values.items()])


@pytest.fixture
def past(connection: Connection) -> Past:
    return Past(connection)


def test_past_decisions_are_tried_under_other_cut_offs(loanctl: Callable[..., Ran], past: Past) -> None:
    nothing = loanctl("policy", "what-if", "--approve-below", "0.1")
    first = a_decision("b", 0.15)
    past.add_decisions([a_decision("a", 0.05), first, a_decision("c", 0.4), a_decision("d", None)])
    past.add_decisions([a_decision("b", 0.95)])
    past.add_outcomes(b=True)

    status, told, faults = loanctl("policy", "what-if", "--approve-below", "0.1", "--json")
    shown = loanctl("policy", "what-if", "--approve-below", "0.1", "--since", "2026-01-01")
    before = loanctl("policy", "what-if", "--approve-below", "0.1", "--until", "2000-01-01")

    assert nothing == (2, "", f"loanctl: no decision on {past.topics.decisions.name}\n")
    assert status == 0, faults
    found = json.loads(told)
    assert (found["decisions"], found["not_scored"], found["changed"]) == (4, 1, 1)
    # The decision of b that counts is its first one; the other cut-off stays as it was.
    assert found["changes"][0]["examples"] == ["b"]
    assert found["policy"]["decline_from"] == 0.6
    assert found["cost"]["by_outcome"] == pytest.approx(
        {"decisions": 1, "before": 5.0, "after": 0.7, "difference": -4.3}
    )
    assert "4 decisions, 1 would change" in shown[1]
    assert before[0] == 2
    assert "until 2000-01-01 00:00:00" in before[2]


def test_a_champion_that_has_fallen_asks_for_a_challenger_once(
    loanctl: Callable[..., Ran],
    past: Past,
    connection: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOAN_MINIMUM_N", "200")
    nobody = loanctl("retrain", "--if-auc-under", "0.7")
    champions = Champions(connection, tmp_path)
    champion = champions.promote(champions.register())
    names = [f"a{number}" for number in range(200)]
    past.add_decisions(
        [a_decision(name, number / 200, scorecard_version=champion.version) for number, name in enumerate(names)]
    )
    past.add_outcomes(**{name: number % 2 == 0 for number, name in enumerate(names)})

    steady = loanctl("retrain", "--if-auc-under", "0.4")
    fallen = loanctl("retrain", "--if-auc-under", "0.7")
    again = loanctl("retrain", "--if-auc-under", "0.7")

    assert nobody[0] == 2
    assert "has no champion whose performance could have fallen" in nobody[2]
    assert "AUC of version 1 is 0.495 (" in steady[1]
    assert "not surely under 0.4, nothing is asked" in steady[1]
    assert fallen[0] == 0, fallen[2]
    commands = past.commands()
    assert [command.cause for command in commands] == [RetrainCause.PERFORMANCE]
    assert (commands[0].champion_version, commands[0].champion_digest) == ("1", champion.digest)
    assert commands[0].why.endswith("on 200 loans, surely under 0.7")
    assert again[1].startswith(f"{commands[0].command_id} was asked before")


def test_a_challenger_is_compared_with_the_champion_it_met(loanctl: Callable[..., Ran], past: Past) -> None:
    nothing = loanctl("challenger", "report")
    shadow = past.topics.shadow_decisions
    names = [f"a{number}" for number in range(40)]
    by_champion = [
        a_decision(name, 0.1 + number / 100, contributions=contributions(income=0.1))
        for number, name in enumerate(names)
    ]
    stricter = {"scorecard_version": "2", "contributions": contributions(income=0.5), "reasons": reasons("INCOME")}
    past.add_decisions([a_decision("a0", 0.9, scorecard_version="1b")], shadow)
    past.add_decisions([*by_champion, a_decision("z", 0.5)])
    past.add_decisions(
        [a_decision(name, 0.3 + number / 100, **stricter) for number, name in enumerate(names[1:])], shadow
    )
    past.add_outcomes(**{name: number > 20 for number, name in enumerate(names)})

    status, told, faults = loanctl("challenger", "report", "--json")
    shown = loanctl("challenger", "report")
    nobody = loanctl("challenger", "report", "--version", "7")

    assert nothing == (2, "", f"loanctl: no decision on {shadow.name}\n")
    assert status == 0, faults
    found = json.loads(told)
    assert (found["champion"], found["challenger"], found["pairs"], found["flipped"]) == ("1", "2", 39, 18)
    assert found["shift"]["mean"] == pytest.approx(0.19)
    assert found["reasons"][0]["appeared"] == 39
    assert found["features"][0]["mean"] == pytest.approx(0.4)
    assert (found["right"]["rows"], found["right"]["auc_champion"]) == (39, 1.0)
    assert "of 39 applications 18 (46.2%) would have another outcome" in shown[1]
    assert nobody[2] == "loanctl: version 7 and a champion have no application in common\n"
