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
    spark: int = 0
    """Trials at once on a Spark cluster; 0 for one after the other on this machine."""
