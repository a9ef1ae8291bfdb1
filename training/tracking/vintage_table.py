"""Default rates of a training's rows by month of application (vintages), with intervals. Pure."""

import numpy as np
import pandas as pd

from schemas.small_groups import is_small
from schemas.tables.times import NO_TIME
from training.fairness.proportions import Proportion
from training.rows.labelled_rows import LabelledRows

COLUMNS = ("month", "rows", "defaults", "default_rate", "low", "high")


def vintage_table(rows: LabelledRows) -> pd.DataFrame:
    """One line for each month, UTC, of enough people, oldest first; none where rows have no times."""
    known = rows.applied_at != NO_TIME
    months = rows.applied_at.astype("datetime64[ms]").astype("datetime64[M]")
    lines = []
    for month in np.unique(months[known]):
        defaulted = rows.defaulted[known & (months == month)]
        if is_small(len(defaulted)):
            continue
        rate = Proportion(int(defaulted.sum()), len(defaulted))
        lines.append((str(month), rate.people, rate.hits, rate.share, *rate.interval()))
    return pd.DataFrame(lines, columns=COLUMNS)


def vintage_section(table: pd.DataFrame) -> str:
    """The table for a model card, in Markdown."""
    if table.empty:
        return "## Vintages\n\nNot known: the rows have no times."
    lines = [
        "## Vintages",
        "",
        "All rows that are used, by the month of their application.",
        "",
        "| month | rows | default rate | 95 % interval |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {line.month} | {line.rows} | {line.default_rate:.3f} | {line.low:.3f} to {line.high:.3f} |"
        for line in table.itertuples()
    ]
    return "\n".join(lines)
