"""A real broker, a real registry, and processes under the variables that an operator would set.

The broker runs in a container where a Docker engine has apache/kafka's image, else in the embedded stack;
`LOAN_TEST_BROKER=container` and `=embedded` choose.
Every test has topics, consumer groups and an MLflow file of its own.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loanctl.commands.cluster import schemas, topics
from loanctl.stack.local_stack import LocalStack, local_stack
from loanctl.stack.process_guard import ProcessGuard
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime import settings as connections
from streams.runtime.settings import Connection
from tests.system.commands import run_command
from tests.system.containers import ContainerStack, container_stack, in_container
from tests.system.fork_server import ForkServer
from tests.system.processes import Processes
from tests.system.scorecards import Champions

SYSTEM = Path(__file__).parent
Ran = tuple[int, str, str]
"""Exit status, output and faults of a command."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder are system tests."""
    for item in items:
        if SYSTEM in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack | ContainerStack]:
    """Kafka and a registry. Its broker may be killed and restarted; leave it running."""
    folder = tmp_path_factory.mktemp("stack")
    chosen = container_stack if in_container(os.environ) else local_stack
    with chosen(folder) as running:
        yield running


@pytest.fixture
def mlflow_uri(tmp_path: Path, empty_store: Path) -> str:
    """An MLflow of the test's own, in a file."""
    return f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}"


@pytest.fixture
def connect(stack: LocalStack | ContainerStack, mlflow_uri: str) -> Callable[[str], Connection]:
    """The stack's connection under a topic prefix."""

    def connection_of(prefix: str) -> Connection:
        return Connection(
            topic_prefix=prefix,
            bootstrap_servers=stack.endpoints.bootstrap_servers,
            registry_url=stack.endpoints.registry_url,
            mlflow_uri=mlflow_uri,
        )

    return connection_of


@pytest.fixture
def another(connect: Callable[[str], Connection]) -> Callable[[], Connection]:
    """Makes connections with a fresh topic prefix, its topics made (four partitions) and its schemas registered."""

    def connection_with_topics() -> Connection:
        connection = connect(f"t{uuid.uuid4().hex[:8]}")
        topics.apply(topics.TopicSettings(**connection.model_dump()))
        schemas.register(connection)
        return connection

    return connection_with_topics


@pytest.fixture
def connection(another: Callable[[], Connection]) -> Connection:
    """The connection of this test's processes: its own topics and MLflow."""
    return another()


@pytest.fixture
def champions(connection: Connection, tmp_path: Path) -> Champions:
    """None yet."""
    return Champions(connection, tmp_path / "models")


@pytest.fixture
def champion(champions: Champions) -> RegisteredVersion:
    """It decides from the beginning of the test."""
    return champions.promote(champions.register())


@pytest.fixture
def environment(connection: Connection, tmp_path: Path) -> dict[str, str]:
    """Variables for processes under test: the connection, nothing of the developer's own settings, few threads."""
    cache = os.environ.get("LOAN_CACHE_DIR")
    told = {name: value for name, value in connections.environment(connection).items() if _is_ours(name, connection)}
    return {
        **told,
        "OMP_NUM_THREADS": "1",
        "LOAN_STATE_DIR": str(tmp_path / "state"),
        **({"LOAN_CACHE_DIR": cache} if cache else {}),
    }


@pytest.fixture
def loanctl(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs a command in this process, under whatever variables a test sets: status, output, faults."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        ran = run_command(arguments, dict(os.environ), tmp_path)
        return ran.status, ran.out, ran.err

    return run


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Of all processes under test: one for each process of tests."""
    with closing(ForkServer()) as server:
        yield server


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path, forks: ForkServer) -> Iterator[Processes]:
    """Starts processes in that environment; ends them with the test, and even when the test run is killed."""
    with ProcessGuard() as guard:
        group = Processes(tmp_path, environment, guard, forks)
        yield group
        group.end()


def _is_ours(name: str, connection: Connection) -> bool:
    named = {f"LOAN_{field.upper()}" for field in type(connection).model_fields}
    return not name.startswith("LOAN_") or name in named
