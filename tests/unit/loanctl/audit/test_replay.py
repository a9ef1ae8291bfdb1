"""A replay counts what changes and publishes nothing by itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from loanctl.audit import replay
from loanctl.audit.offset_ranges import offset_ranges
from loanctl.audit.replay import ReplayTerms, ShadowPublisher, TopicReplay, replay_records
from loanctl.audit.replay_count import AnswerChange, ReplayCount
from schemas.codec.wire_format import HEADER
from schemas.records import OutgoingRecord
from scorecard.decisions.decision_records import REPLAY
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.reproduction import Change
from scorecard.policy import Policy
from tests.builders import CONTRACT, a_champion, an_application
from tests.unit.loanctl.audit.topics import SETTINGS, TOPICS, Topics

CHAMPION = a_champion()
OWN = CHAMPION.scorecard.policy
RISKY = {"loan_percent_income": 0.3, "loan_amnt": Decimal(15_000)}


def run(policy: Policy = OWN, champion: Any = CHAMPION, publish: Any = None, partition: Any = None) -> ReplayCount:
    wanted = offset_ranges(SETTINGS, TOPICS.applications.name, partition, None, None)
    return TopicReplay(SETTINGS, ReplayTerms(champion, policy), publish).run(wanted)


def test_the_same_scorecard_and_policy_give_the_same_bytes(topics: Topics) -> None:
    topics.decide([*topics.apply("a", "b"), *topics.apply("c", partition=1, **RISKY)])

    found = run()

    assert (found.applications, found.compared, found.same_bytes, found.undecided) == (3, 3, 3, 0)
    assert (dict(found.outcomes), dict(found.swaps), dict(found.causes)) == ({"APPROVE": 2, "DECLINE": 1}, {}, {})


def test_other_cut_offs_change_outcomes_by_the_policy(topics: Topics) -> None:
    topics.decide([*topics.apply("a", "b"), *topics.apply("c", **RISKY)])

    found = run(Policy(0.05, 0.6))

    assert found.swaps == {("APPROVE", "REFER"): 2}
    assert found.answers == {AnswerChange.OUTCOME: 2, AnswerChange.NONE: 1}
    assert (found.causes, found.same_bytes) == ({Change.POLICY: 3}, 0)


def test_another_release_that_decides_alike_is_named_and_changes_no_answer(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.decide(topics.apply("a", "b"))
    monkeypatch.setattr(replay, "code_version", lambda: "1.0.0")

    found = run()

    assert (found.causes, found.answers, found.same_bytes) == ({Change.CODE: 2}, {AnswerChange.NONE: 2}, 0)


def test_another_scorecard_changes_what_it_changes(topics: Topics) -> None:
    topics.decide([*topics.apply("a"), *topics.apply("c", **RISKY)])
    forest = CHAMPION.scorecard.forest
    bolder = a_champion("2", forest=type(forest)(**{**_arrays(forest), "value": forest.value * 1.5}))

    found = run(champion=bolder)

    assert found.causes == {Change.SCORECARD: 2}
    assert found.answers == {AnswerChange.PROBABILITY: 2}


def _arrays(forest: Any) -> dict[str, Any]:
    return {name: getattr(forest, name) for name in forest.__slots__}


def test_what_cannot_be_read_or_was_not_decided_is_counted_apart(topics: Topics) -> None:
    topics.decide(topics.apply("a"))
    topics.put(TOPICS.applications.name, b"damaged")
    topics.apply("b")

    found = run()

    assert (found.applications, found.unreadable, found.undecided, found.compared) == (3, 1, 1, 1)


def test_of_two_decisions_the_first_counts(topics: Topics) -> None:
    applied = topics.apply("a")
    topics.decide(applied)
    topics.decide(applied, a_champion("2"))

    assert run().same_bytes == 1


@pytest.mark.parametrize(("ahead_h", "undecided"), [(1, 0), (2, 0), (23, 0), (25, 1)])
def test_a_decision_is_found_though_the_applications_clock_was_hours_ahead(
    topics: Topics, ahead_h: int, undecided: int
) -> None:
    topics.decide(topics.apply("a"))
    [lying] = topics.records[TOPICS.applications.name].values()
    lying[0] = replace(lying[0], timestamp=lying[0].timestamp + ahead_h * 3_600_000)

    found = run()

    assert (found.undecided, found.same_bytes) == (undecided, 1 - undecided)


def test_chunks_come_to_the_same(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcde":
        topics.decide(topics.apply(name))
        topics.decide(topics.apply(name.upper(), partition=1, **RISKY))
    whole = run().plain()
    monkeypatch.setattr(replay, "CHUNK", 2)

    assert run().plain() == whole
    assert whole["same_bytes"] == 10


class Publisher:
    def __init__(self) -> None:
        self.sent: list[OutgoingRecord] = []

    def send(self, records: Sequence[OutgoingRecord]) -> int:
        new = list(records)
        self.sent += new
        return len(new)


def test_nothing_is_published_unless_it_is_asked_for(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    topics.decide(topics.apply("a", "b"))
    topics.put(TOPICS.applications.name, b"damaged")
    broker: Any = Publisher()
    shadow = ShadowPublisher(SETTINGS, broker)

    run()
    assert broker.sent == []
    run(publish=shadow)

    assert (shadow.count, {record.topic for record in broker.sent}) == (2, {TOPICS.shadow_decisions.name})
    assert [dict(record.headers)[REPLAY] for record in broker.sent] == [shadow.replay_id.encode()] * 2
    recorded = [record.value or b"" for record in topics.records[TOPICS.decisions.name][0]]
    assert [record.value[HEADER.size :] for record in broker.sent] == [value[HEADER.size :] for value in recorded]


@pytest.fixture
def replay_policy() -> Callable[[Policy], ReplayCount]:
    records = [
        an_application(application_id=name, loan_percent_income=ratio, loan_amnt=Decimal(round(50_000 * ratio)))
        for name, ratio in {"a": 0.1, "b": 0.3}.items()
    ]

    def run_records(policy: Policy) -> ReplayCount:
        return replay_records(
            records, ReplayTerms(CHAMPION, policy), ReplayTerms(CHAMPION, OWN), Hypotheticals(CONTRACT)
        )

    return run_records


def test_a_file_is_compared_with_what_is_in_force(replay_policy: Callable[[Policy], ReplayCount]) -> None:
    assert replay_policy(OWN).answers == {AnswerChange.NONE: 2}
    assert replay_policy(OWN).causes == {}
    assert replay_policy(Policy(0.01, 0.6)).swaps == {("APPROVE", "REFER"): 1}
    assert replay_policy(Policy(0.01, 0.6)).causes == {Change.POLICY: 2}
