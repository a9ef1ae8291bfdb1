"""What lies on topics, on a real broker."""

import pytest
from confluent_kafka import Producer

from streams.kafka.kafka_errors import NoTopicError
from streams.kafka.topics.topic_reader import PartitionRange, Record, blocks, partition_ranges
from streams.runtime.settings import Connection
from tests.system.wait import wait_for


@pytest.fixture
def topic(connection: Connection) -> str:
    """Of one partition."""
    return connection.topics().retrain_commands.name


@pytest.fixture
def open_transaction(connection: Connection, topic: str) -> Producer:
    """Three records lie on the topic, a thousand milliseconds apart, and after them two of a transaction left open."""
    plain = Producer(connection.kafka())
    for place in range(3):
        plain.produce(topic, f"{place}".encode(), key=b"k", timestamp=1_000 * place + 500, headers={"h": b"1"})
    assert plain.flush(30) == 0
    transactional = Producer({**connection.kafka(), "transactional.id": f"{topic}-test"})
    transactional.init_transactions(30)
    transactional.begin_transaction()
    for place in range(2):
        transactional.produce(topic, f"open {place}".encode(), timestamp=9_000)
    assert transactional.flush(30) == 0
    return transactional


def ranges_beyond(connection: Connection, topic: str, end: int) -> list[PartitionRange] | None:
    """The topic's range once it ends after this offset; None before."""
    found = partition_ranges(connection, [topic])
    return found if found[0].end > end else None


def read(connection: Connection, wanted: list[PartitionRange]) -> list[Record]:
    return [record for block in blocks(connection, wanted) for record in block]


def test_what_is_not_committed_lies_on_no_topic_yet(
    connection: Connection, topic: str, open_transaction: Producer
) -> None:
    before = partition_ranges(connection, [topic])
    found = read(connection, before)
    open_transaction.commit_transaction(30)
    after = wait_for(lambda: ranges_beyond(connection, topic, 4), what="the end beyond the committed records")

    assert before == [PartitionRange(topic, 0, 0, 3)]
    assert [(record.value, record.timestamp, record.key) for record in found] == [
        (b"0", 500, b"k"),
        (b"1", 1_500, b"k"),
        (b"2", 2_500, b"k"),
    ]
    assert dict(found[0].headers) == {"h": b"1"}
    # The end that was told stays that of the same records, whatever was open then.
    assert read(connection, before) == found
    assert [record.value for record in read(connection, after)] == [b"0", b"1", b"2", b"open 0", b"open 1"]


def test_what_was_aborted_is_passed_over_and_the_end_found(
    connection: Connection, topic: str, open_transaction: Producer
) -> None:
    open_transaction.abort_transaction(30)
    # Markers are written after the producer has its answer, and the end moves with them.
    lying = wait_for(lambda: ranges_beyond(connection, topic, 5), what="the end beyond the aborted records")

    assert len(read(connection, lying)) == 3


def test_a_time_says_where_to_begin_and_after_the_last_record_nothing_lies(
    connection: Connection, topic: str, open_transaction: Producer
) -> None:
    open_transaction.abort_transaction(30)
    since = partition_ranges(connection, [topic], since=1_000)
    later = partition_ranges(connection, [topic], since=4_000_000_000_000)

    assert [record.value for record in read(connection, since)] == [b"1", b"2"]
    assert later[0].first == later[0].end
    assert read(connection, later) == []


def test_a_stretch_ends_before_its_end_though_more_lies_behind(
    connection: Connection, topic: str, open_transaction: Producer
) -> None:
    open_transaction.abort_transaction(30)

    assert [record.offset for record in read(connection, [PartitionRange(topic, 0, 1, 2)])] == [1]


def test_a_topic_that_does_not_exist_is_named_with_what_to_do(connection: Connection) -> None:
    with pytest.raises(NoTopicError, match="no topic nowhere: run `loanctl topics apply`"):
        partition_ranges(connection, ["nowhere"])
