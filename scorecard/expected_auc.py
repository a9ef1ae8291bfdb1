"""AUC that probabilities promise by themselves: what loans show if each defaults with its own probability. Pure."""

import numpy as np
import numpy.typing as npt


def expected_auc(probability: npt.NDArray[np.float64]) -> float:
    """Pairs expected in order over pairs expected, where each loan is a default with its own probability.

    A ratio of expectations; a loan is in no pair with itself. 0.5 where no pair is expected.
    """
    values, size = np.unique(probability, return_counts=True)
    bad, good = values * size, (1.0 - values) * size
    own = float(np.sum(size * values * (1.0 - values)))
    pairs = float(bad.sum() * good.sum()) - own
    ordered = float(np.sum(bad * (np.cumsum(good) - good + good / 2.0))) - own / 2.0
    return ordered / pairs if pairs > 0.0 else 0.5
