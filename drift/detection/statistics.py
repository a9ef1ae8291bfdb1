"""Distances between two binned samples: stability index, its chance level, and four further statistics.

Pure: bin counts in, numbers out. Windows are in `drift.windows.window`, the consequence of a number in
`drift.detection.verdict`. PSI is the symmetrised Kullback-Leibler divergence (Jeffreys 1946), its use on
scorecards Siddiqi, *Credit Risk Scorecards*, 2006; the chance level is from Yurdakul and Naranjo,
*Statistical properties of the population stability index*, 2020. `scipy.stats` takes a second to import, so
its chi-square, hypergeometric tails and Jensen-Shannon distance are written out here, to the same bits.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from scorecard.stability_index import jeffreys, smooth_shares

try:
    from scipy.special._ufuncs import _hypergeom_cdf, _hypergeom_sf
except ImportError:  # a release of SciPy may name its own parts anew; the same bits, a second later
    from scipy.stats import hypergeom

    _hypergeom_cdf, _hypergeom_sf = hypergeom.cdf, hypergeom.sf  # type: ignore[assignment]  # called alike

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

FLOOR: Final = 1e-4
"""The other custom: smaller shares are raised to it. Reported in addition, for comparison."""


class BinMismatchError(ValueError):
    """Two samples that were not counted in the same bins."""

    def __init__(self, reference: int, window: int) -> None:
        super().__init__(f"{reference} bins of the reference against {window} of the window")
        self.reference = reference
        self.window = window


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """One quantity in one window against its reference."""

    psi: float
    psi_critical: float
    psi_p: float
    floored_psi: float
    ks: float
    js_distance: float
    chi2: float
    chi2_p: float
    largest_shift: float
    """Change of a bin's share, signed; of the bin whose share changed most."""
    largest_shift_bin: int


def distances(reference: Counts, window: Counts, alpha: float, *, used_alone: bool = True) -> Distance:
    """Every statistic of one quantity.

    Args:
        reference: shape (bins,); counts in the reference.
        window: shape (bins,); counts over the same bins in one closed window.
        alpha: chance of exceeding `psi_critical` where nothing has changed.
        used_alone: leave bins out of the index that are empty in both: half a count in each of a hundred levels that
            are declared and never occur is drift that is not there.

    Raises:
        BinMismatchError: the two differ in length.
    """
    _refuse_mismatch(reference, window)
    used = (reference + window) > 0 if used_alone else np.ones(len(reference), dtype=np.bool_)
    index = psi(reference[used], window[used])
    chi2, chi2_p = chi_square(reference, window)
    shift = _shares(window) - _shares(reference)
    largest = int(np.argmax(np.abs(shift))) if len(shift) else 0
    return Distance(
        psi=index,
        psi_critical=psi_critical(reference, window, alpha),
        psi_p=psi_p(reference[used], window[used]),
        floored_psi=floored_psi(reference, window),
        ks=binned_ks(reference, window),
        js_distance=js_distance(reference, window),
        chi2=chi2,
        chi2_p=chi2_p,
        largest_shift=float(shift[largest]) if len(shift) else 0.0,
        largest_shift_bin=largest,
    )


def psi(reference: Counts, window: Counts) -> float:
    """Population stability index, smoothed by half a count a bin; nats.

    Zero for equal shares in bins of equal counts, symmetric, never negative, unbounded above.

    Raises:
        BinMismatchError: the two differ in length.
    """
    _refuse_mismatch(reference, window)
    return jeffreys(smooth_shares(reference), smooth_shares(window))


def floored_psi(reference: Counts, window: Counts) -> float:
    """The index with shares raised to at least `FLOOR`; it is discontinuous there, `psi` is not."""
    _refuse_mismatch(reference, window)
    return jeffreys(np.maximum(_shares(reference), FLOOR), np.maximum(_shares(window), FLOOR))


def psi_critical(reference: Counts, window: Counts, alpha: float) -> float:
    """The value that the index exceeds with probability `alpha` if both samples are of one population.

    (1/N + 1/M) times the chi-square quantile with one degree less than there are bins in use: the
    index is asymptotically the two-sample chi-square over harmonic sizes. An approximation, good
    where bins in use hold five or more; docs/drift.md has how good.
    """
    freedom = _freedom(reference, window)
    return float(special.chdtri(freedom, alpha) * _scale(reference, window)) if freedom else 0.0


def psi_p(reference: Counts, window: Counts) -> float:
    """Chance of an index at least this large where both samples are of one population."""
    freedom = _freedom(reference, window)
    return float(special.chdtrc(freedom, psi(reference, window) / _scale(reference, window))) if freedom else 1.0


def binned_ks(reference: Counts, window: Counts) -> float:
    """Largest difference of the cumulated shares, in [0, 1]; at most the KS of the unbinned samples."""
    _refuse_mismatch(reference, window)
    return float(np.max(np.abs(np.cumsum(_shares(reference) - _shares(window))), initial=0.0))


def js_distance(reference: Counts, window: Counts) -> float:
    """Square root of the Jensen-Shannon divergence to base 2, in [0, 1]; 0 where a sample is empty."""
    _refuse_mismatch(reference, window)
    if not (reference.any() and window.any()):
        return 0.0
    # Rounding can leave the divergence of equal samples a hair below zero, whose root is NaN.
    one, other = reference / np.sum(reference), window / np.sum(window)
    middle = (one + other) / 2.0
    divergence = (np.sum(special.rel_entr(one, middle)) + np.sum(special.rel_entr(other, middle))) / np.log(2)
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(np.sqrt(divergence / 2.0)))


def chi_square(reference: Counts, window: Counts) -> tuple[float, float]:
    """Pearson's statistic of the 2 x B table and its p; goodness of fit would give one unseen level p = 0."""
    if not _freedom(reference, window):
        return 0.0, 1.0
    used = (reference + window) > 0
    observed = np.stack([reference[used], window[used]]).astype(np.float64)
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0, keepdims=True) / observed.sum()
    statistic = np.sum((observed.ravel() - expected.ravel()) ** 2 / expected.ravel())
    return float(statistic), float(special.chdtrc(observed.shape[1] - 1, statistic))


def binomial_limits(rate: float, n: int, sigmas: float = 3.0, reference_n: float = math.inf) -> tuple[float, float]:
    """Limits by chance of a share of this window's own `n` if the true one is `rate`, within [0, 1].

    Args:
        rate: in [0, 1].
        n: of the window, not of the reference: limits of the reference's n alarm on every window.
        reference_n: the sample that the rate was found in, which is chance as well; infinite where it is known.
        sigmas: 3 is Shewhart's custom: 2.7 false alarms in 1,000.
    """
    if n == 0:
        return 0.0, 1.0
    half = sigmas * float(np.sqrt(rate * (1.0 - rate) * (1.0 / n + 1.0 / reference_n)))
    return max(0.0, rate - half), min(1.0, rate + half)


def share_rise_p(reference: int, reference_n: int, window: int, window_n: int) -> float:
    """Chance of a share this much above the reference's or more (Fisher's exact test, one-sided)."""
    if reference_n == 0 or window_n == 0:
        return 1.0
    hits, total = reference + window, reference_n + window_n
    if window - 1 < max(0, window_n - (total - hits)):
        return 1.0
    # P(X >= window) where `window` of both samples' hits fell on the window by chance alone.
    return float(np.clip(_hypergeom_sf(window - 1, hits, window_n, total), 0.0, 1.0))


def share_fall_p(reference: int, reference_n: int, window: int, window_n: int) -> float:
    """Chance of a share this much under the reference's or less (Fisher's exact test, one-sided)."""
    if reference_n == 0 or window_n == 0:
        return 1.0
    hits = reference + window
    if window >= min(hits, window_n):
        return 1.0
    return float(np.clip(_hypergeom_cdf(window, hits, window_n, reference_n + window_n), 0.0, 1.0))


def _shares(counts: Counts) -> Shares:
    total = counts.sum()
    return np.asarray(counts / total) if total else np.zeros(len(counts))


def _freedom(reference: Counts, window: Counts) -> int:
    """Degrees of freedom: 0 if either sample is empty or both are in one bin."""
    _refuse_mismatch(reference, window)
    if not (reference.any() and window.any()):
        return 0
    return int(np.count_nonzero(reference + window)) - 1


def _scale(reference: Counts, window: Counts) -> float:
    return float(1.0 / reference.sum() + 1.0 / window.sum())


def _refuse_mismatch(reference: Counts, window: Counts) -> None:
    if len(reference) != len(window):
        raise BinMismatchError(len(reference), len(window))
