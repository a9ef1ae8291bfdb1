"""The AUC that a scorecard shows on rows beside the one that its probabilities promise: the drift agent's floor. Pure.

Loans that were approved and have ended are harder to rank than all applicants, so an AUC of training is no floor for
them. What is compared is the distance to the AUC expected of the same loans.
"""

from typing import Final

import numpy as np

from scorecard.expected_auc import expected_auc
from training.evaluation.discrimination_figures import INTERVAL, Labels, Probabilities, auc, resamples

DRAWS: Final = 200
LEAST_OF_A_CLASS: Final = 20
MARGIN: Final = 0.05
"""Under a fixed floor none of 400 champions that are better by this was found fallen: `performance_error_rates`."""


def auc_offset(defaulted: Labels, probability: Probabilities, seed: int) -> float | None:
    """What to add to the AUC expected of loans for a floor; None with too few of a class.

    `MARGIN` under the lower 95 % limit (bootstrap) of the difference between the AUC shown and the one expected.

    Args:
        defaulted: shape (n,).
        probability: calibrated, shape (n,); of rows that neither forest nor calibration was fitted to.
    """
    if min(int(defaulted.sum()), int((~defaulted).sum())) < LEAST_OF_A_CLASS:
        return None
    drawn = [
        auc(defaulted[rows], probability[rows]) - expected_auc(probability[rows])
        for rows in resamples(defaulted, DRAWS, np.random.default_rng(seed))
    ]
    return float(np.quantile(drawn, INTERVAL[0])) - MARGIN
