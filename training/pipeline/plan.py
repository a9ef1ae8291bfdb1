"""The plan of a training: method, rows and progress callbacks; the argument of `training.pipeline.pipeline`. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.applications import Matrix
from schemas.contract.contract import Contract
from scorecard.costs import Costs
from scorecard.policy import Policy
from scorecard.profile import USUAL_BINS, BinPlan
from training.evaluation import cutoffs
from training.rows.labelled_rows import LabelledRows
from training.rows.split import Method
from training.search.budget import Budget
from training.search.trial import Trial

if TYPE_CHECKING:  # it knows the families' libraries; a plan does not
    from training.pipeline.recalibration import KeptForest


def no_signature(_folder: Path) -> None:
    """A trainer without a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    name: str
    seed: int = 42
    with_pricing: bool = False
    method: Method = Method.GROUPED
    budget: Budget = field(default_factory=Budget)
    rule: cutoffs.Rule = cutoffs.Rule.COST
    costs: Costs = field(default_factory=Costs)
    exploration_share: float = 0.0
    """Of refused applicants that got a loan at random; 0 for none, 1 where all outcomes are known."""
    policy: Policy | None = None
    """The operator's cut-offs in force; None for each scorecard's own."""
    amount: str = ""
    """The field in proportion to which mistakes cost; empty for the same cost of each loan."""
    refit: bool = False
    """After its judgement, the forest is fitted once more to all rows, those of the judgement among them."""
    journals: Path | None = None
    """Folder of the journals of interrupted searches; None for none."""
    bins: BinPlan = USUAL_BINS
    valid_days: int = 365
    """After that the scorecard must be validated anew."""
    sign: Callable[[Path], None] = no_signature


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Callbacks for progress; `stop` is called between trials."""

    step: Callable[[str], None] = lambda _: None
    trial: Callable[[Trial], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


NO_PROGRESS: Final = TrainingProgress()


@dataclass(frozen=True, slots=True)
class Material:
    """Input of a scorecard, and its destination."""

    contract: Contract
    rows: LabelledRows
    folder: Path
    """For the bundle; made where it is not there."""
    window: Matrix | None = None
    """Applications that the reference population is to be, shape (n, observed); None for rows that the
    forest was not fitted to."""
    kept: "KeptForest | None" = None
    """The champion whose forest is to be recalibrated; None to search for another."""
