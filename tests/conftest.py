"""What every test may ask for."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from scorecard.registry.mlflow_client import ask

SHARED = Path(__file__).resolve().parents[2] / "shared"
# An example that takes long says that the machine has much to do, and nothing about the product.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _own_log_settings() -> Iterator[None]:
    """A command configures the logs of its process, and a test's process is that of the tests behind it, too."""
    before, handlers = structlog.get_config(), logging.root.handlers[:]
    yield
    structlog.configure(**before)
    # They write to a stream that pytest has closed when the next test logs.
    for handler in set(logging.root.handlers) - set(handlers):
        logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def shared() -> Path:
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
    path = folder / "mlflow.db"
    assert ask(f"sqlite:///{path}", lambda client: client.search_registered_models()) == []
    return path
