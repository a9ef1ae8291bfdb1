"""Memory of the worker: after a million applications, against after the first fifty thousand."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.measurement import Line, line
from tests.bench.stage import SETTLE_S, AnswerCount, stage

EARLY: Final = 50_000
MANY: Final = 1_000_000
LONGEST_S: Final = 900.0


def lines() -> Iterator[Line]:
    """One worker, one round."""
    with stage() as here:
        here.champion(4, 200)
        here.load(MANY)
        group = f"bench-{uuid.uuid4().hex[:8]}"
        with here.contender("streams", **here.worker_settings(group)) as process:
            answered = AnswerCount(here, group)
            early = _resident_after(process, answered, EARLY)
            late = _resident_after(process, answered, MANY)
    yield line(f"worker memory after {MANY:,}", "MB", f"after {EARLY:,}", [(late, early)])


def _resident_after(process: int, answered: AnswerCount, count: int) -> float:
    until = time.monotonic() + LONGEST_S
    while answered() < count:
        if time.monotonic() > until:
            problem = f"{count} were not answered in {LONGEST_S} s"
            raise RuntimeError(problem)
        time.sleep(SETTLE_S)
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(row.split()[1]) / 1024 for row in status.splitlines() if row.startswith("VmRSS"))
