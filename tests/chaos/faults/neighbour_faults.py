"""Brokers, network, registry and MLflow."""

import random
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.faults.fault import Fault
from tests.chaos.proxy import Proxy
from tests.system.wait import wait_for

DOWN_S: Final = 4.0
CUT_S: Final = 8.0
SLOW_S: Final = 8.0
LOSSY_S: Final = 10.0
THREE: Final = 3


def broker_restart(arena: Arena, chance: random.Random) -> None:
    """A broker is stopped in good order, and started again."""
    number = chance.randrange(len(arena.cluster.nodes))
    arena.cluster.broker(number).stop()
    time.sleep(DOWN_S)
    arena.cluster.start(number)


def broker_kill(arena: Arena, chance: random.Random) -> None:
    """`kill -9` of each broker in turn: its leaders move, and two replicas of three go on."""
    numbers = list(range(len(arena.cluster.nodes)))
    chance.shuffle(numbers)
    for number in numbers:
        arena.cluster.broker(number).kill()
        time.sleep(DOWN_S)
        arena.cluster.start(number)
        time.sleep(DOWN_S)


def broker_freeze(arena: Arena, chance: random.Random) -> None:
    """SIGSTOP of a broker: its connections stay open, and nothing answers."""
    running = arena.cluster.broker(chance.randrange(len(arena.cluster.nodes)))
    running.freeze()
    time.sleep(CUT_S)
    running.thaw()


def broker_disk_full(arena: Arena, chance: random.Random) -> None:
    """A broker's log can grow no more: it gives up, and comes back when there is room."""
    number = chance.randrange(len(arena.cluster.nodes))
    running = arena.cluster.broker(number)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    wait_for(lambda: not running.alive(), 90, "the broker's end")
    time.sleep(DOWN_S)
    arena.cluster.start(number)


def broken_network(arena: Arena, _: random.Random, break_one: Callable[[Proxy], object], seconds: float) -> None:
    """Every proxy before a broker is broken for some seconds."""
    for proxy in arena.cluster.brokers_proxied:
        break_one(proxy)
    time.sleep(seconds)
    for proxy in arena.cluster.brokers_proxied:
        proxy.mend()


network_cut: Final = partial(broken_network, break_one=Proxy.break_off, seconds=CUT_S)
"""No process reaches any broker."""
network_slow: Final = partial(broken_network, break_one=Proxy.slow_down, seconds=SLOW_S)
"""Each piece of data takes 75 to 225 ms more."""
network_lossy: Final = partial(broken_network, break_one=Proxy.lose_some, seconds=LOSSY_S)
"""Each piece of data breaks its connection, half of it passed, one time in fifty."""


def away(arena: Arena, _: random.Random, neighbour: Callable[[Arena], Proxy]) -> None:
    """Nobody answers behind a proxy, amid work and at the start of a worker."""
    proxy = neighbour(arena)
    proxy.break_off()
    for lane in arena.lanes:
        lane.workers[0].kill()
    time.sleep(CUT_S)
    proxy.mend()


registry_away: Final = partial(away, neighbour=lambda arena: arena.cluster.registry_proxied)
mlflow_away: Final = partial(away, neighbour=lambda arena: arena.mlflow_proxied)
"""The champion of the cache decides."""


NEIGHBOUR_FAULTS: Final = (
    Fault("a broker stopped and started", broker_restart),
    Fault("kill -9 of each of three brokers in turn", broker_kill, brokers=THREE),
    Fault("SIGSTOP of a broker", broker_freeze),
    Fault("a broker's disk full", broker_disk_full, brokers=THREE),
    Fault("network to the brokers cut", network_cut),
    Fault("network to the brokers slow", network_slow),
    Fault("network to the brokers lossy", network_lossy),
    Fault("registry away, at a start too", registry_away),
    Fault("MLflow away, at a start too", mlflow_away),
)
CUT: Final = next(each for each in NEIGHBOUR_FAULTS if each.act is network_cut)
