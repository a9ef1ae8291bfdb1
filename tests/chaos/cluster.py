"""Brokers of one cluster, each a process of its own behind a proxy that can cut, slow and break its connections."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from tests.chaos.proxy import Proxy, proxy_of

CLUSTER: Final = "three-brokers-of-test-0"
REPLICATED: Final = (
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
)
IN_SYNC: Final = ("min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")
PORTS: Final = 3
"""A broker's: of processes under test, of controllers, and of brokers and the checker, which nothing cuts off."""


@dataclass
class Cluster:
    """Brokers by number, a registry, and the proxies before them."""

    nodes: list[Kafka]
    inner_ports: list[int]
    registry: SchemaRegistryServer
    guard: ProcessGuard
    brokers_proxied: list[Proxy]
    registry_proxied: Proxy
    running: dict[str, RunningProcess] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str:
        """For processes under test."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.brokers_proxied)

    @property
    def inner_servers(self) -> str:
        """For the checker."""
        return ",".join(f"{HOST}:{port}" for port in self.inner_ports)

    def launch(self, service: Service, name: str) -> None:
        self.running[name] = processes.start(service.command())
        self.guard.watch(self.running[name])

    def broker(self, number: int) -> RunningProcess:
        return self.running[f"kafka-{number}"]

    def start(self, number: int) -> None:
        """On its old port, with its data; returns when it answers."""
        self.launch(self.nodes[number], f"kafka-{number}")
        await_ready(self.nodes[number], self.broker(number))

    def stop(self) -> None:
        for each in self.running.values():
            each.kill()


@contextmanager
def cluster_of(brokers: int, folder: Path) -> Iterator[Cluster]:
    """A cluster for the length of a block; of three it takes two that are in sync."""
    artifacts, cache = artifact_lock(), Cache(cache_dir(os.environ))
    cache.fetch((*artifacts.kafka, artifacts.registry), SILENCE)
    classes = tuple(cache.path(artifact) for artifact in artifacts.kafka)
    # All at once: of ports asked for one after the other two may be the same.
    ports = free_ports(PORTS * brokers + 2)
    own = [ports[PORTS * number : PORTS * (number + 1)] for number in range(brokers)]
    nodes = [
        Kafka(folder / f"kafka-{number}", folder / f"log-{number}", own[number][:2], classes)
        for number in range(brokers)
    ]
    registry = SchemaRegistryServer(folder / "registry", folder / "log", ports[-2:], cache.unpack(artifacts.registry))
    with ExitStack() as stack:
        guard = stack.enter_context(ProcessGuard())
        before_brokers = [stack.enter_context(proxy_of(node.ports[0])) for node in nodes]
        before_registry = stack.enter_context(proxy_of(registry.ports[0]))
        inner = [each[2] for each in own]
        cluster = Cluster(nodes, inner, registry, guard, before_brokers, before_registry)
        stack.callback(cluster.stop)
        for number in range(brokers):
            prepare(cluster, number)
            cluster.launch(nodes[number], f"kafka-{number}")
        registry.prepare()
        cluster.launch(registry, "registry")
        for number in range(brokers):
            await_ready(nodes[number], cluster.broker(number))
        await_ready(registry, cluster.running["registry"])
        yield cluster


def prepare(cluster: Cluster, number: int) -> None:
    """Write a node's properties, ours behind those of a broker alone: the last of a name stands."""
    nodes, node, inner = cluster.nodes, cluster.nodes[number], cluster.inner_ports[number]
    node.folder.mkdir(parents=True, exist_ok=True)
    voters = ",".join(f"{place + 1}@{HOST}:{each.ports[1]}" for place, each in enumerate(nodes))
    own = {
        "node.id": number + 1,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{node.ports[0]},CONTROLLER://{HOST}:{node.ports[1]},INNER://{HOST}:{inner}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{cluster.brokers_proxied[number].port},INNER://{HOST}:{inner}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,INNER:PLAINTEXT",
        "inter.broker.listener.name": "INNER",
        **dict.fromkeys(REPLICATED, len(nodes)),
        **dict.fromkeys(IN_SYNC, max(1, len(nodes) - 1)),
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
