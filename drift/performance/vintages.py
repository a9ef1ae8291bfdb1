"""Default rates of loans by the month of their application. Pure."""

from collections.abc import Iterator

import numpy as np

from drift.performance.intervals import rate
from drift.performance.loan_figures import Loans
from schemas.events.performance import Vintage
from schemas.small_groups import is_small


def vintages(loans: Loans, mature_ms: int, as_of: int) -> Iterator[Vintage]:
    """One of each month, UTC, with loans; oldest first.

    Args:
        loans: with the times of their applications.
        mature_ms: age from which outcomes count; the loans' `known` goes by it.
        as_of: milliseconds since 1970.
    """
    months = loans.applied_at.astype("datetime64[ms]").astype("datetime64[M]")
    for month in np.unique(months):
        of_month = months == month
        known = of_month & loans.known
        ended, defaults = int(known.sum()), int((known & loans.defaulted).sum())
        yield Vintage(
            month=str(month),
            decided=int(of_month.sum()),
            mature=bool(as_of - int(loans.applied_at[of_month].max()) >= mature_ms),
            with_outcome=ended,
            defaults=None if is_small(ended) else defaults,
            default_rate=None if is_small(ended) else rate(defaults, ended),
        )
