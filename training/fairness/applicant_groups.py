"""Groups of applicants to compare: those of each watched field, as the contract parts it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract.contract import Contract, Kind, Role
from schemas.contract.fields import Field
from training.evaluation.segments import segments_of

Mask = npt.NDArray[np.bool_]

LEAST_COMPARED: Final = 30
"""People of a group under which others are not compared with it, and it does not count for the least ratio."""


@dataclass(frozen=True, slots=True)
class ApplicantGroup:
    """Some of n applicants."""

    field: str
    name: str
    members: Mask
    """Shape (n,)."""
    reference: bool = False
    """True if the contract names it as the one that others are compared with."""


def watched_groups(contract: Contract, values: Matrix) -> tuple[ApplicantGroup, ...]:
    """Groups of each watched field, in the contract's order; those with a missing value are one.

    Args:
        contract: names the fields, and where a number is parted (`groups`).
        values: shape (n, observed fields of the contract).
    """
    return tuple(
        ApplicantGroup(field.name, name, members, reference)
        for place, field in enumerate(contract.observed)
        if field.role is Role.WATCHED
        for name, members, reference in _segments(field, values[:, place])
        if members.any()
    )


def _segments(field: Field, values: npt.NDArray[np.float64]) -> Iterator[tuple[str, Mask, bool]]:
    """Name and members of each of a field's segments, and whether it is the contract's reference."""
    if field.reference == "":
        yield from ((name, members, False) for name, members in segments_of(field, values))
        return
    category = field.kind is Kind.CATEGORY
    one = float(field.levels.index(str(field.reference)) if category else field.reference)
    # The segment of one more applicant, who has the reference's value.
    for name, members in segments_of(field, np.append(values, one)):
        yield name, members[:-1], bool(members[-1])


def by_field(groups: Sequence[ApplicantGroup]) -> Iterator[tuple[ApplicantGroup, ...]]:
    for name in dict.fromkeys(group.field for group in groups):
        yield tuple(group for group in groups if group.field == name)


def reference_place(rates: Sequence[float], named: Sequence[bool]) -> int:
    """Index of the group that the others of its field are compared with: the contract's, else the most approved.

    Args:
        rates: of approval, of groups with people enough, one at least.
    """
    return max(range(len(rates)), key=lambda place: (named[place], rates[place]))


def least_impact_ratio(groups: Sequence[ApplicantGroup], approved: Mask) -> float | None:
    """The least adverse impact ratio of any group of `LEAST_COMPARED` people; None where no two can be compared.

    Args:
        approved: shape (n,).
    """
    ratios = []
    for together in by_field(groups):
        large = [each for each in together if int(each.members.sum()) >= LEAST_COMPARED]
        rates = [float(approved[each.members].mean()) for each in large]
        if len(rates) < 2:  # noqa: PLR2004 - two are compared
            continue
        reference = rates.pop(reference_place(rates, [each.reference for each in large]))
        if reference > 0.0:
            ratios.append(min(rates) / reference)
    return min(ratios, default=None)
