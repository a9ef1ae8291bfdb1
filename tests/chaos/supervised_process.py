"""A process under test that is started again whenever it ends, seen from the checker."""

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from loanctl.stack.ports import free_ports
from tests.system.commands import variables_of
from tests.system.faulty_process import CRASHED
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.wait import wait_for
from tests.system.workers import Worker

LIFE_S: Final = 120.0
"""Of a machine that does much else; alone a life begins in a second."""
NOTHING_ORDERED: Final = {"hold": False, "settings": {}, "step": "", "clock_behind_s": 0, "number": 0}


@dataclass
class SupervisedProcess:
    processes: Processes
    module: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._orders = self.processes.folder / f"{self.name}.json"
        self._ordered = dict(NOTHING_ORDERED)
        self._order()
        script = str(Path(__file__).with_name("lives.py"))
        # Each life listens on the same port.
        own = {"web_port": free_ports(1)[0], **self.settings}
        command = (sys.executable, script, self.module, str(self._orders))
        self.process: ProcessUnderTest = self.processes.start_program(*command, name=self.name, **variables_of(own))

    def life(self) -> int:
        """The process id of the life that runs; 0 between two."""
        lines = self._lives()
        return int(lines[-1]["began"]) if lines and "began" in lines[-1] else 0

    def ends(self) -> list[tuple[str, int]]:
        """Step and exit status of each life that ended."""
        return [(line["step"], line["status"]) for line in self._lives() if "ended" in line]

    def send(self, number: signal.Signals) -> None:
        """A signal to the life that runs; waits for one."""
        life = wait_for(self.life, LIFE_S, f"a life of {self.name}")
        # Another fault may have ended it in between.
        with contextlib.suppress(ProcessLookupError):
            os.kill(life, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def stop(self) -> None:
        """In good order; the next life begins."""
        self.send(signal.SIGTERM)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def begin_again(
        self, *, step: str = "", clock_behind_s: int = 0, by: signal.Signals = signal.SIGTERM, **settings: object
    ) -> None:
        """End this life by a signal; the next one gets this, and has begun on return."""
        self._ordered["number"] += 1
        self._order(step=step, clock_behind_s=clock_behind_s, settings=variables_of(settings))
        self.send(by)
        wait_for(self._as_ordered, LIFE_S, f"the next life of {self.name}")
        # The one after it has no fault.
        self._order(step="", clock_behind_s=0, settings={})

    def raise_in(self, step: str) -> None:
        """A life that ends by an exception in this step."""
        before = len(self.ends())
        self.begin_again(step=step)
        ended = wait_for(lambda: [end for end in self.ends()[before:] if end[0] == step], LIFE_S, f"the end in {step}")
        assert ended == [(step, CRASHED)], ended

    def hold(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End this life; none begins."""
        self._order(hold=True)
        self.send(by)
        wait_for(lambda: not self.life(), LIFE_S, f"the end of {self.name}")

    def go_on(self) -> None:
        self._order(hold=False)

    def ready(self) -> bool:
        """Whether the life that runs says so."""
        assert self.process.alive(), f"{self.name} ended:\n{self.process.tail()}"
        return Worker(self.process).health()[0] == 200

    def _as_ordered(self) -> bool:
        began = [line for line in self._lives() if "began" in line]
        return bool(began) and began[-1]["number"] == self._ordered["number"]

    def _lives(self) -> list[dict[str, Any]]:
        record = self._orders.with_suffix(".lives")
        text = record.read_text(encoding="utf-8") if record.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def _order(self, **changed: Any) -> None:
        self._ordered |= changed
        # Whole or not at all: the other side reads at any moment.
        unfinished = self._orders.with_suffix(".next")
        unfinished.write_text(json.dumps(self._ordered), encoding="utf-8")
        unfinished.replace(self._orders)
