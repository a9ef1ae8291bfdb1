"""The limits of a search. Pure."""

import math
from dataclasses import dataclass
from typing import Final

from training.families.family_registry import USUAL
from training.search.trial import TrialPreference

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be spent. A search that ends by `seconds` need not find the same again."""

    families: tuple[str, ...] = USUAL
    """Names, in the order in which they are tried first."""
    trials: int = 10
    folds: int = 5
    most_trees: int = 900
    seconds: float = NEVER
    patience: int = 40
    """Trials without gain after which the search ends."""
    jobs: int = 2
    """Folds fitted beside each other."""
    prefer: TrialPreference = TrialPreference.CHEAPEST
    """Among trials that are as good as the best."""
    batch: int = 1
    """Choices proposed at once, before any of them is tried; another number is another search."""
    spark: int = 0
    """The same, each tried on a Spark cluster; 0 to try them on this machine."""

    @property
    def batch_size(self) -> int:
        """Choices proposed at once; the result of a search depends on it, and not on where they are tried."""
        return self.spark or self.batch
