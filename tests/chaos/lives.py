"""Lives of one process of ours, one after the other: what ends one begins the next, as a supervisor would.

`python lives.py MODULE ORDERS`: all that a life loads is loaded once, then each life is forked and runs the process'
own `main`. The file ORDERS (JSON, written by `tests.chaos.supervised_process`) says what the next life gets:
settings, a step to raise in, a clock that is behind; or that none is to begin. Each beginning and end is a line of
NAME.lives.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":
    # The folder of a script goes first in the path, and ours holds modules of plain names.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.system.faulty_process import set_up
from tests.system.fork_server import preload

POLL_S: Final = 0.05
MISCONFIGURED: Final = 2
FIRST_BATCH: Final = 1


def orders_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def live(module: str, orders: dict[str, Any]) -> int:
    """The exit status of a life, in its own process."""
    os.environ.update(orders["settings"])
    if orders["step"]:
        set_up(module, orders["step"], FIRST_BATCH)
    if orders["clock_behind_s"]:
        real = time.time
        time.time = lambda: real() - orders["clock_behind_s"]
    return int(importlib.import_module(f"{module}.__main__").main())


def begin(module: str, orders: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        status = live(module, orders)
        sys.stdout.flush()
        os._exit(status)
    return child


def main() -> int:
    """The exit status of the first life that is misconfigured; else it runs until it is killed."""
    module, path = sys.argv[1], Path(sys.argv[2])
    record = path.with_suffix(".lives")
    preload(module)
    while True:
        while (orders := orders_of(path))["hold"]:
            time.sleep(POLL_S)
        child = begin(module, orders)
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"began": child, "number": orders["number"]}) + "\n")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"ended": child, "status": status, "step": orders["step"]}) + "\n")
        if status == MISCONFIGURED:
            return status


if __name__ == "__main__":
    sys.exit(main())
