"""The table of docs/guarantees.md, from what `make chaos` found: `python -m tests.chaos.table build/chaos.json ...`.

A later file replaces what an earlier one says of the same fault, seed and delivery mode. All of it is kept as
`tests/chaos/results.json`, and a test compares the page with that.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
RESULTS: Final = HERE / "results.json"
PAGE: Final = HERE.parents[1] / "docs" / "guarantees.md"
BEGIN: Final = "<!-- chaos: from tests/chaos/results.json -->\n"
END: Final = "<!-- chaos: end -->\n"
HEAD: Final = (
    "| fault | seeds | applications | lost | doubled | mixed | leaked | other | repeated | longest wait | back "
    "| full rate |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
COLUMNS: Final = {
    "lost": {"decisions_lost", "letters_lost", "windows_lost", "accepted_lost", "results_lost"},
    "doubled": {"decisions_repeated", "letters_repeated", "windows_repeated", "accepted_twice", "results_repeated"},
    "mixed": {"decisions_mixed", "decisions_altered", "champions_out_of_order", "answers_apart"},
    "leaked": {"values_leaked"},
}
"""Violations by column; all others stand under `other`."""


def table(results: Mapping[str, Any]) -> str:
    """The section's text: when, and a line for each fault over all seeds and both delivery modes."""
    outcomes = results["outcomes"]
    faults = list(dict.fromkeys(one["fault"] for one in outcomes))
    rows = [_row(fault, [one for one in outcomes if one["fault"] == fault]) for fault in faults]
    total = _row("**all**", outcomes)
    return f"Run on {results['day']}, {results['minutes']:.0f} minutes.\n\n{HEAD}{''.join(rows)}{total}"


def _row(name: str, outcomes: Sequence[Mapping[str, Any]]) -> str:
    found: Counter[str] = sum((Counter(one["violations"]) for one in outcomes), Counter())
    told = {column: sum(found[each] for each in names) for column, names in COLUMNS.items()}
    other = sum(found.values()) - sum(told.values())
    measured = [one["full_rate_s"] for one in outcomes if one.get("full_rate_s") is not None]
    unfinished = sum(bool(one["error"]) for one in outcomes)
    cells = [
        name,
        len({one["seed"] for one in outcomes}),
        f"{sum(one['applications'] for one in outcomes):,}",
        *told.values(),
        f"{other}; {unfinished} unfinished" if unfinished else other,
        sum(one["repeated"] for one in outcomes),
        f"{max(one['longest_wait_s'] for one in outcomes):.0f} s",
        f"{max(one['recovery_s'] for one in outcomes):.0f} s",
        f"{max(measured):.1f} s" if measured else "",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


def with_table(page: str, results: Mapping[str, Any]) -> str:
    """The page with the table of these results in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(results)}{END}{after}"


def merge(runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One file of several runs, the last word on each."""
    outcomes = {(one["fault"], one["seed"], one["delivery"]): one for run in runs for one in run["outcomes"]}
    minutes = round(sum(run["minutes"] for run in runs), 1)
    return {"day": max(run["day"] for run in runs), "minutes": minutes, "outcomes": list(outcomes.values())}


def main() -> None:
    """Take over what runs found."""
    results = merge([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]])
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
