"""What every test may ask for."""

import gc
from collections.abc import Container, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from streams.runtime import gc_freeze
from tests.log_settings import own_log_settings
from tests.mlflow_store import copy_empty_store

SHARED = Path(__file__).resolve().parents[2] / "shared"
SYSTEM = Path(__file__).resolve().parent / "system"
# An example that takes long says that the machine has much to do, and nothing about the product.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

LONGEST = ("trainer", "demo", "drift_agent", "stack", "readme", "gateway", "training", "ledger", "stops")
"""Files of tests/system, the longest first: the last of them to begin is the last to end."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Libraries and items last as long as the process: each full collection of them costs more than most tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc_freeze.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin before short ones; within a file the order stays as random as it was."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: turn(item.path, slow))


def turn(path: Path, slow: Container[Path]) -> int:
    """System tests by their length, then files with slow tests, then the quick ones."""
    if path.parent != SYSTEM:
        return len(LONGEST) + (1 if path in slow else 2)
    name = path.stem.removeprefix("test_")
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


@pytest.fixture(autouse=True)
def _own_log_settings() -> Iterator[None]:
    """A command configures the logs of its process, and a test's process is that of the tests behind it, too."""
    with own_log_settings():
        yield


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of real rows and golden values beside the project; absent at our users."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real rows and golden values), which is absent here")
    return SHARED


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow file with its tables and nothing in them, to copy: MLflow makes them longer than most tests take."""
    return empty_store_at(tmp_path_factory.mktemp("mlflow"))


def empty_store_at(folder: Path) -> Path:
    """The same in this folder."""
    return copy_empty_store(folder / "mlflow.db")
