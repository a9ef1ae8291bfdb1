"""Rows whose fields contradict each other, in words: one field's source disagrees with that of the others. Pure."""

from collections.abc import Iterator
from typing import Final

from schemas.applications import Fault, Faults
from schemas.contract.contract import Contract
from schemas.contract.fields import Field

NOTE: Final = "{} of {} rows of {} are left out: {} contradicts {}; check the column's source and its unit"


def contradictions(contract: Contract, found: Faults, source: str) -> Iterator[str]:
    """A sentence for each field that contradicts others, with its number of rows.

    Args:
        found: faults of all rows.
        source: what the sentences call the rows' source.
    """
    for column, field in enumerate(contract.observed):
        rows = int(((found.codes == Fault.CONTRADICTORY) & (found.columns == column)).sum())
        if rows:
            yield NOTE.format(rows, len(found.codes), source, field.name, _others(field))


def _others(field: Field) -> str:
    ratio = " / ".join(field.ratio_of or ())
    return " or ".join(filter(None, (ratio, field.at_most)))
