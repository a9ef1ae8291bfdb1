"""The ledger and the gateway of stacks that start at the same time."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from loanctl.stack import stack_state
from loanctl.stack.artifact_cache import CACHE_DIR
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.progress import SILENCE, ProgressReporter
from loanctl.stack.services import desk_services
from loanctl.stack.services.stack_service import Service
from loanctl.stack.stack_state import Endpoints, State


class BindingStack:
    """Binds what it is asked to start, once another stack had its chance to choose the same ports."""

    def __init__(self, held: ExitStack, other_chose: threading.Event, chosen: threading.Event) -> None:
        self.ports: list[int] = []
        self._held, self._other_chose, self._chosen = held, other_chose, chosen

    def add(self, services: Sequence[Service], telling: ProgressReporter) -> None:
        self._chosen.set()
        self._other_chose.wait(1.0)
        for service in services:
            server = self._held.enter_context(socket.socket())
            server.bind((HOST, service.ports[0]))
            server.listen()
            self.ports.append(service.ports[0])


@pytest.fixture
def open_sockets() -> Iterator[ExitStack]:
    with ExitStack() as sockets:
        yield sockets


def test_two_stacks_that_start_together_have_ports_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_sockets: ExitStack
) -> None:
    monkeypatch.setenv(CACHE_DIR, str(tmp_path / "cache"))
    monkeypatch.setattr(desk_services, "PORTS", dict(zip(("ledger", "gateway"), free_ports(2), strict=True)))
    events = threading.Event(), threading.Event()
    stacks = [BindingStack(open_sockets, events[1], events[0]), BindingStack(open_sockets, events[0], events[1])]

    def start(number: int) -> None:
        folder = tmp_path / str(number)
        stack_state.write(folder, State(Endpoints("broker", "registry", "mlflow")))
        desk_services.start_applications(folder, {}, SILENCE, stacks[number])  # type: ignore[arg-type]

    threads = [threading.Thread(target=start, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len({*stacks[0].ports, *stacks[1].ports}) == 4
    assert set(desk_services.PORTS.values()) == set(stacks[0].ports) or set(desk_services.PORTS.values()) == set(
        stacks[1].ports
    )
