"""Past decisions read again: the first of each application, the latest so many."""

import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import typer

from loanctl.commands.scorecards import policy
from loanctl.reports import decision_log
from loanctl.reports.decision_log import NothingDecidedError, PastDecisions, every, first_decisions, span
from schemas.topics import Topic
from streams.kafka.topics import topic_scan
from streams.kafka.topics.topic_reader import Record
from streams.runtime.settings import Connection

TOPIC = Topic("loan.decisions.v1", "application_id", None)


class TextDecoder:
    def read(self, value: bytes, _writers: Any) -> Any:
        return None if value == b"?" else {"application_id": value.decode()[0], "said": value.decode()}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PastDecisions]:
    """Reads records of timestamp and value, one block each."""

    def run(
        records: Sequence[tuple[int, str]], most: int | None = None, meant: Any = every, **ends: datetime
    ) -> PastDecisions:
        lain = [
            Record("loan.decisions.v1", 0, offset, timestamp, None, value.encode())
            for offset, (timestamp, value) in enumerate(records)
        ]
        monkeypatch.setattr(decision_log, "partition_ranges", lambda *_: [])
        monkeypatch.setattr(topic_scan, "blocks", lambda *_: iter([[record] for record in lain]))
        chosen = span(ends.get("since"), ends.get("until"), most)
        return first_decisions(Connection(_env_file=None), TOPIC, TextDecoder(), chosen, meant)  # type: ignore[arg-type]

    return run


def texts_of(found: PastDecisions) -> list[str]:
    return [decision["said"] for decision in found.decisions.values()]


def test_the_first_decision_of_each_application_stands_and_what_is_none_is_passed_over(
    read: Callable[..., PastDecisions],
) -> None:
    found = read([(5, "b1"), (3, "a1"), (7, "a2"), (8, "?"), (4, "b0")])

    assert texts_of(found) == ["a1", "b0"]
    assert found.began == datetime(1970, 1, 1, 0, 0, 0, 3000, tzinfo=UTC)


def test_the_latest_so_many_are_kept_and_a_repetition_does_not_bring_one_back(
    read: Callable[..., PastDecisions],
) -> None:
    records = [(time, f"{name}1") for time, name in enumerate("abcdefgh")]

    assert texts_of(read(records, most=3)) == ["f1", "g1", "h1"]
    assert texts_of(read([*records, (90, "a2"), (91, "b2")], most=3)) == ["f1", "g1", "h1"]


def test_what_was_passed_takes_little_memory_however_long_its_id() -> None:
    first = decision_log._First(10)
    tracemalloc.start()

    for time in range(20_000):
        first.add((time, 0, time), {"application_id": f"{time:0>400}"})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken < 20_000 * 150
    assert len(first.latest()) == 10


def test_what_if_reads_no_more_decisions_than_memory_holds_unless_asked() -> None:
    app = typer.main.get_command(policy.app)
    option = next(each for each in app.commands["what-if"].params if each.name == "most")  # type: ignore[attr-defined]

    assert option.default == 200_000


def test_a_span_begins_with_its_since_and_ends_before_its_until(read: Callable[..., PastDecisions]) -> None:
    def second(number: int) -> datetime:
        return datetime(1970, 1, 1, 0, 0, number)  # noqa: DTZ001 - as the command line gives it

    records = [(1000, "a"), (2000, "b"), (3000, "c")]

    assert texts_of(read(records, since=second(2))) == ["b", "c"]
    assert texts_of(read(records, until=second(3))) == ["a", "b"]
    with pytest.raises(NothingDecidedError, match=r"no decision on loan.decisions.v1 from 1970-01-01 00:00:04"):
        read(records, since=second(4))


def test_only_what_is_meant_is_a_first_decision_or_one_of_the_latest_so_many(
    read: Callable[..., PastDecisions],
) -> None:
    records = [(1, "a1"), (2, "b2"), (3, "a2"), (4, "c2"), (5, "d1"), (6, "e1"), (7, "f1")]

    found = read(records, most=2, meant=lambda decision: decision["said"].endswith("2"))

    assert texts_of(found) == ["a2", "c2"]
