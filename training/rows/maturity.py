"""Mature rows: loans old enough for the contract's performance window, so that their outcome is known. Pure.

Of young loans nearly all that is known is defaults: a table that holds them overstates the default rate.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from schemas.contract.contract import Contract
from schemas.tables.times import NO_TIME
from schemas.timestamps import millis_of
from training.rows.labelled_rows import CleanRows

IMMATURE: Final = "immature"
"""Why rows are left out, beside the faults of `schemas.applications`."""
UNKNOWN_AGE: Final = "{} rows of {} have no time: whether their loans are as old as the performance window is not known"


def mature_rows(contract: Contract, cleaned: CleanRows, as_of: datetime) -> CleanRows:
    """The rows without those that are younger than the window; rows without a time stay, with a note.

    Args:
        contract: has the window, `outcome_after_days`; 0 for none.
        cleaned: rows of a table.
        as_of: when the table is read, aware.
    """
    window = timedelta(days=contract.label.outcome_after_days)
    if not window:
        return cleaned
    rows = cleaned.rows
    timeless = rows.applied_at == NO_TIME
    mature = timeless | (rows.applied_at <= millis_of(as_of - window))
    young = int((~mature).sum())
    notes = (UNKNOWN_AGE.format(int(timeless.sum()), cleaned.source),) if timeless.any() else ()
    left_out = {**cleaned.left_out, IMMATURE: young} if young else cleaned.left_out
    return replace(cleaned, rows=rows.take(mature), left_out=left_out, notes=(*cleaned.notes, *notes))
