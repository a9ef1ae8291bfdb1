"""A broker from apache/kafka's image, where a Docker engine answers: the same handles as the embedded stack's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanctl.stack.artifacts import KAFKA_VERSION
from loanctl.stack.local_stack import LocalStack, StackParts, local_stack
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.services.kafka_broker import FIXED
from tests.system.wait import wait_for

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
CLUSTER_ID = "bG9hbi1kZWNpc2lvbnMtMQ"
START_TIMEOUT_S = 90.0
CHOICE = "LOAN_TEST_BROKER"
"""`container` or `embedded`."""


def in_container(environ: Mapping[str, str]) -> bool:
    """True if chosen; without a choice, if an engine has the image."""
    chosen = environ.get(CHOICE, "")
    return chosen == "container" if chosen else _engine_has_image()


def _engine_has_image() -> bool:
    """Without pulling: an engine behind which no image registry can be reached would fail every test."""
    try:
        import docker
    except ModuleNotFoundError:
        return False
    try:
        docker.from_env().images.get(IMAGE)
    except docker.errors.DockerException:
        return False
    return True


class ContainerStack:
    """Kafka in a container; the registry, which has no image here, as ever."""

    def __init__(self, container: Any, port: int, rest: LocalStack) -> None:
        self._container = container
        self._port = port
        self._rest = rest
        self.endpoints = rest.endpoints

    def start(self, name: str) -> None:
        if name != "kafka":
            self._rest.start(name)
            return
        self._container.get_wrapped_container().start()
        _await_broker(self._port)

    def stop(self, name: str) -> None:
        if name != "kafka":
            self._rest.stop(name)
            return
        self._container.get_wrapped_container().stop()

    def kill(self, name: str) -> None:
        if name != "kafka":
            self._rest.kill(name)
            return
        self._container.get_wrapped_container().kill()

    def freeze(self, name: str) -> None:
        if name != "kafka":
            self._rest.freeze(name)
            return
        self._container.get_wrapped_container().pause()

    def thaw(self, name: str) -> None:
        if name != "kafka":
            self._rest.thaw(name)
            return
        self._container.get_wrapped_container().unpause()


@contextmanager
def container_stack(folder: Path) -> Iterator[ContainerStack]:
    """A stack whose broker runs in a container of `IMAGE`."""
    docker = pytest.importorskip("docker")
    try:
        docker.from_env().ping()
    except docker.errors.DockerException:
        pytest.fail("LOAN_TEST_BROKER=container asks for a Docker engine, and none answers")
    port, controller_port = free_ports(2)
    container = _container(port, controller_port)
    with container, local_stack(folder, StackParts(bootstrap_servers=f"{HOST}:{port}")) as rest:
        _await_broker(port)
        yield ContainerStack(container, port, rest)


def _await_broker(port: int) -> None:
    """The port alone says nothing: Docker listens there before the broker does."""
    admin = AdminClient({"bootstrap.servers": f"{HOST}:{port}", "reconnect.backoff.max.ms": 500})

    def answers() -> bool:
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    wait_for(answers, START_TIMEOUT_S, "the broker's container")


def _container(port: int, controller_port: int) -> Any:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    # Its watcher, Ryuk, is one more image to be pulled; the `with` below cleans up after us.
    testcontainers_config.ryuk_disabled = True
    settings = {
        **FIXED,
        "controller.quorum.voters": f"1@localhost:{controller_port}",
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
    }
    container = DockerContainer(IMAGE).with_bind_ports(port, port).with_env("CLUSTER_ID", CLUSTER_ID)
    for name, value in settings.items():
        container.with_env(f"KAFKA_{name.replace('.', '_').upper()}", str(value))
    return container
