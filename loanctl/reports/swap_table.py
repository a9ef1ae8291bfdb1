"""Who changes between two sets of decisions, for people."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from scorecard.swap_set import OutcomeChange

WIDE: Final = 140
"""Columns of what is written to a file or a pipe: no terminal says how wide it is."""


def lines(found: Sequence[OutcomeChange]) -> Table:
    table = Table("from", "to", "applicants", "of them defaulted", "for example", box=None)
    for change in found:
        known = f"{change.defaulted:,} of {change.known:,} known" if change.known else "not known"
        examples = ", ".join(change.examples)
        table.add_row(change.before.value, change.after.value, f"{change.count:,}", known, examples)
    return table
