"""Made-up applicants drawn from a profile's bins: what a bundle and MLflow show in place of real ones. Pure.

Each field is drawn on its own, so a row is nobody's, though every field has its usual values; a ratio is computed from
its parts. The same profile gives the same rows.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import LARGEST, Fault, Matrix, faults, with_ratios
from schemas.contract.contract import Contract, Field
from schemas.errors import SetupError
from scorecard.profile import BINS, BinnedQuantity, Profile

AT_ONCE: Final = 256
ATTEMPTS: Final = 40
"""Times `AT_ONCE` rows: fields that contradict each other when drawn apart are drawn again."""


class UnlikelyProfileError(SetupError):
    """Fields drawn from a profile contradict each other each time: it describes no applicant that can be scored."""


def profile_sample(profile: Profile, contract: Contract, count: int, *, with_pricing: bool = False) -> Matrix:
    """Scorable applicants as the profile's population has them field by field, shape (count, observed).

    Args:
        profile: of every observed field of the contract.
        with_pricing: whether a price can be at fault, see `schemas.applications.faults`.

    Raises:
        UnlikelyProfileError: not so many could be drawn.
    """
    rng = np.random.default_rng(int(profile.reference_id, 16))
    kept: list[Matrix] = []
    for _ in range(ATTEMPTS):
        drawn = _rows(profile, contract, rng)
        kept.append(drawn[faults(contract, drawn, with_pricing=with_pricing).codes == Fault.NONE])
        if sum(map(len, kept)) >= count:
            return np.concatenate(kept)[:count]
    problem = f"{contract.product}: no applicant drawn from the reference population can be scored"
    raise UnlikelyProfileError(problem)


def _rows(profile: Profile, contract: Contract, rng: np.random.Generator) -> Matrix:
    binned = {each.name: each for each in profile.features}
    values = np.column_stack([_column(field, binned[field.name], rng) for field in contract.observed])
    for place, field in enumerate(contract.observed):
        if field.at_most is not None:
            values[:, place] = np.fmin(values[:, place], values[:, contract.position[field.at_most]])
    return with_ratios(contract, values)


def _column(field: Field, binned: BinnedQuantity, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    if field.ratio_of is not None:
        return np.full(AT_ONCE, np.nan)
    plain, absent = binned.counts[: binned.plain_bins], binned.counts[binned.plain_bins] if field.missing else 0
    if not sum(plain):
        return np.full(AT_ONCE, np.nan)
    weights = np.array([*plain, absent], dtype=np.float64)
    places = rng.choice(len(weights), AT_ONCE, p=weights / weights.sum())
    present = places < binned.plain_bins
    inside = np.where(present, places, 0)
    drawn = inside.astype(np.float64) if binned.levels else _numbers(field, binned, inside, rng)
    return np.where(present, drawn, np.nan)


def _numbers(
    field: Field, binned: BinnedQuantity, places: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A number in each of these bins; a bin's upper edge belongs to it."""
    edges = np.array(binned.edges)
    # The outermost bins are open: as wide as one of the others is on average.
    width = max((edges[-1] - edges[0]) / BINS, 1.0)
    low = max(field.low, edges[0] - width, -LARGEST)
    high = min(field.high, edges[-1] + width, LARGEST)
    ends = np.concatenate([[min(low, edges[0])], edges, [max(high, edges[-1])]])
    below, upper = ends[places], ends[places + 1]
    alone = below == np.nextafter(upper, -np.inf)
    return np.where(alone, upper, upper - rng.random(len(places)) * (upper - below))
