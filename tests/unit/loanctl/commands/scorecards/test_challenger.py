"""Which of the decisions on the topics a challenger is compared by."""

from collections.abc import Callable, Sequence

import fastavro
import pytest

from loanctl.commands.scorecards import challenger
from loanctl.commands.scorecards.challenger import Contestants
from loanctl.reports import decision_log
from loanctl.reports.decision_log import NothingDecidedError, span
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanDecision
from streams.kafka.topics import topic_scan
from streams.kafka.topics.topic_reader import PartitionRange, Record
from tests.decisions import a_decision
from training.settings import TrainingSettings

WRITER = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
SETTINGS = TrainingSettings(_env_file=None)


class OneWriter:
    def __init__(self, _registry: object, _topic: str) -> None:
        pass

    def of(self, ids: Sequence[int]) -> dict[int, object]:
        return dict.fromkeys(ids, WRITER)


def encode(decision: LoanDecision) -> bytes:
    return frame(9, WRITER, as_record(decision))


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Contestants]:
    """Compares what lies on the shadow topic, id and version each, with version 1 on the other."""

    def run(*said: tuple[str, str], most: int | None = None, version: str = "") -> Contestants:
        shadow = [a_decision(name, 0.3, scorecard_version=theirs) for name, theirs in said]
        ours = [a_decision(name, 0.1) for name in dict(said)]
        lain = {SETTINGS.topics().shadow_decisions.name: shadow, SETTINGS.topics().decisions.name: ours}

        def extents(_connection: object, topics: Sequence[str], _since: int | None) -> list[PartitionRange]:
            return [PartitionRange(topics[0], 0, 0, len(lain[topics[0]]))]

        def blocks(_connection: object, wanted: Sequence[PartitionRange]) -> list[list[Record]]:
            name = wanted[0].topic
            lying = enumerate(lain[name])
            return [[Record(name, 0, nth, 10**9 + nth, None, encode(each)) for nth, each in lying]]

        monkeypatch.setattr(decision_log, "partition_ranges", extents)
        monkeypatch.setattr(topic_scan, "blocks", blocks)
        monkeypatch.setattr(topic_scan, "WriterSchemas", OneWriter)
        return challenger._contestants(SETTINGS, span(None, None, most), version)

    return run


def names(found: Contestants) -> list[str]:
    return [pair.application_id for pair in found.pairs]


def test_the_challenger_asked_for_is_found_behind_more_decisions_of_another(
    compare: Callable[..., Contestants],
) -> None:
    found = compare(("a", "2"), ("b", "2"), ("c", "2"), ("d", "3"), ("e", "3"), ("f", "3"), most=2, version="2")

    assert (found.challenger, names(found)) == ("2", ["b", "c"])


def test_an_application_that_another_challenger_met_first_counts(compare: Callable[..., Contestants]) -> None:
    found = compare(("a", "2"), ("b", "2"), ("a", "3"), ("b", "3"), version="3")

    assert (found.challenger, names(found)) == ("3", ["a", "b"])


def test_the_challenger_that_decided_last_is_compared_where_none_is_asked_for(
    compare: Callable[..., Contestants],
) -> None:
    found = compare(("a", "2"), ("b", "2"), ("a", "3"))

    assert (found.challenger, names(found)) == ("3", ["a"])


def test_a_challenger_that_never_decided_is_told_by_its_version(compare: Callable[..., Contestants]) -> None:
    with pytest.raises(NothingDecidedError, match="version 7 and a champion have no application in common"):
        compare(("a", "2"), version="7")
