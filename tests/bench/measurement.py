"""How things are measured here: two ways in turn, several rounds, medians, one core.

Figures are one machine's; what carries is the ratio of two that were measured in alternation.
"""

import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

BUILD: Final = Path(__file__).resolve().parents[2] / "build"

CORES: Final = frozenset(os.sched_getaffinity(0))
"""That this process may use as it starts."""
LEAST_S: Final = 0.02
"""Of one timing: shorter ones are repeated within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    value: float
    unit: str
    against: str
    against_value: float
    ratio: float
    """How many times better ours is: of times theirs over ours, of rates ours over theirs. Median of the rounds."""
    rounds: int
    spread: float
    """Of the ratio over the rounds: largest less smallest, over the median."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing something for `rows` rows."""

    name: str
    act: Callable[[], object]
    rows: int


def comparison(name: str, ours: Way, theirs: Way, rounds: int) -> Line:
    """Microseconds of processor a row, of both ways, measured in turn.

    The processor's time and not the clock's: what else the machine does then matters less.
    """
    ours.act(), theirs.act()
    pairs = [(microseconds(ours), microseconds(theirs)) for _ in range(rounds)]
    return line(name, "us/row", theirs.name, pairs)


def line(name: str, unit: str, against: str, pairs: Sequence[tuple[float, float]], *, rate: bool = False) -> Line:
    """The line of rounds of ours and theirs; rates are better large, all else small."""
    ratios = [mine / other if rate else other / mine for mine, other in pairs]
    middle = statistics.median(ratios)
    return Line(
        name=name,
        value=round(statistics.median(mine for mine, _ in pairs), 3),
        unit=unit,
        against=against,
        against_value=round(statistics.median(other for _, other in pairs), 3),
        ratio=round(middle, 3),
        rounds=len(pairs),
        spread=round((max(ratios) - min(ratios)) / middle, 3),
    )


def pin(core: int | None = None) -> None:
    """Keeps this process, and those it starts, on one core."""
    os.sched_setaffinity(0, {max(CORES) if core is None else core})


def release() -> None:
    """Lets it use all cores again: a part that starts processes shares them out."""
    os.sched_setaffinity(0, CORES)


def write_lines(lines: Iterable[Line]) -> Path:
    """Writes the lines into `build/bench.json`, in the place of older ones of the same name."""
    path = BUILD / "bench.json"
    BUILD.mkdir(exist_ok=True)
    before = {item["name"]: item for item in json.loads(path.read_text())} if path.exists() else {}
    everything = {**before, **{item.name: asdict(item) for item in lines}}
    path.write_text(json.dumps(list(everything.values()), indent=1) + "\n")
    return path


def table(lines: Iterable[Line]) -> str:
    head = "| what | ours | against | theirs | ratio | spread |\n| --- | ---: | --- | ---: | ---: | ---: |\n"
    rows = (
        f"| {item.name} | {item.value:,.5g} {item.unit} | {item.against} | {item.against_value:,.5g} {item.unit} "
        f"| {item.ratio:.3g} | {item.spread:.0%} |"
        for item in lines
    )
    return head + "\n".join(rows)


def microseconds(way: Way) -> float:
    """Of processor time, of one row: repeated until it can be told."""
    times, began = 0, time.process_time()
    while True:
        way.act()
        times += 1
        spent = time.process_time() - began
        if spent >= LEAST_S:
            return 1e6 * spent / times / way.rows


def peak_mb() -> int:
    """The greatest resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024)
