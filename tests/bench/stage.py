"""A stage for contenders: real Kafka, a registry, a champion of the size asked for, and applications that wait."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from loanctl.commands.cluster import schemas, topics
from loanctl.stack.local_stack import local_stack
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import RunningProcess, birth
from schemas.registry_client import registered_id
from streams.runtime.settings import Connection, environment
from tests.bench import models
from tests.bench.measurement import CORES
from tests.system.scorecards import Champions

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PARTITIONS: Final = 4
LOADED_AT_ONCE: Final = 50_000
SETTLE_S: Final = 0.02
PATIENCE_S: Final = 240.0

CONTENDER: Final = {max(CORES)}
"""The core of whoever is measured, alone there as far as we can see to it."""
OTHERS: Final = set(CORES - CONTENDER) or set(CORES)
"""The broker's, and those of who sends and reads."""


@dataclass
class Stage:
    connection: Connection
    folder: Path
    guard: ProcessGuard
    partitions: int
    broker: int
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def source(self) -> str:
        return self.connection.topics().applications.name

    def schema_id(self) -> int:
        schema = self.connection.contract().schema
        return registered_id(self.connection.registry(), f"{self.source}-value", schema)

    def champion(self, depth: int, trees: int) -> Path:
        """Makes an XGBoost scorecard of this size decide; the library's own model file, for the others."""
        booster = models.an_xgboost(depth, trees)
        path = self.folder / f"xgboost-{depth}x{trees}.ubj"
        booster.save_model(path)
        champions = Champions(self.connection, self.folder)
        champions.promote(champions.register(float(depth), forest=models.forest_of(booster)))
        return path

    def load(self, count: int) -> None:
        """Lets so many applications wait on the topic, each of its own, in the order in which they were signed."""
        producer = Producer({**self.connection.kafka(), "linger.ms": 20, "queue.buffering.max.messages": 200_000})
        for place, value in enumerate(models.application_values(count, self.schema_id())):
            producer.produce(self.source, value, key=f"a-{place}".encode())
            if place % LOADED_AT_ONCE == LOADED_AT_ONCE - 1:
                producer.flush()
        producer.flush()

    def sink(self) -> str:
        name = f"bench-{uuid.uuid4().hex[:8]}"
        admin = AdminClient({"bootstrap.servers": self.connection.bootstrap_servers})
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result()
        return name

    @contextmanager
    def contender(self, module: str, python: str = sys.executable, **settings: object) -> Iterator[int]:
        """A process on a core of its own for the length of a block; its id."""
        own = {name.upper(): str(value) for name, value in settings.items()}
        log = self.folder / f"{len(self.running)}-{module}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [python, "-m", module],
                env={**environment(self.connection), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY), **own},
                cwd=REPOSITORY,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, CONTENDER),
            )
        self.guard.watch(RunningProcess(f"{module}-{process.pid}", process.pid, birth(process.pid), str(log)))
        self.running.append(process)
        try:
            yield process.pid
            if process.poll() is not None:
                problem = f"{module} ended by itself: {log.read_text(errors='replace')[-2000:]}"
                raise RuntimeError(problem)
        finally:
            process.kill()
            process.wait()

    def worker_settings(self, group: str, **more: object) -> Mapping[str, object]:
        """Of a worker or the floor, in a consumer group of its own."""
        return {
            "loan_scoring_group": group,
            "loan_cache_dir": self.folder / "cache",
            "loan_web_port": 0,
            "loan_log_level": "warning",
            "loan_shadow": "false",
            **{f"loan_{name}": value for name, value in more.items()},
        }


class AnswerCount:
    """How many applications a consumer group has answered, by its committed offsets."""

    def __init__(self, stage: Stage, group: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": stage.connection.bootstrap_servers, "group.id": group})
        self._places = [TopicPartition(stage.source, partition) for partition in range(stage.partitions)]
        self._last = 0

    def __call__(self) -> int:
        """Now, or when the group's coordinator last knew."""
        with suppress(KafkaException):
            committed = self._consumer.committed(self._places, timeout=10)
            self._last = sum(max(place.offset, 0) for place in committed)
        return self._last


class RecordCount:
    """How many records lie on a topic without transactions."""

    def __init__(self, stage: Stage, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": stage.connection.bootstrap_servers, "group.id": "bench"})
        self._places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def __call__(self) -> int:
        return sum(self._consumer.get_watermark_offsets(place, timeout=10)[1] for place in self._places)


@dataclass(frozen=True, slots=True)
class DrainRate:
    """How fast a contender answered, and what it took."""

    per_second: float
    each_us: tuple[float, ...]
    """Microseconds of processor time for one record, user's and system's, of each process."""

    @property
    def processor_us(self) -> float:
        """Of all of them."""
        return sum(self.each_us)


def drain_rate(
    processes: Sequence[int], count: Callable[[], int], until: int, longest_s: float, begin: int = 1
) -> DrainRate:
    """Watches processes until so many records are seen, or for so long; from the moment on at which `begin` are."""
    began = last = time.monotonic()
    first = seen = 0
    spent: list[float] = []
    while seen < until and time.monotonic() - began < (longest_s if first else PATIENCE_S):
        time.sleep(SETTLE_S)
        seen, now = count(), time.monotonic()
        if seen >= begin and not first:
            first, began, spent = seen, now, list(map(processor_s, processes))
        last = now
    if not first < seen:
        problem = "nothing was answered"
        raise RuntimeError(problem)
    each = zip(map(processor_s, processes), spent, strict=True)
    each_us = tuple(1e6 * (after - before) / (seen - first) for after, before in each)
    return DrainRate(per_second=(seen - first) / (last - began), each_us=each_us)


def processor_s(process: int) -> float:
    """Seconds of processor time that a process has taken, user's and system's."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def unpin(process: int) -> None:
    """Let a process, which was pinned as it started, use all cores."""
    for task in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(task.name), CORES)


@contextmanager
def stage(partitions: int = PARTITIONS) -> Iterator[Stage]:
    """A stack of its own, topics made and schemas registered; gone with the block."""
    os.sched_setaffinity(0, OTHERS)
    with tempfile.TemporaryDirectory() as name, ProcessGuard() as guard, local_stack(Path(name) / "stack") as stack:
        connection = Connection(
            topic_prefix=f"b{uuid.uuid4().hex[:8]}",
            bootstrap_servers=stack.endpoints.bootstrap_servers,
            registry_url=stack.endpoints.registry_url,
            mlflow_uri=f"sqlite:///{name}/mlflow.db",
        )
        topics.apply(topics.TopicSettings(**connection.model_dump(), partitions=partitions))
        schemas.register(connection)
        yield Stage(connection, Path(name), guard, partitions, stack.process_id("kafka"))
