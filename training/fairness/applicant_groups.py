"""Groups of applicants to compare: those of each watched field, as the contract parts it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract.contract import Contract, Role
from training.evaluation.segments import segments_of

Mask = npt.NDArray[np.bool_]

LEAST_COMPARED: Final = 30
"""People of a group under which it neither is the most approved group nor counts for the least ratio."""


@dataclass(frozen=True, slots=True)
class ApplicantGroup:
    """Some of n applicants."""

    field: str
    name: str
    members: Mask
    """Shape (n,)."""


def watched_groups(contract: Contract, values: Matrix) -> tuple[ApplicantGroup, ...]:
    """Groups of each watched field, in the contract's order; those with a missing value are one.

    Args:
        contract: names the fields, and where a number is parted (`groups`).
        values: shape (n, observed fields of the contract).
    """
    return tuple(
        ApplicantGroup(field.name, name, members)
        for place, field in enumerate(contract.observed)
        if field.role is Role.WATCHED
        for name, members in segments_of(field, values[:, place])
        if members.any()
    )


def by_field(groups: Sequence[ApplicantGroup]) -> Iterator[tuple[ApplicantGroup, ...]]:
    """The groups of each field."""
    for name in dict.fromkeys(group.field for group in groups):
        yield tuple(group for group in groups if group.field == name)


def least_impact_ratio(groups: Sequence[ApplicantGroup], approved: Mask) -> float | None:
    """The least adverse impact ratio of any group of `LEAST_COMPARED` people; None where no two can be compared.

    Args:
        groups: of the applicants.
        approved: shape (n,).
    """
    ratios = []
    for together in by_field(groups):
        rates = [approved[each.members].mean() for each in together if int(each.members.sum()) >= LEAST_COMPARED]
        if len(rates) > 1 and max(rates) > 0.0:
            ratios.append(float(min(rates) / max(rates)))
    return min(ratios, default=None)
