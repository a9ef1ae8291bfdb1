"""How five existing systems find drift, as their code states it: numbers of reference and window in, alarm or not."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.spatial.distance import jensenshannon

from schemas.applications import Matrix

NUMBERS: Final = ("person_age", "person_income", "person_emp_length", "loan_amnt", "loan_percent_income",
                  "cb_person_cred_hist_length")  # fmt: skip

Rule = Callable[[Matrix, Matrix], bool]


def by_ks(reference: Matrix, window: Matrix) -> bool:
    """Six two-sample KS tests at .05, uncorrected: any."""
    return any(stats.ks_2samp(present(a), present(b)).pvalue < 0.05 for a, b in zip(reference.T, window.T, strict=True))


def by_equal_width(reference: Matrix, window: Matrix) -> bool:
    """PSI over ten bins of equal width of the pooled range, zeros raised to 1e-4: any over .2."""
    return any(equal_width_psi(present(a), present(b)) > 0.2 for a, b in zip(reference.T, window.T, strict=True))


def by_any_watch(reference: Matrix, window: Matrix) -> bool:
    """The same with the cut-off .1."""
    return any(equal_width_psi(present(a), present(b)) > 0.1 for a, b in zip(reference.T, window.T, strict=True))


def by_three_sigma(reference: Matrix, window: Matrix) -> bool:
    """A mean outside of three sigma, sigma of a mean over the *reference's* n: any."""
    return any(
        abs(present(b).mean() - present(a).mean()) > 3 * present(a).std() / np.sqrt(len(a))
        for a, b in zip(reference.T, window.T, strict=True)
    )


def by_raw_js(reference: Matrix, window: Matrix) -> bool:
    """Jensen-Shannon distance of the values themselves, taken for probabilities, over .1: any."""
    pairs = ((present(a), present(b)) for a, b in zip(reference.T, window.T, strict=True))
    return any(float(jensenshannon(a[: min(len(a), len(b))], b[: len(a)])) > 0.1 for a, b in pairs)


def equal_width_psi(reference: npt.NDArray[np.float64], window: npt.NDArray[np.float64]) -> float:
    """As those who pool reference and window compute it."""
    edges = np.histogram_bin_edges(np.concatenate([reference, window]), 10)
    a, b = (np.maximum(np.histogram(each, edges)[0] / len(each), 1e-4) for each in (reference, window))
    return float(np.sum((b - a) * np.log(b / a)))


def present(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[~np.isnan(values)]


RULES: Final[dict[str, Rule]] = {
    "six KS tests at .05, uncorrected": by_ks,
    "PSI, equal width, over .2": by_equal_width,
    "PSI, equal width, over .1": by_any_watch,
    "three sigma, the reference's n": by_three_sigma,
    "Jensen-Shannon on raw values, over .1": by_raw_js,
}
