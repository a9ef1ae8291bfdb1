"""A key lies in the partition that Java's clients give it, whoever of ours produces."""

import ast
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.kafka.producer.transactions import producer_properties
from streams.runtime.settings import Connection

ROOT = Path(__file__).parents[4]
PACKAGES = ("streams", "drift", "training", "ledger", "gateway", "loanctl")
PARTITIONS = 4
"""Of a topic that librdkafka's mock broker makes."""

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""`org.apache.kafka.common.utils.Utils.murmur2`, from the cases of Kafka's own `UtilsTest`."""


@pytest.mark.parametrize("key", JAVA)
def test_a_key_has_java_s_partition(key: bytes) -> None:
    chosen: list[int] = []
    producer = Producer(
        {
            **producer_properties(Connection(_env_file=None), {}),
            "test.mock.num.brokers": 1,
            "delivery.report.only.error": False,
            "on_delivery": lambda _error, message: chosen.append(message.partition()),
        }
    )

    producer.produce("decisions", key=key, value=b"v")

    assert producer.flush(30) == 0
    assert chosen == [(JAVA[key] & 0x7FFFFFFF) % PARTITIONS]


def made_with(call: ast.Call) -> str:
    return ast.unparse(call.args[0]) if call.args else ""


def test_every_producer_of_ours_is_made_with_the_common_properties() -> None:
    calls = [
        (path.name, made_with(node))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Producer", "confluent_kafka.Producer")
    ]

    assert calls
    assert [call for call in calls if "connection.producer(" not in call[1]] == []
