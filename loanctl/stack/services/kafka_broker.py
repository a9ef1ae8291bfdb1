"""Apache Kafka as one process: broker and controller in one (KRaft), for one machine.

Properties and their reasons; Kafka's own documentation calls this "combined mode" and means it for
development, as we do.
"""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loanctl.stack.artifacts import KAFKA_VERSION
from loanctl.stack.ports import HOST, answers
from loanctl.stack.processes import Command, DiedError
from loanctl.stack.services.stack_service import bare_environment, java

HEAP_MB: Final = 400
INTERNAL_PARTITIONS: Final = 4
"""Of the offsets and transaction topics, 50 by default: each is a folder and two open files."""
LOG4J: Final = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""
FIXED: Final[Mapping[str, object]] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # Topics are made by `loanctl topics apply`: a misspelt name must fail.
    "auto.create.topics.enable": "false",
    # One node cannot replicate.
    "offsets.topic.replication.factor": 1,
    # As long as the applications: a group whose offsets are dropped reads all of them again.
    "offsets.retention.minutes": 43_200,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "offsets.topic.num.partitions": INTERNAL_PARTITIONS,
    "transaction.state.log.num.partitions": INTERNAL_PARTITIONS,
    "share.coordinator.state.topic.num.partitions": INTERNAL_PARTITIONS,
    # A group of one need not wait three seconds for others.
    "group.initial.rebalance.delay.ms": 0,
    # A broker that was killed is registered until its session ends, and may not come back before: 9 s by default.
    # Much less would fence it while a busy machine keeps it waiting.
    "broker.session.timeout.ms": 4000,
    "broker.heartbeat.interval.ms": 500,
    # Tests use sessions shorter than production's.
    "group.min.session.timeout.ms": 1000,
    # The cleaner's default buffer is a third of our heap.
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    # Indexes are preallocated, 10 MB each by default.
    "log.index.size.max.bytes": 1024 * 1024,
}


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker with its data in `folder`."""

    folder: Path
    log_dir: Path
    ports: tuple[int, ...]
    """Of clients, and of the controller."""
    class_path: tuple[Path, ...]
    name: str = "kafka"
    title: str = f"Apache Kafka {KAFKA_VERSION}"
    patience_s: float = 90.0
    extra: Mapping[str, object] = field(default_factory=dict)
    """Properties that replace or join those of `FIXED`."""

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.ports[0]}"

    def prepare(self) -> None:
        """Write the properties, and format the folder the first time.

        Raises:
            DiedError: the folder could not be formatted.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(properties(self), encoding="utf-8")
        self._log4j.write_text(LOG4J, encoding="utf-8")
        if not (self._data / "meta.properties").exists():
            self._format()

    def command(self) -> Command:
        return Command(self.name, self._java("kafka.Kafka", str(self._properties)), self._log, bare_environment())

    def ready(self) -> bool:
        """Whether clients can connect; the listener opens after all logs are loaded."""
        return answers(self.ports[0])

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _log(self) -> Path:
        return self.log_dir / "kafka.log"

    def _format(self) -> None:
        arguments = ("format", "--ignore-formatted", _cluster_id_option(), "-c", str(self._properties))
        formatted = subprocess.run(  # noqa: S603 - built by us
            self._java("kafka.tools.StorageTool", *arguments),
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            problem = f"Kafka's folder {self._data} could not be formatted: {formatted.stderr.strip()[-500:]}"
            raise DiedError(problem)

    def _java(self, main: str, *arguments: str) -> tuple[str, ...]:
        classes = ":".join(str(path) for path in self.class_path)
        log4j = f"-Dlog4j2.configurationFile={self._log4j}"
        return (*java(HEAP_MB, self._log), log4j, "-Dlog4j2.disableJmx=true", "-cp", classes, main, *arguments)


def properties(kafka: Kafka) -> str:
    port, controller_port = kafka.ports
    lines = {
        **FIXED,
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "log.dirs": kafka.folder / "data",
        **kafka.extra,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _cluster_id_option() -> str:
    # In one word with its option: one in 64 begins with a dash, and would be taken for an option itself.
    name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
    return f"--cluster-id={name}"
