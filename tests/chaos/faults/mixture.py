"""The seeded mixture: processes and neighbours break at the same time."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.neighbour_faults import NEIGHBOUR_FAULTS
from tests.chaos.faults.person_faults import PERSON_FAULTS
from tests.chaos.faults.process_faults import FEW_KILLS, PROCESS_FAULTS

EACH: Final = 5


def mixture(arena: Arena, chance: random.Random) -> None:
    """Five faults of processes and five of neighbours, in two rows beside each other."""
    of_processes = (FEW_KILLS, *PROCESS_FAULTS[1:], *PERSON_FAULTS)
    rows = [_sample(those, arena, chance) for those in (of_processes, NEIGHBOUR_FAULTS)]
    with ThreadPoolExecutor(len(rows)) as hands:
        list(hands.map(lambda row: _in_turn(row, arena, random.Random(chance.random())), rows))


def _sample(those: Sequence[Fault], arena: Arena, chance: random.Random) -> list[Fault]:
    possible = [each for each in those if each.mixes and each.brokers <= len(arena.cluster.nodes)]
    return chance.choices(possible, k=EACH)


def _in_turn(faults: Sequence[Fault], arena: Arena, chance: random.Random) -> None:
    for each in faults:
        each.act(arena, chance)


MIXTURE: Final = Fault("the mixture: ten of these, two at a time", mixture, brokers=3)
