"""What a fault is."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena

Act = Callable[[Arena, random.Random], None]


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    """As the table in docs/guarantees.md has it."""
    act: Act
    brokers: int = 1
    """That it needs."""
    keeps_partitions: bool = False
    """No worker loses its partitions: so champions must follow one another in each."""
    mixes: bool = True
    """May be part of the mixture, beside others."""
