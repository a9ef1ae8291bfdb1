"""Lives of one process of ours, each of which ends by an exception in another step.

`python -m tests.system.faulty_process MODULE AFTER STEP...`: for each step a child is forked, which patches
it and runs the process' own `main`; a last life without a fault runs until it is stopped. The product has no
hook for it. A step is a key of `STEPS`: it raises `InjectedError`, once, in the batch of number `AFTER` (worker)
or after so many passages (the others). What all lives load, `tests.system.fork_server` has loaded before the first.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import Producer

from streams.runtime import lifecycle

CRASHED: Final = 1
ELSEWHERE: Final = 99
"""The life ended before it came to its step."""
ENDED: Final = "life ended: "
"""Begins the line that tells of it: step and status."""
WORKER_STEPS: Final = {
    "exactly_once": (
        "schemas",
        "scoring",
        "begin_transaction",
        "produce",
        "send_offsets_to_transaction",
        "commit_transaction",
        "commit_transaction:done",
        "metrics",
    ),
    "at_least_once": ("schemas", "scoring", "produce", "flush", "flush:done", "commit", "commit:done", "metrics"),
}
"""The steps of a worker's batch, by its delivery mode."""
COUNTING_STEPS: Final = (
    "reading",
    "counts",
    "begin_transaction",
    "produce",
    "send_offsets_to_transaction",
    "commit_transaction",
    "commit_transaction:done",
)
"""Those of the drift agent's counts."""
HANGS: Final = "?hangs"
"""Behind a step: it does not raise, it does not return."""
STUCK_S: Final = 2.0
"""For two minutes of the product's, in a process that is to hang."""
NEXT_BATCH_S: Final = 60.0
"""For the batch that is to be in flight behind the one that fails."""
STEPS: Final = {
    # The producer of answers, counts and reports.
    "begin_transaction": "",
    "produce": "",
    "send_offsets_to_transaction": "",
    "commit_transaction": "",
    "commit_transaction:done": "",
    "flush": "",
    "flush:done": "",
    # The worker.
    "schemas": "schemas.registry_client:WriterSchemas.of",
    "scoring": "streams.worker.batch_handler:score_batch",
    "commit": "streams.kafka.group.batch_reader:Reader.commit",
    "commit:done": "streams.kafka.group.batch_reader:Reader.commit",
    "metrics": "streams.worker.metrics:WorkerMetrics.record_batch",
    # The drift agent.
    "reading": "drift.agent.partition_counter:gather",
    "counts": "drift.agent.partition_counter:record_of",
    "assembly": "drift.monitor:Monitor.add_counts",
    "reports": "drift.agent.window_owner:record_of",
    "reports:done": "drift.metrics:DriftMetrics.record_report",
    # The trainer.
    "command": "schemas.registry_client:EventSerde.decode",
    "champion": "scorecard.registry.model_registry:ModelRegistry.champion",
    "promotion:done": "training.service.command_handler:settle",
    "result": "training.service.command_deduplication:result",
    "result:done": "training.service.result_delivery:ResultDelivery.deliver",
}
"""Where each lies; of a producer, the method of its name. `:done` is after it returned."""


class InjectedError(Exception):
    """What nobody foresaw."""


class Trap:
    """Raises in one step, once; or hangs there."""

    def __init__(self, step: str, after: int) -> None:
        self.step = step
        self.reached = False
        self._left = after
        self._lock = threading.Lock()

    def step_into(self) -> None:
        with self._lock:
            self._left -= 1
            due = self._left == -1
            self.reached |= due
        if due and self.step.endswith(HANGS):
            threading.Event().wait()
        if due:
            raise InjectedError(self.step)


def around(act: Callable[..., Any], passed: Callable[[], None], *, done: bool) -> Callable[..., Any]:
    """The same function, with the trap before it or behind it."""

    def call(*arguments: Any, **named: Any) -> Any:
        if not done:
            passed()
        answer = act(*arguments, **named)
        if done:
            passed()
        return answer

    return call


def set_in(place: str, passed: Callable[[], None], *, done: bool) -> None:
    """Put the trap around a function, named as `module:name` or `module:Class.name`."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        owner = getattr(owner, each)
    setattr(owner, name, around(getattr(owner, name), passed, done=done))


def set_in_producers(method: str, passed: Callable[[], None], *, done: bool) -> None:
    """Let every producer of answers be one with the trap in it."""
    from streams.kafka.producer import delivery, transactions

    faulty = type("FaultyProducer", (Producer,), {method: around(getattr(Producer, method), passed, done=done)})
    for owner in (transactions.TransactionalProducer, delivery.ExactlyOnce, delivery.AtLeastOnce):
        usual = owner.__init__.__defaults__
        assert Producer in usual, owner
        owner.__init__.__defaults__ = tuple(faulty if each is Producer else each for each in usual)


def two_in_flight(trap: Trap, after: int) -> Callable[[], None]:
    """The trap of a worker: armed in the batch of this number, once the next one has been read, too."""
    from streams.kafka.group.batch_reader import Reader
    from streams.worker.batch_handler import BatchHandler

    answered, read, in_flight, armed = BatchHandler.answer, Reader.read, threading.Event(), threading.Event()

    def answer(self: Any, handed: Any) -> None:
        if handed.batch.number == after:
            assert in_flight.wait(NEXT_BATCH_S), "no second batch came"
            armed.set()
        answered(self, handed)

    def next_batch(self: Any, *arguments: Any) -> Any:
        batch = read(self, *arguments)
        if batch is not None and batch.number > after:
            in_flight.set()
        return batch

    BatchHandler.answer, Reader.read = answer, next_batch  # type: ignore[method-assign]
    return lambda: trap.step_into() if armed.is_set() else None


def set_up(module: str, step: str, after: int) -> Trap:
    """Patch the step of this process; the trap that is in it."""
    trap = Trap(step, 0 if module == "streams" else after)
    passed = two_in_flight(trap, after) if module == "streams" else trap.step_into
    if step.endswith(HANGS):
        lifecycle.STUCK_S = STUCK_S  # type: ignore[misc]
    name, _, when = step.removesuffix(HANGS).partition(":")
    if place := STEPS[step.removesuffix(HANGS)]:
        set_in(place, passed, done=bool(when))
    else:
        set_in_producers(name, passed, done=bool(when))
    return trap


def life(module: str, step: str, after: int) -> int:
    """The exit status of a child that lives until the step raises."""
    child = os.fork()
    if child == 0:
        trap = set_up(module, step, after)
        status = importlib.import_module(f"{module}.__main__").main()
        sys.stdout.flush()
        os._exit(status if trap.reached else ELSEWHERE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> int:
    """The exit status of the last life; that of an earlier one if its fault did not end it as it should."""
    module, after, *steps = sys.argv[1:]
    for step in steps:
        status = life(module, step, int(after))
        sys.stderr.write(f"{ENDED}{step} {status}\n")
        if status != CRASHED:
            return status or 1
    return int(importlib.import_module(f"{module}.__main__").main())


if __name__ == "__main__":
    sys.exit(main())
