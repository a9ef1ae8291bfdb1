"""`make bench`, or `python -m tests.bench [PART ...]`: measures, prints a table, and writes build/bench.json."""

import argparse
import importlib
import sys
from typing import Final

from tests.bench.measurement import Line, pin, release, table, write_lines

PARTS: Final = {
    "attribution": "tests.bench.attribution",
    "peers": "tests.bench.peers",
    "decoding": "tests.bench.decoding",
    "score_batch": "tests.bench.batches",
    "bulk": "tests.bench.bulk",
    "poison": "tests.bench.poison",
    "drift_counts": "tests.bench.drift_counts",
    "agent": "tests.bench.agent",
    "ledger": "tests.bench.ledger",
    "drain": "tests.bench.drain",
    "scaling": "tests.bench.scaling",
    "latency": "tests.bench.latency",
    "http": "tests.bench.http",
    "memory": "tests.bench.memory",
}
ON_ONE_CORE: Final = ("attribution", "peers", "decoding", "score_batch", "bulk", "poison", "drift_counts", "ledger")
"""Measured in this process; the others start processes, and pin those."""


def main() -> int:
    """Measure the parts asked for, all by default."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    asked = parser.parse_args().parts or list(PARTS)
    unknown = [part for part in asked if part not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    found: list[Line] = []
    for part in asked:
        (pin if part in ON_ONE_CORE else release)()
        for line in importlib.import_module(PARTS[part]).lines():
            found.append(line)
            sys.stderr.write(
                f"{line.name}: {line.value} {line.unit}; {line.against} {line.against_value}; x{line.ratio}\n"
            )
            write_lines(found)
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
