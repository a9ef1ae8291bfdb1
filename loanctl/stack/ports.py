"""Free ports of this machine, and whether a port is in use."""

import itertools
import random
import socket
from typing import Final

HOST: Final = "127.0.0.1"
"""Loopback: a local stack has no passwords, so no other machine may reach it."""
SERVER_PORTS: Final = range(15_000, 32_000)
"""Below those that systems give to outgoing connections: one of these may take a port before its server binds it."""
CONNECT_TIMEOUT_S: Final = 1.0


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that are free now, distinct, of `SERVER_PORTS`."""
    # The system's own chance: processes that are seeded alike would choose alike.
    chance = random.SystemRandom()
    return tuple(itertools.islice(filter(is_free, chance.sample(SERVER_PORTS, len(SERVER_PORTS))), count))


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
