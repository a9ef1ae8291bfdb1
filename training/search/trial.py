"""One trial of a search."""

from dataclasses import dataclass

from training.families.family import FamilyParameters


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
