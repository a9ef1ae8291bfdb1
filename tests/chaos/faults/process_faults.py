"""Workers, drift agent and ledger: killed, stopped, frozen, raising, short of room, with a wrong clock."""

import random
import resource
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.faults.fault import Fault
from tests.chaos.lane import Lane
from tests.chaos.supervised_process import SupervisedProcess
from tests.system.faulty_process import COUNTING_STEPS, WORKER_STEPS
from tests.system.wait import wait_for

KILLS: Final = 17
"""A seed; three seeds make fifty."""
FROZEN_S: Final = 10.0
"""Longer than a session of eight seconds."""
TRANSACTION_S: Final = 27.0
"""A transaction times out after 15 s, and the broker looks each 10 s."""
MEASURED_S: Final = 20.0
"""Longer than a worker's partitions wait for it, or for another."""
HOUR_S: Final = 3_600
SMALL_QUEUE: Final = 20


def kills(arena: Arena, chance: random.Random, times: int = KILLS) -> None:
    """`kill -9` wherever a worker is; under load that is in the middle of a batch."""
    for _ in range(times):
        time.sleep(chance.uniform(0.3, 1.2))
        for lane in arena.lanes:
            chance.choice(lane.workers[:2]).kill()


def few_kills(arena: Arena, chance: random.Random) -> None:
    """The same, three times."""
    kills(arena, chance, 3)


def one_kill(arena: Arena, _: random.Random) -> None:
    """`kill -9` of one of two workers; its successor of the same name begins at once."""
    arena.killed_at = time.time()
    for lane in arena.lanes:
        lane.workers[0].kill()
    time.sleep(MEASURED_S)


def one_kill_for_good(arena: Arena, _: random.Random) -> None:
    """The same without a successor: the other worker takes over its partitions."""
    arena.killed_at = time.time()
    for lane in arena.lanes:
        lane.workers[0].hold(signal.SIGKILL)
    time.sleep(2 * MEASURED_S)
    for lane in arena.lanes:
        lane.workers[0].go_on()


def rename(arena: Arena, chance: random.Random) -> None:
    """`kill -9`, and the successor has another name, as a pod of a Deployment has; then the same back."""
    for round_ in range(2):
        for lane in arena.lanes:
            name = f"{lane.delivery}-{chance.randrange(10**9)}-{round_}"
            lane.workers[round_].begin_again(by=signal.SIGKILL, instance_id=name)
        time.sleep(chance.uniform(1.0, 3.0))
    for lane in arena.lanes:
        for each in lane.workers[:2]:
            each.kill()


def stops(arena: Arena, chance: random.Random) -> None:
    """SIGTERM: the batch in hand is finished."""
    for number in (0, 1, 0, 1):
        time.sleep(chance.uniform(0.5, 1.5))
        for lane in arena.lanes:
            lane.workers[number].stop()


def freeze(arena: Arena, chance: random.Random, seconds: float = FROZEN_S) -> None:
    """SIGSTOP beyond the session: the group goes on without the worker, and fences it when it wakes."""
    frozen = [chance.choice(lane.workers[:2]) for lane in arena.lanes]
    for each in frozen:
        each.freeze()
    time.sleep(seconds)
    for each in frozen:
        each.thaw()


def timed_out_transaction(arena: Arena, chance: random.Random) -> None:
    """SIGSTOP beyond the time-out of a transaction."""
    freeze(arena, chance, TRANSACTION_S)


def exceptions(arena: Arena, _: random.Random) -> None:
    """An exception that nobody foresaw in each step of a batch, with the next batch in flight."""
    with ThreadPoolExecutor(len(arena.lanes)) as hands:
        list(hands.map(_raise_in_turn, [lane.workers[0] for lane in arena.lanes], map(_steps, arena.lanes)))


def _steps(lane: Lane) -> Sequence[str]:
    return WORKER_STEPS[lane.delivery]


def _raise_in_turn(process: SupervisedProcess, steps: Sequence[str]) -> None:
    for step in steps:
        process.raise_in(step)


def drift_exceptions(arena: Arena, _: random.Random) -> None:
    """The same in each step of a drift agent's turn."""
    _raise_in_turn(arena.agents["drift"], COUNTING_STEPS)


def agent_kills(arena: Arena, chance: random.Random) -> None:
    """`kill -9` of drift agent and ledger."""
    for _ in range(6):
        time.sleep(chance.uniform(0.5, 1.5))
        for each in arena.agents.values():
            each.kill()


def agent_freeze(arena: Arena, _: random.Random) -> None:
    """SIGSTOP of drift agent and ledger beyond their session, and SIGTERM after it."""
    for each in arena.agents.values():
        each.freeze()
    time.sleep(FROZEN_S)
    for each in arena.agents.values():
        each.thaw()
        each.stop()


def scaling(arena: Arena, chance: random.Random) -> None:
    """A third worker comes under load and is taken away, twice."""
    for _ in range(2):
        added = [lane.workers[2] if len(lane.workers) > 2 else lane.start_worker(2) for lane in arena.lanes]
        for each in added:
            each.go_on()
            wait_for(each.ready, 240, each.name)
        time.sleep(chance.uniform(1.0, 3.0))
        for each in added:
            each.hold()
    for lane in arena.lanes:
        lane.workers.pop().process.kill()


def full_queue(arena: Arena, _: random.Random) -> None:
    """A producer whose queue holds 20 records, and a burst of many more."""
    small = {"kafka_properties": f"queue.buffering.max.messages={SMALL_QUEUE}"}
    for lane in arena.lanes:
        lane.workers[0].begin_again(**small)
        lane.load.burst(600)
    time.sleep(3)
    for lane in arena.lanes:
        lane.workers[0].begin_again()


def clock_behind(arena: Arena, _: random.Random) -> None:
    """Python's clock of one worker a mode is an hour behind; librdkafka's is not."""
    for lane in arena.lanes:
        lane.workers[0].begin_again(clock_behind_s=HOUR_S)
    time.sleep(4)
    for lane in arena.lanes:
        lane.workers[0].begin_again()


def full_disk(arena: Arena, _: random.Random) -> None:
    """Workers may write nothing more to any file, their log included, while a new champion is to be fetched."""
    lives = [(each, each.life()) for each in arena.workers]
    for _, life in lives:
        resource.prlimit(life, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    [successor] = arena.successors(1)
    arena.board.crown(*successor)
    time.sleep(4)
    for each, life in lives:
        if each.life() == life:
            resource.prlimit(life, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


PROCESS_FAULTS: Final = (
    Fault("kill -9 of workers, 17 times", kills),
    Fault("kill -9 of one of two workers, a successor at once", one_kill, mixes=False),
    Fault("kill -9 of one of two workers, no successor", one_kill_for_good, mixes=False),
    Fault("kill -9 of workers, their successors under other names", rename, mixes=False),
    Fault("SIGTERM of workers", stops),
    Fault("SIGSTOP of a worker beyond its session", freeze),
    Fault("SIGSTOP of a worker beyond its transaction's time-out", timed_out_transaction),
    Fault("an exception in each step of a batch, two in flight", exceptions, mixes=False),
    Fault("an exception in each step of a drift agent's turn", drift_exceptions, mixes=False),
    Fault("kill -9 of drift agent and ledger", agent_kills),
    Fault("SIGSTOP and SIGTERM of drift agent and ledger", agent_freeze),
    Fault("workers added and taken away", scaling, mixes=False),
    Fault("a worker's queue full", full_queue, mixes=False),
    Fault("a worker's clock an hour behind", clock_behind, mixes=False),
    Fault("a worker's disk full while a champion comes", full_disk, mixes=False),
)
FEW_KILLS: Final = Fault("kill -9 of workers, 3 times", few_kills)
FREEZE: Final = next(each for each in PROCESS_FAULTS if each.act is freeze)
