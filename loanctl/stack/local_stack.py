"""A stack of this machine's own: started together, stopped together, each part stopped and started alone by tests.

What settings name already (an outside broker, registry or MLflow) is used and not started.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from loanctl.stack import processes, stack_state
from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock as locked_artifacts
from loanctl.stack.ports import free_ports, is_free
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.processes import RunningProcess
from loanctl.stack.progress import SILENCE, ProgressReporter
from loanctl.stack.services import mlflow_server
from loanctl.stack.services.kafka_broker import Kafka
from loanctl.stack.services.mlflow_server import MlflowServer
from loanctl.stack.services.schema_registry import SchemaRegistryServer
from loanctl.stack.services.stack_service import Service, await_ready
from loanctl.stack.stack_state import Endpoints, State
from schemas.errors import SetupError


class AlreadyUpError(SetupError):
    """The folder's stack runs; `endpoints` tells where."""

    def __init__(self, state_dir: Path, endpoints: Endpoints) -> None:
        super().__init__(f"the stack of {state_dir} is up already")
        self.endpoints = endpoints


class NotOursError(SetupError):
    """A part of the stack was given by settings, so it is not ours to start or stop."""


@dataclass(frozen=True, slots=True)
class StackParts:
    """What a stack is made of: parts that are given, None for those to be started."""

    bootstrap_servers: str | None = None
    registry_url: str | None = None
    mlflow_uri: str | None = None
    mlflow_server: bool = False
    """Start a server; else MLflow is a SQLite file of the state folder."""


class LocalStack:
    """A running stack. Its ports and data outlive its processes, so each part may be stopped and started again."""

    def __init__(
        self, state_dir: Path, endpoints: Endpoints, services: tuple[Service, ...], guard: ProcessGuard | None
    ) -> None:
        self.endpoints = endpoints
        self._state_dir = state_dir
        self._services = {service.name: service for service in services}
        self._guard = guard
        self._state = State(endpoints, {service.name: service.ports for service in services})

    @classmethod
    def resume(cls, state_dir: Path, found: State) -> Self:
        """A stack that an earlier command started: parts may be added to it."""
        stack = cls(state_dir, found.endpoints, (), None)
        stack._state = found
        return stack

    def start(self, name: str) -> None:
        """Start a part ("kafka", "registry", "mlflow") on its old port, and return when it answers.

        Raises:
            NotOursError: the part was given.
            DiedError, SlowStartError: it did not come up.
        """
        service = self._service(name)
        service.prepare()
        await_ready(service, self._launch(service))

    def stop(self, name: str) -> None:
        """Stop a part as its operator would."""
        self._process(name).stop()

    def kill(self, name: str) -> None:
        """End a part as a crash would (`kill -9`)."""
        self._process(name).kill()

    def freeze(self, name: str) -> None:
        """Hold a part still, as a machine that hangs would."""
        self._process(name).freeze()

    def thaw(self, name: str) -> None:
        """Let a frozen part go on."""
        self._process(name).thaw()

    def process_id(self, name: str) -> int:
        """Of a part that runs."""
        return self._process(name).pid

    def start_all(self, telling: ProgressReporter) -> None:
        """Start every part together, and return when all of them answer."""
        launched = []
        for service in self._services.values():
            service.prepare()
            launched.append((service, self._launch(service)))
        for service, running in launched:
            with telling.step(f"{service.title} at {_place(service)}"):
                await_ready(service, running)

    def add(self, services: Sequence[Service], telling: ProgressReporter) -> None:
        """Start further parts, one after the other, and return when they answer."""
        for service in services:
            self._services[service.name] = service
            self._state = replace(self._state, ports={**self._state.ports, service.name: service.ports})
            with telling.step(f"{service.title} at {_place(service)}"):
                self.start(service.name)

    def stop_all(self) -> None:
        """Stop every part, the last started first. Does nothing to those that have ended."""
        _stop(self._state)
        stack_state.write(self._state_dir, State(self.endpoints, self._state.ports))

    def _launch(self, service: Service) -> RunningProcess:
        running = processes.start(service.command())
        if self._guard:
            self._guard.watch(running)
        self._state = self._state.with_process(running)
        stack_state.write(self._state_dir, self._state)
        return running

    def _service(self, name: str) -> Service:
        if name not in self._services:
            problem = f"{name} is not a part that this stack started"
            raise NotOursError(problem)
        return self._services[name]

    def _process(self, name: str) -> RunningProcess:
        self._service(name)
        return next(process for process in self._state.running if process.name == name)


def start_stack(
    state_dir: Path, wanted: StackParts, telling: ProgressReporter, guard: ProcessGuard | None = None
) -> LocalStack:
    """Fetch what is not here yet, and start a stack; what was started is stopped again if a part fails.

    Raises:
        AlreadyUpError: it runs.
        BusyError: another command is at it.
        FetchError, ChecksumError, DiedError, SlowStartError: it could not be started.
    """
    with stack_state.lock_state(state_dir):
        previous = stack_state.read(state_dir)
        if previous and previous.running:
            if previous.up():
                raise AlreadyUpError(state_dir, previous.endpoints)
            _stop(previous)
        stack = _build(state_dir, wanted, telling, previous, guard)
        try:
            stack.start_all(telling)
        except BaseException:
            stack.stop_all()
            raise
    return stack


def stop_stack(state_dir: Path) -> tuple[str, ...]:
    """Stop the stack of a folder, also what a crash left of it; the names of what ran. Idempotent.

    Raises:
        BusyError: another command is at it.
    """
    with stack_state.lock_state(state_dir):
        found = stack_state.read(state_dir)
        if found is None:
            return ()
        alive = tuple(process.name for process in found.running if process.alive())
        _stop(found)
        stack_state.write(state_dir, State(found.endpoints, found.ports))
    return alive


@contextmanager
def local_stack(
    state_dir: Path, wanted: StackParts | None = None, telling: ProgressReporter = SILENCE
) -> Iterator[LocalStack]:
    """A stack for the length of a block; it ends with the block, and also when this process is killed."""
    with ProcessGuard() as guard:
        stack = start_stack(state_dir, wanted or StackParts(), telling, guard)
        try:
            yield stack
        finally:
            stack.stop_all()


def _stop(found: State) -> None:
    for process in reversed(found.running):
        process.stop()


def _build(
    state_dir: Path, wanted: StackParts, telling: ProgressReporter, previous: State | None, guard: ProcessGuard | None
) -> LocalStack:
    services = _services(state_dir, wanted, telling, previous)
    by_name = {service.name: service for service in services}
    kafka, registry, mlflow = (by_name.get(name) for name in ("kafka", "registry", "mlflow"))
    endpoints = Endpoints(
        bootstrap_servers=kafka.bootstrap_servers if isinstance(kafka, Kafka) else str(wanted.bootstrap_servers),
        registry_url=registry.url if isinstance(registry, SchemaRegistryServer) else str(wanted.registry_url),
        mlflow_uri=mlflow.url
        if isinstance(mlflow, MlflowServer)
        else wanted.mlflow_uri or mlflow_server.store_uri(state_dir),
    )
    return LocalStack(state_dir, endpoints, services, guard)


def _services(
    state_dir: Path, wanted: StackParts, telling: ProgressReporter, previous: State | None
) -> tuple[Service, ...]:
    artifacts, cache = locked_artifacts(), Cache(cache_dir(os.environ))
    logs = state_dir / "log"
    services: list[Service] = []
    # The slowest first: they start side by side.
    if wanted.mlflow_server and not wanted.mlflow_uri:
        services.append(MlflowServer(state_dir, logs, _ports("mlflow", 1, previous)))
    if not wanted.registry_url:
        cache.fetch((artifacts.registry,), telling)
        content = cache.unpack(artifacts.registry)
        services.append(SchemaRegistryServer(state_dir / "registry", logs, _ports("registry", 2, previous), content))
    if not wanted.bootstrap_servers:
        cache.fetch(artifacts.kafka, telling)
        class_path = tuple(cache.path(artifact) for artifact in artifacts.kafka)
        services.append(Kafka(state_dir / "kafka", logs, _ports("kafka", 2, previous), class_path))
    return tuple(services)


def _ports(name: str, count: int, previous: State | None) -> tuple[int, ...]:
    earlier = previous.ports.get(name, ()) if previous else ()
    if len(earlier) == count and all(is_free(port) for port in earlier):
        return earlier
    return free_ports(count)


def _place(service: Service) -> str:
    return f"127.0.0.1:{service.ports[0]}"
