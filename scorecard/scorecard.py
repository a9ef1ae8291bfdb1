"""A scorecard: features, forest, calibration, cut-offs and reasons, as one value that scores.

Pure and without the library that trained it. How one is saved and read back: `scorecard.bundle`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.events.decisions import ContributionSpace
from scorecard.calibration import Calibration, sigmoid
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest
from scorecard.policy import Policy
from scorecard.profile import Profile
from scorecard.reasons import ReasonBook


@dataclass(frozen=True, slots=True)
class Scores:
    """A scorecard's output for n applicants.

    `contributions` has shape (n, features); base value plus a row's sum is its margin, to 1e-9.
    """

    probability: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    contributions: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The result of a training, ready to score. `digest` names its bundle."""

    name: str
    family: str
    space: ContributionSpace
    contract_fingerprint: str
    features: FeatureSpace
    forest: Forest
    explainer: Explainer
    calibration: Calibration
    policy: Policy
    reasons: ReasonBook
    profile: Profile
    digest: str

    @property
    def base_value(self) -> float:
        """The margin without any feature: the cover-weighted mean."""
        return self.explainer.base_value

    def score(self, values: Matrix) -> Scores:
        """Probability, margin and exact contributions of scorable applicants.

        Args:
            values: shape (n, observed fields of the contract), without faults.
        """
        margin, contributions = self.explainer.explain(self.features.encode(values))
        return Scores(
            probability=self.calibration.apply(raw_probability(self.space, margin)),
            margin=margin,
            contributions=contributions,
        )


def raw_probability(space: ContributionSpace, margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The probability before calibration: of log-odds by the sigmoid, of a forest of probabilities itself."""
    return sigmoid(margin) if space is ContributionSpace.LOG_ODDS else np.clip(margin, 0.0, 1.0)
