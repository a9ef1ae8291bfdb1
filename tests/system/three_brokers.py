"""Three brokers of one cluster, each a process of its own, with replicated topics; for tests that kill them in turn."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loanctl.stack import processes
from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import RunningProcess
from loanctl.stack.progress import SILENCE
from loanctl.stack.services.kafka_broker import LOG4J, Kafka, properties
from loanctl.stack.services.schema_registry import SchemaRegistryServer
from loanctl.stack.services.stack_service import Service, await_ready, bare_environment

BROKERS: Final = 3
CLUSTER: Final = "three-brokers-of-test-0"
REPLICATED: Final = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
)
IN_SYNC: Final = ("min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")


@dataclass
class Cluster:
    """Brokers by number, and a registry."""

    nodes: list[Kafka]
    registry: SchemaRegistryServer
    guard: ProcessGuard
    running: dict[str, RunningProcess] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(node.bootstrap_servers for node in self.nodes)

    def launch(self, service: Service, name: str) -> None:
        self.running[name] = processes.start(service.command())
        self.guard.watch(self.running[name])

    def kill(self, number: int) -> None:
        """As a crash would."""
        self.running[f"kafka-{number}"].kill()

    def start(self, number: int) -> None:
        """On its old port, with its data; returns when it answers."""
        self.launch(self.nodes[number], f"kafka-{number}")
        await_ready(self.nodes[number], self.running[f"kafka-{number}"])

    def stop(self) -> None:
        for each in self.running.values():
            each.kill()


@contextmanager
def three_brokers(folder: Path) -> Iterator[Cluster]:
    """A cluster for the length of a block."""
    artifacts, cache = artifact_lock(), Cache(cache_dir(os.environ))
    cache.fetch((*artifacts.kafka, artifacts.registry), SILENCE)
    classes = tuple(cache.path(artifact) for artifact in artifacts.kafka)
    # All at once: of ports asked for one after the other two may be the same.
    ports = free_ports(2 * BROKERS + 2)
    nodes = [
        Kafka(folder / f"kafka-{number}", folder / f"log-{number}", (ports[2 * number], ports[2 * number + 1]), classes)
        for number in range(BROKERS)
    ]
    registry = SchemaRegistryServer(folder / "registry", folder / "log", ports[-2:], cache.unpack(artifacts.registry))
    with ProcessGuard() as guard:
        cluster = Cluster(nodes, registry, guard)
        try:
            for number in range(BROKERS):
                prepare(nodes, number)
                cluster.launch(nodes[number], f"kafka-{number}")
            registry.prepare()
            cluster.launch(registry, "registry")
            for number in range(BROKERS):
                await_ready(nodes[number], cluster.running[f"kafka-{number}"])
            await_ready(registry, cluster.running["registry"])
            yield cluster
        finally:
            cluster.stop()


def prepare(nodes: list[Kafka], number: int) -> None:
    """Write a node's properties, ours behind those of a broker alone: the last of a name stands."""
    node = nodes[number]
    node.folder.mkdir(parents=True, exist_ok=True)
    voters = ",".join(f"{place + 1}@{HOST}:{each.ports[1]}" for place, each in enumerate(nodes))
    own = {
        "node.id": number + 1,
        "controller.quorum.voters": voters,
        **dict.fromkeys(REPLICATED, BROKERS),
        **dict.fromkeys(IN_SYNC, BROKERS - 1),
    }
    text = properties(node) + "".join(f"{name}={value}\n" for name, value in own.items())
    node._properties.write_text(text, encoding="utf-8")
    node._log4j.write_text(LOG4J, encoding="utf-8")
    subprocess.run(
        node._java("kafka.tools.StorageTool", "format", f"--cluster-id={CLUSTER}", "-c", str(node._properties)),
        env=bare_environment(),
        check=True,
        capture_output=True,
    )
