"""Plausible ranges of a table's numbers: a column in another unit lies beyond the reference population's tails.

A year's income given by the month, a share given in percent: the values may each be possible, so that the contract
refuses none, but more than half of them lie where the reference has one applicant of a hundred. Honest drift does not
go so far: incomes that rise by half put a few percent there. Pure: counts in, findings out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.applications import Matrix
from schemas.contract.contract import Contract
from scorecard.profile import SPIKE, BinnedQuantity, Counts, Profile, bin_counts

if TYPE_CHECKING:
    # It comes with compiled kernels, which a comparison of two files does without.
    from scorecard.scorecard import Scorecard

IMPLAUSIBLE_SHARE: Final = 0.5
"""Of a field's values in one tail. Of simulated incomes times 1.5 .07 lie there, times 3 .44, by the month .99."""
LEAST_VALUES: Final = 20
"""Of fewer, more than half may lie in a tail by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplausibleField:
    """A field most of whose values lie in one tail of the reference population."""

    name: str
    n: int
    """Values that the table has."""
    share: float
    """Of them in the tail."""
    above: bool
    low: float
    """Of the reference population, where its lower tail ends."""
    high: float

    def __str__(self) -> str:
        side = f"above {self.high:,.6g}" if self.above else f"below {self.low:,.6g}"
        return (
            f"{self.name}: {self.share:.1%} of {self.n:,} values are {side}, and nearly all of the reference "
            f"population's lie from {self.low:,.6g} to {self.high:,.6g}; check the column's unit"
        )


def implausible_fields(quantities: Iterable[BinnedQuantity], counts: Iterable[Counts]) -> list[ImplausibleField]:
    """Number fields of which more than `IMPLAUSIBLE_SHARE` lies in one tail bin of the reference.

    A bin at an end is a tail if the reference has at most `SPIKE` of its values there; profiles of before tails had
    bins of their own have none, and nothing is found by them.
    """
    pairs = zip(quantities, counts, strict=True)
    found = (_implausible(quantity, counted) for quantity, counted in pairs if quantity.edges)
    return [each for each in found if each is not None]


def implausible_inputs(scorecard: "Scorecard", contract: Contract, values: Matrix) -> list[ImplausibleField]:
    """What is found of a table's values by the fields that a scorecard reads, beside its own population.

    Args:
        values: shape (n, observed fields of the contract).
    """
    return implausible_values(values, scorecard.profile, contract, scorecard.features.names)


def implausible_values(
    values: Matrix, profile: Profile, contract: Contract, scored: Collection[str]
) -> list[ImplausibleField]:
    """What is found of a table's values, by the fields that a scorecard reads.

    Args:
        values: shape (n, observed fields of the contract).
    """
    pairs = zip(profile.features, bin_counts(profile, contract, values), strict=True)
    chosen = [(quantity, counts) for quantity, counts in pairs if quantity.name in scored]
    return implausible_fields([quantity for quantity, _ in chosen], [counts for _, counts in chosen])


def _implausible(quantity: BinnedQuantity, counts: Counts) -> ImplausibleField | None:
    plain, reference = counts[: quantity.plain_bins], np.array(quantity.counts[: quantity.plain_bins])
    n = int(plain.sum())
    # A reference of one value has no range.
    if n < LEAST_VALUES or np.count_nonzero(reference) < 2:  # noqa: PLR2004 - bins, as many as a range has at least
        return None
    for end in (0, -1):
        if reference[end] <= SPIKE * reference.sum() and plain[end] > IMPLAUSIBLE_SHARE * n:
            return ImplausibleField(
                name=quantity.name,
                n=n,
                share=float(plain[end] / n),
                above=end == -1,
                low=quantity.edges[0],
                high=quantity.edges[-1],
            )
    return None
