"""A single broker loses markers of commits around its stop: the producer's next session ends what they leave."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from loanctl.stack.local_stack import LocalStack, StackParts, local_stack
from loanctl.stack.services import kafka_broker
from schemas.access import KafkaPrincipal
from streams.kafka.kafka_errors import UnstableOffsetsError
from streams.kafka.producer.hanging_transactions import HangingTransactions
from streams.kafka.producer.transactions import TransactionalProducer
from streams.runtime.settings import Connection
from tests.system.wait import wait_for

pytestmark = [pytest.mark.system, pytest.mark.chaos]
PRODUCERS, ROUNDS = 8, 12
SETTLED_S = 10.0
"""Longer than a producer's time-out, and the broker's next check."""
LOSES_MARKERS = {
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    # An orderly stop loses them, too, but rarely.
    "controlled.shutdown.enable": "false",
}
PRODUCE = """
import sys
from confluent_kafka import Consumer, Producer, TopicPartition
servers, out, number, offset = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
group = {"bootstrap.servers": servers, "group.id": f"group-{number}"}
metadata = Consumer(group).consumer_group_metadata()
producer = Producer({
    "bootstrap.servers": servers, "transactional.id": f"id-{number}", "transaction.timeout.ms": 3000,
    "retry.backoff.ms": 5, "linger.ms": 0,
})
producer.init_transactions(20)
print("begun", flush=True)
while True:
    producer.begin_transaction()
    producer.produce(out, b"answer", partition=number)
    offset += 1
    producer.send_offsets_to_transaction([TopicPartition("in", 0, offset)], metadata, 20)
    producer.commit_transaction(20)
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    monkeypatch.setattr(kafka_broker, "FIXED", {**kafka_broker.FIXED, **LOSES_MARKERS})
    with local_stack(tmp_path / "stack", StackParts()) as running:
        yield running


def test_what_a_lost_marker_leaves_is_undone_by_the_next_session_and_counts_agree(stack: LocalStack) -> None:
    connection = Connection(bootstrap_servers=stack.endpoints.bootstrap_servers, _env_file=None)
    servers = connection.bootstrap_servers
    out = connection.topics().decisions.name
    others = [connection.topics().shadow_decisions.name, connection.topics().dead_letters.name]
    topics = [NewTopic("in", 1, 1), NewTopic(out, PRODUCERS, 1), *(NewTopic(name, 1, 1) for name in others)]
    admin = AdminClient({"bootstrap.servers": servers})
    for made in admin.create_topics(topics).values():
        made.result(30)
    for _ in range(ROUNDS):
        with traffic(servers, out):
            stack.stop("kafka")
        stack.start("kafka")
        lost = hanging_producers(servers, out)
        if lost:
            break
    else:
        pytest.skip(f"the broker lost no marker in {ROUNDS} stops")
    number = lost[0]

    hanging = HangingTransactions(connection, KafkaPrincipal.WORKER)
    hanging.doubt(UnstableOffsetsError("", f"group-{number}", ["in"]))
    producer = TransactionalProducer(connection, f"id-{number}", opened=hanging.abort)
    producer.open()
    producer.close()

    wait_for(lambda: committed_offset(servers, number) is not None, 10, "stable offsets")
    wait_for(lambda: not hides(servers, number, out), 10, "an end of what was hidden")
    assert len(answers(servers, number, out)) == committed_offset(servers, number)


@contextmanager
def traffic(servers: str, out: str) -> Iterator[None]:
    """Transactions without pause for the length of a block."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PRODUCE, servers, out, str(number), str(committed_offset(servers, number) or 0)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for number in range(PRODUCERS)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def hanging_producers(servers: str, out: str) -> list[int]:
    """Those of whom neither answers nor offsets come to an end, though the broker ends what takes longer."""
    until = time.monotonic() + SETTLED_S
    left = list(range(PRODUCERS))
    while left and time.monotonic() < until:
        left = [each for each in left if committed_offset(servers, each) is None or hides(servers, each, out)]
    return [each for each in left if committed_offset(servers, each) is None and hides(servers, each, out)]


def committed_offset(servers: str, number: int) -> int | None:
    """The group's offset, 0 without one; None while it is unstable."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": f"group-{number}"})
    try:
        [found] = consumer.committed([TopicPartition("in", 0)], 1)
    except KafkaException:
        return None
    finally:
        consumer.close()
    return None if found.error else max(found.offset, 0)


def hides(servers: str, number: int, out: str) -> bool:
    """Whether a transaction is open in the producer's partition."""
    ends = []
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "ends", "isolation.level": isolation})
        ends.append(consumer.get_watermark_offsets(TopicPartition(out, number), 10)[1])
        consumer.close()
    return bool(ends[0] < ends[1])


def answers(servers: str, number: int, out: str) -> list[bytes]:
    """What a reader of committed records sees of a producer."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "all", "enable.partition.eof": True})
    consumer.assign([TopicPartition(out, number, 0)])
    found: list[bytes] = []
    while (message := consumer.poll(10)) is not None and message.error() is None:
        found.append(message.value())
    consumer.close()
    assert message is not None
    assert message.error().code() == KafkaError._PARTITION_EOF
    return found
