"""From the moment an application was due to a read_committed reader of its decision, open loop, at three rates.

Open loop: applications are sent when they are due, however far behind the worker is, and a late one's
wait counts from when it was due. The due moment is in the application's id, by which answers are keyed.
"""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.bench import models
from tests.bench.measurement import Line, line
from tests.bench.stage import PARTITIONS, PATIENCE_S, REPOSITORY, AnswerCount, Stage, stage

RATES: Final = (200, 1_000, 5_000)
SECONDS: Final = 15.0
WARM_S: Final = 5.0
"""Of each run, not counted."""
ROUNDS: Final = 2
QUANTILES: Final = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}
TICK_S: Final = 0.001
QUIET_S: Final = 5.0
"""The reader ends when nothing came for so long."""
CONTENDERS: Final = {"worker": "streams", "floor": "tests.bench.contenders.floor"}


def lines() -> Iterator[Line]:
    """Worker and floor in turn, exactly once."""
    with stage() as here:
        here.champion(4, 200)
        rounds = [{who: _percentiles(here, module) for who, module in CONTENDERS.items()} for _ in range(ROUNDS)]
    for rate in RATES:
        for name in QUANTILES:
            pairs = [(found["worker"][rate, name], found["floor"][rate, name]) for found in rounds]
            yield line(f"worker latency, exactly once, {rate:,}/s, {name}", "ms", "bare floor", pairs)


def _percentiles(here: Stage, module: str) -> dict[tuple[int, str], float]:
    group = f"bench-{uuid.uuid4().hex[:8]}"
    with here.contender(module, **here.worker_settings(group, delivery="exactly_once")):
        _await_first_answer(here, group)
        found = {rate: at_rate(here, rate) for rate in RATES}
    return {(rate, name): float(np.percentile(found[rate], q)) for rate in RATES for name, q in QUANTILES.items()}


def _await_first_answer(here: Stage, group: str) -> None:
    answered, until = AnswerCount(here, group), time.monotonic() + PATIENCE_S
    _send(here, 50, 1.0)
    while not answered() and time.monotonic() < until:
        time.sleep(0.1)


def at_rate(here: Stage, rate: int) -> Sequence[float]:
    """Milliseconds of each application after the warm-up."""
    command = [sys.executable, "-m", "tests.bench.latency", here.connection.bootstrap_servers, _decisions(here)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        began = _send(here, rate, WARM_S + SECONDS)
        found: list[list[float]] = json.loads(reader.stdout.readline())
    return [1e3 * (seen - due) for due, seen in found if due >= began + WARM_S]


def _send(here: Stage, rate: int, seconds: float) -> float:
    """Sends what is due when it is due; when that began."""
    template = models.application_values(1, here.schema_id())[0]
    rest = template[6 + template[5] // 2 :]
    producer = Producer({**here.connection.kafka(), "linger.ms": 0, "acks": "all"})
    began, sent, total = time.time(), 0, int(rate * seconds)
    while sent < total:
        while sent < total and began + sent / rate <= time.time():
            name = f"{began + sent / rate:.6f}-{sent:08d}".encode()
            producer.produce(here.source, template[:5] + bytes([2 * len(name)]) + name + rest, key=name)
            sent += 1
        producer.poll(0)
        time.sleep(TICK_S)
    producer.flush()
    return began


def _decisions(here: Stage) -> str:
    return here.connection.topics().decisions.name


def read(servers: str, topic: str) -> list[tuple[float, float]]:
    """When each answer was due and seen, until nothing comes any more."""
    settings: dict[str, Any] = {
        "bootstrap.servers": servers,
        "group.id": "bench-reader",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "fetch.wait.max.ms": 5,
    }
    consumer = Consumer(settings)
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, place), timeout=10)[1] for place in range(PARTITIONS)]
    consumer.assign([TopicPartition(topic, place, end) for place, end in enumerate(ends)])
    consumer.poll(1.0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    found: list[tuple[float, float]] = []
    last = time.time() + WARM_S
    while time.time() < last + QUIET_S:
        for message in consumer.consume(500, 0.01):
            last = time.time()
            found.append((float((message.key() or b"0").partition(b"-")[0]), last))
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(sys.argv[1], sys.argv[2])) + "\n")
