"""A recalibration: the champion's forest, with a calibration, cut-offs and reasons of rows that it was not made of.

It mends the level where ranking is still good, and takes seconds. Rows of the topics alone are used where they have
enough of both classes: the level of now is theirs. Of the rows an eighth judges; where fewer than twenty defaults and
twenty repaid loans among them can be compared, the gate holds the result for a person.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Fault
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from scorecard.scorecard import Scorecard
from training.families.family import FamilyParameters, FittedModel
from training.families.family_registry import BY_NAME
from training.families.parity import Parity
from training.rows.identity import Identities
from training.rows.labelled_rows import LabelledRows
from training.rows.split import Split
from training.rows.split_parts import SplitPart
from training.search.search import SearchResult
from training.search.trial import Trial

LEAST_OF_A_CLASS: Final = 50
"""Rows for calibration: with fewer, a calibration of two parameters errs by a third of the odds."""
PROVEN: Final = Parity(margin_error=0.0, contribution_error=0.0)
"""The forest is the champion's, which was proven when it was made."""


class UnfitForRecalibrationError(SetupError):
    """There is no champion to recalibrate, or there are too few rows that it was not made of."""


@dataclass(frozen=True, slots=True)
class KeptForest:
    """The champion whose forest stays."""

    scorecard: Scorecard
    version: str
    made_of: Identities
    """Of the rows that it was made of, sorted."""

    def decidable(self, contract: Contract, rows: LabelledRows) -> LabelledRows:
        """Those of the rows that this scorecard would decide itself, none of a level that it refers."""
        return rows.take(self.scorecard.features.faults(contract, rows.values).codes == Fault.NONE)

    def model(self) -> FittedModel:
        """As if it had just been fitted; there is no library's model."""
        forest = self.scorecard.forest
        depth = float(np.log2(max(len(forest.feature) / max(len(forest.roots), 1), 2.0)))
        choice = FamilyParameters(self.scorecard.family, {"depth": depth})
        return FittedModel(BY_NAME[self.scorecard.family], choice, None, len(forest.roots))

    def search_result(self) -> SearchResult:
        model = self.model()
        nothing = {"auc": np.nan, "auc_sd": np.nan, "log_loss": np.nan, "seconds": 0.0}
        trial = Trial(number=0, choice=model.choice, cost=model.cost, **nothing)
        why = f"the forest of version {self.version} is kept, and recalibrated"
        return SearchResult(best=trial, trials=(), floor_auc=np.nan, why=why)

    def split(self, usual: Split, rows: LabelledRows) -> Split:
        """The usual parts without what the champion was made of; what would be searched on calibrates, too.

        Raises:
            UnfitForRecalibrationError: too few rows of a class are left to calibrate on.
        """
        parts = usual.parts.copy()
        parts[(parts >= SplitPart.SEARCH) & (parts <= SplitPart.STOPPING)] = SplitPart.CALIBRATION
        parts[np.isin(rows.identities, self.made_of)] = SplitPart.LEFT_OUT
        recent = np.where(rows.recent, parts, SplitPart.LEFT_OUT).astype(np.int8)
        chosen, whose = (recent, "topics alone") if _enough(recent, rows.defaulted) else (parts, "all sources")
        if not _enough(chosen, rows.defaulted):
            problem = (
                f"fewer than {LEAST_OF_A_CLASS} defaults or repaid loans that version {self.version} was not made of"
                " are known: it cannot be recalibrated"
            )
            raise UnfitForRecalibrationError(problem)
        return replace(usual, parts=chosen, how=f"{usual.how}; {whose}, without what version {self.version} is made of")


def _enough(parts: npt.NDArray[np.int8], defaulted: npt.NDArray[np.bool_]) -> bool:
    """Whether calibration, cut-offs and judgement have rows of both classes, calibration enough of them."""
    for part, least in ((SplitPart.CALIBRATION, LEAST_OF_A_CLASS), (SplitPart.CUTOFFS, 1), (SplitPart.JUDGEMENT, 1)):
        inside = defaulted[parts == part]
        if min(int(inside.sum()), int((~inside).sum())) < least:
            return False
    return True
