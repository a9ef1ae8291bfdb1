"""`python -m tests.chaos`: every fault alone and the mixture, for each seed; exit status 1 where the invariant breaks.

`--short` is the form of the test suite: one broker, few faults.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from streams.runtime import logs
from tests.chaos.arena import arena_of
from tests.chaos.checker import Checker, Outcome
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.front_faults import FRONT_FAULTS
from tests.chaos.faults.mixture import MIXTURE
from tests.chaos.faults.neighbour_faults import CUT, NEIGHBOUR_FAULTS
from tests.chaos.faults.person_faults import PERSON_FAULTS
from tests.chaos.faults.process_faults import FEW_KILLS, FREEZE, PROCESS_FAULTS
from tests.conftest import empty_store_at

SEEDS: Final = (1, 2, 3)
RATE: Final = 30.0
"""Applications a second and delivery mode."""
ALONE: Final = (*PROCESS_FAULTS, *NEIGHBOUR_FAULTS, *FRONT_FAULTS, *PERSON_FAULTS[:2])
LAST: Final = PERSON_FAULTS[2:]
"""They change the topics or the group for good."""
FULL: Final = (*ALONE, MIXTURE, *LAST)
SHORT: Final = (FEW_KILLS, FREEZE, CUT)
"""Not the broker: one alone, which is killed where it stops too slowly, keeps no promise of three."""
THREE: Final = 3


def main() -> int:
    given = _arguments()
    logs.configure("error", "chaos")
    faults = _choice(SHORT if given.short else FULL, given.fault)
    brokers = 1 if given.short else THREE
    began, outcomes = time.monotonic(), list[Outcome]()
    for seed in given.seeds:
        with tempfile.TemporaryDirectory(prefix="loan-chaos-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            with arena_of(folder, brokers, RATE, seed, empty_store_at(folder), agents=not given.short) as arena:
                for found in Checker(arena, seed, _tell).outcomes(faults):
                    outcomes += found
                    _write(given.out, outcomes, time.monotonic() - began)
    return int(any(one.violations or one.error for one in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one broker, three faults")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--fault", action="append", help="only faults whose name has this in it")
    parser.add_argument("--out", type=Path, default=Path("build/chaos.json"))
    return parser.parse_args()


def _choice(faults: Sequence[Fault], words: Sequence[str] | None) -> list[Fault]:
    return [each for each in faults if not words or any(word in each.name for word in words)]


def _write(path: Path, outcomes: Sequence[Outcome], seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "day": datetime.now(UTC).date().isoformat(),
        "minutes": round(seconds / 60, 1),
        "outcomes": [one.plain() for one in outcomes],
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
