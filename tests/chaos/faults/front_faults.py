"""Gateway and trainer, each started for a fault and gone after it: killed, frozen and cut off amid their work."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from loanctl.stack.ports import free_ports
from tests.chaos.arena import READY_S, SETTLED_S, Arena
from tests.chaos.callers import Callers
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.neighbour_faults import network_cut
from tests.chaos.faults.process_faults import FROZEN_S
from tests.chaos.invariant import call_findings, leak_findings, result_findings
from tests.chaos.retraining import Retraining
from tests.chaos.supervised_process import SupervisedProcess
from tests.system.gateways import GatewayUnderTest
from tests.system.wait import wait_for

Harm = Callable[[Arena, SupervisedProcess, random.Random], None]
ROUNDS: Final = 3
CALM_S: Final = 3.0
"""Of callers before the first harm and after the last."""
AMID_S: Final = 4.0
"""A training goes on for longer once it has begun."""
CALLER_TIMEOUT_S: Final = 2


def kill(_: Arena, process: SupervisedProcess, __: random.Random) -> None:
    process.kill()


def freeze(_: Arena, process: SupervisedProcess, __: random.Random) -> None:
    """Beyond the session of a group's member."""
    process.freeze()
    time.sleep(FROZEN_S)
    process.thaw()


def cut_off(arena: Arena, _: SupervisedProcess, chance: random.Random) -> None:
    network_cut(arena, chance)


def gateway_fault(arena: Arena, chance: random.Random, harm: Harm) -> None:
    """Callers go on meanwhile: what was accepted is decided once, whatever its caller was told."""
    lane, cache = arena.lanes[0], arena.folder / "gateway-cache"
    settings = {"gateway_port": free_ports(1)[0], "gateway_timeout_s": CALLER_TIMEOUT_S, "cache_dir": cache}
    with _guest(arena, "gateway", settings) as gateway:
        callers = Callers(GatewayUnderTest(gateway.process), lane)
        with callers.run():
            time.sleep(CALM_S)
            for _ in range(ROUNDS):
                harm(arena, gateway, chance)
                wait_for(gateway.ready, READY_S, gateway.name)
                time.sleep(chance.uniform(1.0, CALM_S))
    sources = callers.sources()
    marks = [len(each.load.sent) for each in arena.lanes]
    wait_for(lambda: arena.answered(marks), SETTLED_S, "the callers' decisions")
    ids = defaultdict(set)
    for each in lane.decisions.items:
        ids[each.seen.source].add(each.recorded.decision["decision_id"])
    arena.found += call_findings(callers.calls, sources, ids)
    assert any(call.status == call.DECIDED for call in callers.calls), "no caller was answered"


def trainer_fault(arena: Arena, chance: random.Random, harm: Harm) -> None:
    """Each command has one result, and a command that is sent twice is carried out once."""
    folder = arena.folder / "trainer"
    folder.mkdir(exist_ok=True)
    work = Retraining(arena.lanes[0].connection, folder)
    with _guest(arena, "training", work.settings()) as trainer:
        for round_ in range(ROUNDS):
            begun = _trainings(trainer)
            name = f"{harm.__name__}-{round_}"
            for _ in range(2):
                work.command(name)
            wait_for(lambda begun=begun: _trainings(trainer) > begun, SETTLED_S, "a training")  # type: ignore[misc]
            time.sleep(chance.uniform(0.0, AMID_S))
            harm(arena, trainer, chance)
            wait_for(work.answered, SETTLED_S, "the commands' results")
    arena.found |= result_findings(work.commands(), work.results())


def _trainings(trainer: SupervisedProcess) -> int:
    return trainer.process.output().count('"training.started"')


@contextmanager
def _guest(arena: Arena, module: str, settings: dict[str, Any]) -> Iterator[SupervisedProcess]:
    """A process for the length of a block, ready at its beginning; nothing of an applicant is in what it wrote."""
    processes = arena.lanes[0].processes
    guest = SupervisedProcess(processes, module, f"{module}-{len(processes.started)}", settings)
    try:
        wait_for(guest.ready, READY_S, guest.name)
        yield guest
        guest.hold()
    finally:
        guest.process.kill()
    arena.found += leak_findings({guest.name: guest.process.output().encode()})


HARMS: Final[dict[str, Harm]] = {
    "kill -9": kill,
    "SIGSTOP": freeze,
    "network cut": cut_off,
}
ACTS: Final = {"a gateway with callers": gateway_fault, "a trainer amid a training": trainer_fault}
FRONT_FAULTS: Final = tuple(
    Fault(f"{name} of {what}", partial(act, harm=harm), mixes=False)
    for what, act in ACTS.items()
    for name, harm in HARMS.items()
)
