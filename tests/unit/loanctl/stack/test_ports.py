"""Free ports stay free until their server binds them."""

import random
import socket
from pathlib import Path

import pytest

from loanctl.stack.ports import HOST, SERVER_PORTS, free_ports, is_free

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_no_outgoing_connection_takes_one() -> None:
    if not OUTGOING.exists():
        pytest.skip("needs Linux, which tells the range of outgoing connections")
    lowest, _ = map(int, OUTGOING.read_text(encoding="ascii").split())

    assert SERVER_PORTS[-1] < lowest


def test_processes_that_are_seeded_alike_choose_others() -> None:
    chosen = []
    for _ in range(2):
        random.seed(1)
        chosen.append(free_ports(5))

    assert chosen[0] != chosen[1]
    assert all(len(set(ports)) == 5 and set(ports) <= set(SERVER_PORTS) for ports in chosen)


def test_a_port_with_a_server_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert not is_free(server.getsockname()[1])
