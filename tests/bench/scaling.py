"""Two workers beside one another on eight partitions, against one; and what the broker takes for each application.

All may use all cores, the broker too: on a machine of two cores the rate says what is left over for a second worker,
and the processor time whether a second one makes each application dearer.
"""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.bench.measurement import CORES, Line, line
from tests.bench.stage import AnswerCount, DrainRate, Stage, drain_rate, stage, unpin

PARTITIONS: Final = 8
WAITING: Final = 600_000
BEGIN: Final = 150_000
"""Counted from here on: by then both are members of the group and have their partitions."""
LONGEST_S: Final = 90.0
ROUNDS: Final = 3
SIZE: Final = "XGBoost depth 4 x 200"


def lines() -> Iterator[Line]:
    """Rates, and processor time of workers and broker."""
    with stage(PARTITIONS) as here:
        unpin(here.broker)
        here.champion(4, 200)
        here.load(WAITING)
        for mode in ("exactly_once", "at_least_once"):
            pairs = [(_drain_rate(here, 2, mode), _drain_rate(here, 1, mode)) for _ in range(ROUNDS)]
            name = f"two workers on {len(CORES)} cores, {PARTITIONS} partitions, {mode.replace('_', ' ')}, {SIZE}"
            rates = [(two.per_second, one.per_second) for two, one in pairs]
            yield line(name, "applications/s", "one worker", rates, rate=True)
            workers = [(sum(two.each_us[1:]), sum(one.each_us[1:])) for two, one in pairs]
            yield line(f"{name}, workers' processor", "us/application", "one worker", workers)
            brokers = [(two.each_us[0], one.each_us[0]) for two, one in pairs]
            yield line(f"{name}, broker's processor", "us/application", "under one worker", brokers)


def _drain_rate(here: Stage, count: int, mode: str) -> DrainRate:
    """How fast so many workers answer; the broker's processor time comes first, then theirs."""
    group = f"bench-{uuid.uuid4().hex[:8]}"
    settings = here.worker_settings(group, delivery=mode)
    with ExitStack() as running:
        workers = [running.enter_context(here.contender("streams", **settings)) for _ in range(count)]
        for worker in workers:
            unpin(worker)
        return drain_rate([here.broker, *workers], AnswerCount(here, group), WAITING, LONGEST_S, BEGIN)
