"""A gateway without one of its threads ends: it would answer 503 for ever, and its supervisor would see nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway import process as gateway_process
from gateway.app import create_app
from gateway.metrics import GatewayMetrics
from gateway.process import GatewayProcess
from gateway.settings import GatewaySettings
from schemas.errors import SetupError
from schemas.registry_client import RegistryRefusesError
from tests.doubles.kafka import Message


class Stop:
    """Is never requested."""

    def hand_over(self, _act: Callable[[], object]) -> None:
        pass


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatewayProcess:
    registry = CollectorRegistry()
    monkeypatch.setattr(gateway_process, "GatewayMetrics", lambda waiting: GatewayMetrics(waiting, registry))
    monkeypatch.setattr(gateway_process, "create_app", lambda gateway: create_app(gateway, registry))
    settings = GatewaySettings(
        _env_file=None, gateway_port=0, cache_dir=tmp_path, bootstrap_servers="127.0.0.1:9", mlflow_uri="sqlite://"
    )
    return GatewayProcess(settings)


@pytest.mark.parametrize("fault", [RuntimeError("unforeseen"), SetupError("no such topic")])
def test_a_fault_of_the_thread_that_connects_ends_the_process(
    fault: Exception, process: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect() -> None:
        raise fault

    monkeypatch.setattr(process, "_connect", connect)

    with pytest.raises(type(fault), match=str(fault)):
        process.run(Stop())  # type: ignore[arg-type]  # the part that is used


def test_a_registry_that_refuses_the_reader_of_decisions_ends_the_process(
    process: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writers(ids: frozenset[int]) -> Any:
        if ids:
            raise RegistryRefusesError
        return {}

    decision = Message(("loan.decisions.v1", 0, 0), b"a-1", b"\0\0\0\0\7")
    monkeypatch.setattr(process.reader, "_wants", lambda _key: True)
    monkeypatch.setattr(process.reader._writers, "of", writers)
    monkeypatch.setattr(process.reader._tail, "open", lambda: None)
    monkeypatch.setattr(process.reader._tail, "poll", lambda *_: [decision])
    monkeypatch.setattr(process, "_connect", lambda: process.reader.open(frozenset()))

    with pytest.raises(RegistryRefusesError):
        process.run(Stop())  # type: ignore[arg-type]  # the part that is used
