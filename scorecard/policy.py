"""The cut-offs: probabilities that are approved, declined, or referred to a person.

Pure. A policy is named by its content, so that a decision says under which cut-offs it was made.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError
from schemas.events.decisions import Outcome

OUTCOMES: Final = (Outcome.UNKNOWN, Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE)
"""Outcomes by their code in `outcomes()`: the order of the schema's symbols."""

APPROVE: Final = 1
REFER: Final = 2
DECLINE: Final = 3


class PolicyError(SetupError):
    """Cut-offs that cannot be applied."""


@dataclass(frozen=True, slots=True)
class Policy:
    """APPROVE under `approve_below`, DECLINE from `decline_from` on, REFER in between."""

    approve_below: float
    decline_from: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.approve_below <= self.decline_from <= 1.0:
            problem = (
                f"cut-offs must keep 0 <= approve_below <= decline_from <= 1, "
                f"not {self.approve_below} and {self.decline_from}"
            )
            raise PolicyError(problem)

    @property
    def version(self) -> str:
        """Eight hexadecimal digits of a digest of the cut-offs: equal cut-offs, equal version."""
        content = f"{self.approve_below!r}|{self.decline_from!r}"
        return f"p-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def outcomes(policy: Policy, probability: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """The code of each probability's outcome, shape of `probability`; see `OUTCOMES`."""
    codes = np.full(probability.shape, REFER, dtype=np.int8)
    codes[probability < policy.approve_below] = APPROVE
    codes[probability >= policy.decline_from] = DECLINE
    return codes
