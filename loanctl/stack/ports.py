"""Free ports of this machine, and whether a port is in use."""

import socket
from typing import Final

HOST: Final = "127.0.0.1"
"""Loopback: a local stack has no passwords, so no other machine may reach it."""
CONNECT_TIMEOUT_S: Final = 1.0


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that are free now; distinct, since all are held until the last is found."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return tuple(one.getsockname()[1] for one in held)
    finally:
        for one in held:
            one.close()


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether a server listens there."""
    with socket.socket() as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        return probe.connect_ex((HOST, port)) == 0
