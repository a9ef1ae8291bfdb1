"""Refuses a file whose numbers lie beyond the reference population's tails, unless a person takes it as it is."""

from collections.abc import Sequence

from drift.binning.binned_records import Integers
from drift.binning.reference import Reference
from schemas.tables.table_errors import TableError
from scorecard.plausible_range import ImplausibleField, implausible_fields


class ImplausibleRangeError(TableError):
    """Most values of a field lie in one tail of the reference: its unit is probably another one."""


def require_plausible(found: Sequence[ImplausibleField], name: str) -> None:
    """Refuse a table of which something was found.

    Args:
        name: what the message calls it.

    Raises:
        ImplausibleRangeError: names fields, shares and the reference's ranges, and no value of an applicant's.
    """
    if found:
        problem = f"{name}: {'; '.join(map(str, found))}; --force takes the file as it is"
        raise ImplausibleRangeError(problem)


def implausible_counts(counts: Integers, reference: Reference) -> list[ImplausibleField]:
    """What is found of counts in all bins of a reference's applications."""
    layout = reference.applications
    quantities = range(len(layout.binned))
    return implausible_fields(layout.binned, [layout.counts_of(quantity, counts) for quantity in quantities])
