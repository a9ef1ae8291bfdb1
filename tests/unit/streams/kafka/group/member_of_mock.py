"""A process of its own: a group's first assignment on librdkafka's mock broker, with more callbacks in the same call.

Prints `alive` where it survives; the fault that it looks for is an abort.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, Producer

from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks
from streams.kafka.group.start_offsets import Start
from streams.runtime.settings import Connection

STATISTICS_MS = 20
WITHIN_S = 20.0


def survive() -> str:
    """Join on a new group whose output has records, and read on until callbacks have followed the assignment's."""
    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "replaced by the mock's"})
    nodes = broker.list_topics("in", WITHIN_S).brokers.values()
    broker.produce("out", b"written before")
    broker.flush(WITHIN_S)
    after: list[str] = []

    def begin(_starts: Sequence[Start]) -> Mapping[Any, int]:
        time.sleep(STATISTICS_MS / 100)  # so that a callback waits behind this one
        after.clear()
        return {}

    def make(properties: dict[str, Any]) -> Consumer:
        return Consumer({**properties, "statistics.interval.ms": STATISTICS_MS, "stats_cb": after.append})

    connection = Connection(bootstrap_servers=",".join(f"{node.host}:{node.port}" for node in nodes))
    reading = ConsumerConfig(topics=["in"], group="group", output_topics=["out"])
    member = GroupConsumer(connection, reading, ConsumerHooks(begin=begin), make)
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until and not (member.assigned.is_set() and after):
        member.consume(1, 1.0)
    return "alive" if member.assigned.is_set() and after else "not assigned"


if __name__ == "__main__":
    sys.stdout.write(survive())
