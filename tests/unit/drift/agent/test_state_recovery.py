"""Which state an owner begins with."""

import json
from collections.abc import Callable, Sequence

import pytest

from drift.agent import state_recovery
from drift.agent.state_recovery import DECLARED, DECLARED_AGAIN, SAMPLE, OwnerState, Recovery, part_key
from drift.monitor import Monitor
from drift.performance.kept_sample import CHUNK
from drift.settings import DriftSettings
from schemas.events.drift import DriftAcknowledgement, DriftState, HourCounts, UsualWeek
from schemas.timestamps import EPOCH
from streams.kafka.group.batch_reader import ReadingError
from streams.kafka.group.start_offsets import Extent, Start, start_of
from streams.kafka.topics.topic_reader import PartitionRange, Record

SETTINGS = DriftSettings(_env_file=None)
COUNTS = SETTINGS.topics().drift_counts.name


def a_state(published: int, position: int = 7) -> DriftState:
    desk = OwnerState(Monitor(SETTINGS.rules()), {COUNTS: position}, published=published)
    return DriftState(product="p", state=desk.to_json())


def start_at(offset: int, metadata: str) -> Start:
    extent = Extent(committed=offset, low=0, high=offset, metadata=metadata)
    return start_of((COUNTS, 0), extent, worked_before=False)


@pytest.fixture
def recover(monkeypatch: pytest.MonkeyPatch) -> Callable[..., OwnerState]:
    """The desk where these states are found, one look after the other; the last one again and again."""
    monkeypatch.setattr(state_recovery, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(state_recovery, "TRANSACTION_TIMEOUT_MS", 50)

    def run(states: Sequence[DriftState | None], position: Start) -> OwnerState:
        left = list(states)
        recovering = Recovery(SETTINGS, None)  # type: ignore[arg-type]
        monkeypatch.setattr(recovering, "_last_state", lambda: left.pop(0) if len(left) > 1 else left[0])
        return recovering.desk(position)

    return run


def test_a_state_of_an_earlier_transaction_is_not_the_last_one_yet(
    recover: Callable[..., OwnerState],
) -> None:
    # A look may be told without a count read since: the offset alone does not tell the two states apart.
    desk = recover([a_state(4), a_state(4), a_state(5)], start_at(7, "5"))

    assert (desk.published, desk.positions) == (5, {COUNTS: 7})


def test_a_state_that_never_comes_is_an_outage(recover: Callable[..., OwnerState]) -> None:
    with pytest.raises(ReadingError):
        recover([a_state(4)], start_at(7, "5"))


@pytest.mark.parametrize("metadata", ["", "somebody's"])
def test_an_offset_that_says_nothing_of_transactions_asks_for_its_own_place_alone(
    recover: Callable[..., OwnerState], metadata: str
) -> None:
    assert recover([a_state(0, 6), a_state(0, 7)], start_at(7, metadata)).positions == {COUNTS: 7}


def test_where_nobody_owned_the_windows_before_all_begins_anew(recover: Callable[..., OwnerState]) -> None:
    extent = Extent(committed=None, low=3, high=9)
    desk = recover([None], start_of((COUNTS, 0), extent, worked_before=False))

    assert (desk.positions, desk.published, desk.monitor.look) == ({COUNTS: 3}, 0, None)


def test_a_state_of_another_version_begins_anew_behind_what_was_read(recover: Callable[..., OwnerState]) -> None:
    desk = recover([DriftState(product="p", state='{"monitor": 1, "positions": {}}')], start_at(7, "5"))

    assert (desk.positions, desk.published) == ({COUNTS: 7}, 5)


@pytest.mark.parametrize("left", [[state_recovery.CLEARED], [None]])
def test_a_state_that_a_person_cleared_begins_anew_at_the_committed_offset(
    recover: Callable[..., OwnerState], left: Sequence[DriftState | None]
) -> None:
    desk = recover(left, start_at(7, "5"))

    assert (desk.positions, desk.published) == ({COUNTS: 7}, 5)


def test_parts_that_a_shorter_sample_leaves_over_are_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_recovery, "partition_ranges", lambda *_: [PartitionRange("states", 0, 0, 9)])
    recovery = Recovery(SETTINGS, None)  # type: ignore[arg-type]

    long = recovery.new_text(SAMPLE, "x" * (2 * CHUNK + 1), None)
    short = recovery.new_text(SAMPLE, "y", long)
    middle = recovery.new_text(SAMPLE, "z" * (CHUNK + 1), short)

    assert [len(part) for part in long.parts()] == [CHUNK, CHUNK, 1]
    assert short.parts() == ["y", "", ""]
    assert [len(part) for part in middle.parts()] == [CHUNK, 1, 0]
    assert [each.to_dict()["chunks"] for each in (long, short, middle)] == [3, 1, 2]


WEEK = UsualWeek(
    reference_id="r",
    time_zone="UTC",
    hours=tuple(HourCounts(hour=hour, counts=tuple(range(1_000))) for hour in range(168)),
)


def declare_week(declared: Monitor) -> OwnerState:
    """A desk where a usual week was declared a moment ago."""
    acknowledgement = DriftAcknowledgement(
        acknowledgement_id="1",
        product="credit_risk",
        why="nights",
        hold_until=None,
        season=None,
        acknowledged_at=EPOCH,
        usual_week=WEEK,
    )
    declared.acknowledge(acknowledgement)
    return OwnerState(declared, {COUNTS: 7}, published=5)


class Plain:
    """Reads a state from its text."""

    def decode(self, value: bytes) -> DriftState:
        return DriftState(product="credit_risk", state=value.decode())


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """Records on the topic of states."""
    records = list[Record]()
    monkeypatch.setattr(state_recovery, "partition_ranges", lambda *_: [PartitionRange("states", 0, 0, len(records))])
    monkeypatch.setattr(state_recovery, "blocks", lambda _, ranges: [records[ranges[0].first :]])
    return records


def publish(desk: OwnerState, recovery: Recovery, topic: list[Record]) -> int:
    """What an owner's transaction puts on the topic; how many records beside the state."""
    desk.published += 1
    recovery.renew_declarations(desk)
    texts = {
        (text.name, nth): part for text in desk.texts if not text.published for nth, part in enumerate(text.parts())
    }
    for (name, nth), part in texts.items():
        topic.append(Record("states", 0, len(topic), 0, part_key("credit_risk", name, nth).encode(), part.encode()))
    topic.append(Record("states", 0, len(topic), 0, b"credit_risk", desk.to_json().encode()))
    for text in desk.texts:
        text.published = True
    return len(texts)


def test_what_was_declared_lies_beside_the_states_and_is_read_with_the_last(topic: list[Record]) -> None:
    recovery = Recovery(SETTINGS, Plain())  # type: ignore[arg-type]
    desk = declare_week(Monitor(SETTINGS.rules()))

    written = [publish(desk, recovery, topic) for _ in range(3)]

    assert written == [2, 0, 0]
    assert len(topic[-1].value or b"") < 2_000
    restored = recovery.desk(start_at(7, "8"))
    assert restored.monitor.declarations == ((), WEEK)
    assert publish(restored, recovery, topic) == 0
    restored.published += DECLARED_AGAIN
    assert publish(restored, recovery, topic) == 2


def test_what_a_state_of_before_holds_is_read_and_written_beside_the_next(topic: list[Record]) -> None:
    recovery = Recovery(SETTINGS, Plain())  # type: ignore[arg-type]
    before = declare_week(Monitor(SETTINGS.rules()))
    plain = {**json.loads(before.to_json()), "monitor": before.monitor.to_dict()}
    topic.append(Record("states", 0, 0, 0, b"credit_risk", json.dumps(plain).encode()))

    desk = recovery.desk(start_at(7, "5"))

    assert desk.monitor.declarations == ((), WEEK)
    assert publish(desk, recovery, topic) == 2


def test_what_is_not_whole_is_nothing_declared(topic: list[Record]) -> None:
    recovery = Recovery(SETTINGS, Plain())  # type: ignore[arg-type]
    publish(declare_week(Monitor(SETTINGS.rules())), recovery, topic)
    topic[:] = [record for record in topic if record.key != part_key("credit_risk", DECLARED, 1).encode()]

    assert recovery.desk(start_at(7, "6")).monitor.declarations == ((), None)
