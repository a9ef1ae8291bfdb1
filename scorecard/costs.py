"""Costs of wrong decisions and of reviews, in lost good loans. Pure."""

from dataclasses import dataclass

import numpy as np

from schemas.errors import SetupError
from scorecard.policy import APPROVE, DECLINE, REFER
from scorecard.swap_set import Codes, Floats


class CutoffsError(SetupError):
    """Costs that leave no applicant to refer, or that are not valid costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of mistakes, in lost good loans; `referred` is the share of referred applicants under the other rules."""

    default: float = 5.0
    """A default on an approved loan. Five good loans' interest pays for about one lost principal."""
    review: float = 0.7
    """Mean cost of a manual review of a referred application."""
    referred: float = 0.10
    """Of applicants, those nearest to the cut-off; for Youden and F1, which know no costs."""

    def __post_init__(self) -> None:
        if not (0.0 < self.review < 1.0 < self.default and self.review / self.default <= 1.0 - self.review):
            problem = (
                f"costs must keep 0 < review < 1 < default and review / default <= 1 - review,"
                f" not review {self.review} and default {self.default}"
            )
            raise CutoffsError(problem)


def sizes_of(amounts: Floats) -> Floats:
    """Amounts over their mean, shape (n,); 1 where one is missing, and for all where their mean is not positive."""
    known = amounts[np.isfinite(amounts)]
    mean = float(known.mean()) if len(known) else 0.0
    return np.where(np.isfinite(amounts), amounts / mean, 1.0) if mean > 0.0 else np.ones(len(amounts))


def costs_of(decided: Codes, chance: Floats, costs: Costs, sizes: Floats | None = None) -> Floats:
    """Cost of each decision, in lost good loans, shape (n,).

    Args:
        decided: codes of outcomes, shape (n,).
        chance: of a default: its probability, or 0 or 1 where it is known; shape (n,).
        costs: a default on an approved loan, a person's look; a good loan declined costs 1.
        sizes: of loans, where mistakes cost in proportion to them (`sizes_of`).
    """
    size = np.ones(chance.shape) if sizes is None else sizes
    return np.select(
        [decided == APPROVE, decided == DECLINE, decided == REFER],
        [chance * costs.default * size, (1.0 - chance) * size, np.full(chance.shape, costs.review)],
        default=0.0,
    )
