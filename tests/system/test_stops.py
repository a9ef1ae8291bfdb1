"""A stop is heard at whatever point of a start it comes, whoever is away: exit status 0 within ten seconds."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scorecard.registry.registered_version import RegisteredVersion
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.wait import wait_for

PROMPT_S = 10.0
START_S = 120.0
"""Of a machine that does much else."""
SIGTERM_BIT = 1 << 14

Point = Callable[[ProcessUnderTest], bool]


def hears(process: ProcessUnderTest) -> bool:
    """Its handler is there: the first line of ours has run."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) & SIGTERM_BIT)


def loads(library: str) -> Point:
    """It has mapped a file of this library."""
    return lambda process: library in Path(f"/proc/{process.pid}/maps").read_text()


def says(*words: str) -> Point:
    """Its log holds one of these."""
    return lambda process: any(word in process.output() for word in words)


STARTING: dict[str, Point] = {
    "first line": hears,
    "numpy": loads("numpy"),
    "kernels": loads("llvmlite"),
    "web port": says("web.listening"),
}


@pytest.fixture
def deaf() -> Iterator[str]:
    """`host:port` that takes connections and says nothing, as a proxy whose backend hangs."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        yield f"127.0.0.1:{server.getsockname()[1]}"


def stop_at(point: Point, process: ProcessUnderTest) -> int:
    wait_for(lambda: point(process) or not process.alive(), START_S, "the point")
    assert process.alive(), f"it ended by itself:\n{process.tail()}"
    return process.stop(PROMPT_S)


@pytest.mark.parametrize("module", ["streams", "drift", "training"])
@pytest.mark.parametrize("point", STARTING)
def test_while_it_loads(module: str, point: str, processes: Processes) -> None:
    process = processes.start_anew(module, web_port=0, cache_dir=processes.folder / "cache")

    assert stop_at(STARTING[point], process) == 0


@pytest.mark.parametrize("module", ["streams", "drift", "training"])
@pytest.mark.parametrize("broker", ["nobody", "deaf"])
def test_while_the_broker_is_away(module: str, broker: str, processes: Processes, deaf: str) -> None:
    servers = deaf if broker == "deaf" else "127.0.0.1:9"
    process = processes.start(module, web_port=0, cache_dir=processes.folder / "cache", bootstrap_servers=servers)

    assert stop_at(says("librdkafka", "dependency.lost"), process) == 0


@pytest.mark.parametrize("away", ["registry_url", "mlflow_uri"])
@pytest.mark.parametrize(
    ("module", "stage"),
    [("streams", "waiting for"), ("drift", "waiting for a champion"), ("training", "partitions.assigned")],
)
def test_while_the_registry_or_mlflow_hangs(
    module: str, stage: str, away: str, processes: Processes, deaf: str
) -> None:
    hanging = {away: f"http://{deaf}"}
    process = processes.start(module, web_port=0, cache_dir=processes.folder / "cache", **hanging)

    assert stop_at(says(stage), process) == 0


def test_while_a_worker_takes_up_its_partitions(processes: Processes, champion: RegisteredVersion) -> None:
    process = processes.start("streams", web_port=0, cache_dir=processes.folder / "cache")

    assert stop_at(says('"stage": "scoring"'), process) == 0
