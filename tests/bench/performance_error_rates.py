"""How often a champion is said to have fallen that has not, and how soon one that has.

`python -m tests.bench.performance_error_rates`. Seeded: the same figures each time. Loans end one after the
other, and are looked at again and again, each time a tenth more of them; AUC and interval are the agent's own.
Scores of defaults and of loans repaid are normal, as far apart as the AUC wants them. Prints the table of
docs/drift.md.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy import stats

from drift.performance.discrimination import auc
from drift.performance.loan_figures import LEAST
from schemas.events.performance import Figure

SEED: Final = 20_260_301
FLOOR: Final = 0.75
TRUTHS: Final = (0.80, 0.77, 0.76, 0.75, 0.73, 0.70, 0.65)
MINIMA: Final = (0, 500)
FIRST: Final = 20
LAST: Final = 20_000
DEFAULT_RATE: Final = 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reigns", type=int, default=400, help="Champions of each true AUC.")
    given = parser.parse_args(arguments)
    lines = [
        f"Floor {FLOOR:g}, {given.reigns} champions of each true AUC, checked from {FIRST} known outcomes to {LAST:,}:",
        "",
        "| true AUC | ever reported as fallen, any number of outcomes | 500 or more | outcomes by then, median |",
        "| --- | --- | --- | --- |",
        *(_row(truth, given.reigns) for truth in TRUTHS),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _row(truth: float, reigns: int) -> str:
    rng = np.random.default_rng([SEED, round(1_000 * truth)])
    looks = [list(_looks(truth, rng)) for _ in range(reigns)]
    early, late = ([_first(each, minimum) for each in looks] for minimum in MINIMA)
    known = [n for n in late if n is not None]
    median = f"{np.median(known):,.0f}" if len(known) > reigns / 2 else ""
    return f"| {truth:.2f} | {_share(early)} | {_share(late)} | {median} |"


def _looks(truth: float, rng: np.random.Generator) -> Iterator[tuple[int, Figure]]:
    """Known ends and AUC, look by look; where so few ends can tell none, there is no look."""
    defaulted = rng.random(LAST) < DEFAULT_RATE
    scores = rng.normal(size=LAST) + np.sqrt(2.0) * stats.norm.ppf(truth) * defaulted
    n = FIRST
    while n <= LAST:
        if min(defaulted[:n].sum(), n - defaulted[:n].sum()) >= LEAST:
            yield n, auc(scores[:n], defaulted[:n])
        n += n // 10


def _first(looks: Sequence[tuple[int, Figure]], minimum: int) -> int | None:
    """Known ends at the first look that says so."""
    return next((n for n, area in looks if n >= minimum and area.high < FLOOR), None)


def _share(found: Sequence[int | None]) -> str:
    return f"{sum(n is not None for n in found) / len(found):.1%}"


if __name__ == "__main__":
    main()
