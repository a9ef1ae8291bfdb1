"""One trial of a search."""

from dataclasses import dataclass
from enum import StrEnum

from training.families.family import FamilyParameters


class TrialPreference(StrEnum):
    """Which of the trials that are as good as the best is taken."""

    CHEAPEST = "cheapest"
    """To explain; within .001 AUC of the best."""
    FAIREST = "fairest"
    """The greatest least adverse impact ratio; within one standard error of the best over its folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One choice, tried: figures are means over folds, on rows the fold did not fit."""

    number: int
    choice: FamilyParameters
    auc: float
    auc_sd: float
    log_loss: float
    cost: float
    """Leaves times depth of one fold's model, in the mean."""
    seconds: float
    impact_ratio: float | None = None
    """The least adverse impact ratio of its decisions on the rows left out; None where no groups are watched."""
