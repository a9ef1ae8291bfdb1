"""What is told of one partition, and when."""

from typing import Any

from drift.binning.binned_records import Shape
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.partial_counts import PANES_A_MESSAGE, PartialCounts, PartitionState
from tests.builders import some_values
from tests.unit.drift.stream import PANES, SOURCE, START, a_reference, applicants, observations

REFERENCE = a_reference()
TELLER = PartialCounts(product="credit_risk", place=(SOURCE, 2), partitions=lambda _: 4, reference=REFERENCE)
SILENCE_S = 5.0


def partition_state(count: int = 500, spacing_ms: int = 10, **fields: Any) -> PartitionState:
    seen = observations(applicants(some_values(count, seed=2), spacing_ms=spacing_ms), REFERENCE)
    panes = PartitionPanes(PANES, Shape(REFERENCE.applications.size), PanePosition())
    panes.observe(seen)
    return PartitionState(
        **{"panes": panes, "published_horizon": PanePosition().horizon, "seen_at": 100.0, "awake": True, **fields}
    )


def test_closed_panes_are_told_once() -> None:
    each = partition_state()

    first = list(TELLER.flush(each, 100.0, SILENCE_S))

    assert [pane.start for pane in first[0].panes] == [START, START + 1_000]
    assert (first[0].partition, first[0].partitions, first[0].idle) == (2, 4, False)
    assert list(TELLER.flush(each, 100.0, SILENCE_S)) == []


def test_silence_is_told_once_when_a_partition_read_to_its_end_brings_nothing_for_long() -> None:
    each = partition_state(ended=True)

    early = list(TELLER.flush(each, 104.9, SILENCE_S))
    late = list(TELLER.flush(each, 105.0, SILENCE_S))

    assert [message.idle for message in (*early, *late)] == [False, True]
    assert sum(pane.n for message in (*early, *late) for pane in message.panes) == 500
    assert list(TELLER.flush(each, 200.0, SILENCE_S)) == []


def test_a_partition_that_was_not_read_to_its_end_is_never_silent() -> None:
    assert not any(message.idle for message in TELLER.flush(partition_state(), 1e6, SILENCE_S))


def test_waking_is_told_before_anything_else_and_once() -> None:
    each = partition_state(idle=True)

    assert [message.idle for message in TELLER.wake(each)] == [False]
    assert list(TELLER.wake(each)) == []


def test_many_panes_go_in_several_messages_and_only_the_last_is_idle() -> None:
    each = partition_state(count=450, spacing_ms=1_000, ended=True)

    messages = list(TELLER.flush(each, 200.0, SILENCE_S))

    assert [len(message.panes) for message in messages] == [PANES_A_MESSAGE, PANES_A_MESSAGE, 50]
    assert [message.idle for message in messages] == [False, False, True]
    assert [message.horizon for message in messages[:2]] == [messages[1].panes[0].start, messages[2].panes[0].start]
