"""Simulated applicants and the outcomes of their loans, in the columns of the credit-risk file.

Pure: a seed in, a table out; the same seed, rows and shift give the same table. The distributions
follow the public file's moments; the risk is in `loanctl.simulation.true_risk`; docs/population.md describes both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from loanctl.simulation import true_risk
from schemas.errors import SetupError

Floats = npt.NDArray[np.float64]

COLUMNS: Final = (
    "person_age",
    "person_income",
    "person_home_ownership",
    "person_emp_length",
    "loan_intent",
    "loan_grade",
    "loan_amnt",
    "loan_int_rate",
    "loan_status",
    "loan_percent_income",
    "cb_person_default_on_file",
    "cb_person_cred_hist_length",
)
"""As the public file orders them."""

HOMES: Final = {"RENT": 0.50, "MORTGAGE": 0.41, "OWN": 0.08, "OTHER": 0.01}
INTENTS: Final = {
    "EDUCATION": 0.20,
    "MEDICAL": 0.19,
    "VENTURE": 0.17,
    "PERSONAL": 0.17,
    "DEBTCONSOLIDATION": 0.16,
    "HOMEIMPROVEMENT": 0.11,
}
GRADES: Final = ("A", "B", "C", "D", "E", "F", "G")

NEW_INTENT: Final = "GREENENERGY"
"""The level that `PopulationShift.new_levels` brings in: a purpose that no contract of today declares."""

MEDIAN_INCOME: Final = 55_000.0
INCOME_SD: Final = 0.52
"""Of the logarithm, at a given age."""
INCOME_GROWTH: Final = 0.012
"""More log-income for every year of age above the mean."""
MEAN_AGE: Final = 28.0
MOST_INCOME: Final = 2_000_000.0
LEAST_INCOME: Final = 6_000.0

MEDIAN_AMOUNT: Final = 8_000.0
AMOUNT_SD: Final = 0.62
AMOUNT_BY_INCOME: Final = 0.35
"""How far the amount asked for follows income: the exponent."""
LEAST_AMOUNT, MOST_AMOUNT, AMOUNT_STEP = 500.0, 35_000.0, 25.0

ON_FILE_SHARE: Final = 0.18
UNTOLD_JOB_SHARE: Final = 0.027
UNTOLD_RATE_SHARE: Final = 0.095

GRADE_CUTS: Final = (-0.45, 0.4, 1.0, 1.65, 2.3, 2.9)
RATE_AT_A, RATE_PER_GRADE, RATE_SD, LEAST_RATE = 7.3, 2.5, 0.9, 5.0
"""Percent a year."""


class ShiftError(SetupError):
    """A shift of the population asks for what cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationShift:
    """How the applicants differ from the usual ones; the default is not at all."""

    income_factor: float = 1.0
    """Multiplies every income. Amounts follow by the exponent that ties them to income, the ratio follows both."""
    intent_mix: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Multiplies the shares of the intents named; the shares are made to add up to one again."""
    missing: float = UNTOLD_JOB_SHARE
    """Share of applicants who do not tell their years in the job."""
    new_levels: float = 0.0
    """Share of applicants with an intent that the contract does not declare."""
    changed_risk: float = 0.0
    """0: the same applicant defaults as before; 1: as in the changed world; between them, in between."""

    def __post_init__(self) -> None:
        for holds, problem in self._demands():
            if not holds:
                raise ShiftError(problem)

    def intent_shares(self) -> dict[str, float]:
        """The shares of the usual intents after the mix, adding up to one."""
        weights = {intent: share * self.intent_mix.get(intent, 1.0) for intent, share in INTENTS.items()}
        total = sum(weights.values())
        return {intent: weight / total for intent, weight in weights.items()}

    def _demands(self) -> Iterator[tuple[bool, str]]:
        for name in ("missing", "new_levels", "changed_risk"):
            share = getattr(self, name)
            yield 0.0 <= share <= 1.0, f"{name} is {share}, not a share between 0 and 1"
        yield self.income_factor > 0.0, f"income_factor is {self.income_factor}, not above 0"
        unknown = sorted(set(self.intent_mix) - set(INTENTS))
        yield not unknown, f"intent_mix names {', '.join(unknown)}; the intents are {', '.join(INTENTS)}"
        yield all(factor >= 0.0 for factor in self.intent_mix.values()), "intent_mix holds a factor below 0"
        yield any(self.intent_mix.get(intent, 1.0) > 0.0 for intent in INTENTS), "intent_mix leaves no intent"


UNSHIFTED: Final = PopulationShift()


def applicants(rows: int, seed: int, shift: PopulationShift = UNSHIFTED) -> pd.DataFrame:
    """A table of applicants with `COLUMNS`, in no order; `loan_status` 1 is a default.

    Args:
        rows: how many, at least 1.
    """
    generator = np.random.default_rng(seed)
    table = _statements(rows, generator, shift)
    visible = true_risk.log_odds(table, shift.changed_risk)
    hidden = generator.standard_normal(rows)
    table["loan_status"] = true_risk.defaults(visible, hidden, generator)
    grades = _grades(visible, hidden, generator)
    table["loan_grade"] = np.array(GRADES)[grades]
    table["loan_int_rate"] = _rates(grades, generator)
    return table[list(COLUMNS)]


def best_auc(rows: int, seed: int, shift: PopulationShift = UNSHIFTED) -> float:
    """The AUC of a perfect scorecard (without grade and rate) on such applicants; see `risk.best_auc`."""
    table = _statements(rows, np.random.default_rng(seed), shift)
    return true_risk.best_auc(true_risk.log_odds(table, shift.changed_risk))


def _statements(rows: int, generator: np.random.Generator, shift: PopulationShift) -> pd.DataFrame:
    """What the applicants and the bureau say: every column but the outcome and the lender's own two."""
    age = np.minimum(20.0 + np.floor(generator.gamma(1.6, 5.0, rows)), 80.0)
    income = _incomes(age, shift.income_factor, generator)
    amount = _amounts(income, generator)
    return pd.DataFrame(
        {
            "person_age": age.astype(np.int64),
            "person_income": income.astype(np.int64),
            "person_home_ownership": _homes(income / shift.income_factor, generator),
            "person_emp_length": _job_years(age, shift.missing, generator),
            "loan_intent": _intents(rows, shift, generator),
            "loan_amnt": amount.astype(np.int64),
            "loan_percent_income": np.round(amount / income, 2),
            "cb_person_default_on_file": np.where(generator.random(rows) < ON_FILE_SHARE, "Y", "N"),
            "cb_person_cred_hist_length": _histories(age, generator),
        }
    )


def _incomes(age: Floats, factor: float, generator: np.random.Generator) -> Floats:
    logarithm = INCOME_GROWTH * (age - MEAN_AGE) + INCOME_SD * generator.standard_normal(len(age))
    income: Floats = np.round(factor * MEDIAN_INCOME * np.exp(logarithm))
    return np.clip(income, LEAST_INCOME, MOST_INCOME)


def _amounts(income: Floats, generator: np.random.Generator) -> Floats:
    spread = AMOUNT_SD * generator.standard_normal(len(income))
    amount = MEDIAN_AMOUNT * (income / MEDIAN_INCOME) ** AMOUNT_BY_INCOME * np.exp(spread)
    stepped: Floats = AMOUNT_STEP * np.round(amount / AMOUNT_STEP)
    # Nobody asks for more than four fifths of a year's income, and the contract allows no loan of nothing.
    return np.clip(stepped, LEAST_AMOUNT, np.minimum(MOST_AMOUNT, AMOUNT_STEP * np.floor(0.8 * income / AMOUNT_STEP)))


def _homes(income: Floats, generator: np.random.Generator) -> npt.NDArray[Any]:
    """Who earns more owes a mortgage more often: its odds against renting follow income."""
    weights = np.tile(np.array(list(HOMES.values())), (len(income), 1))
    weights[:, 1] *= income / MEDIAN_INCOME
    cumulated = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    drawn = (generator.random(len(income))[:, None] > cumulated).sum(axis=1)
    homes: npt.NDArray[Any] = np.array(list(HOMES))[np.minimum(drawn, len(HOMES) - 1)]
    return homes


def _job_years(age: Floats, missing: float, generator: np.random.Generator) -> Floats:
    years = np.floor(generator.gamma(1.3, 3.9, len(age)))
    years = np.minimum(years, age - 16.0)
    years[generator.random(len(age)) < missing] = np.nan
    return years


def _histories(age: Floats, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    years = 2.0 + np.floor(0.55 * (age - 20.0) * generator.random(len(age)) + generator.gamma(1.0, 1.5, len(age)))
    return np.minimum(years, age - 16.0).astype(np.int64)


def _intents(rows: int, shift: PopulationShift, generator: np.random.Generator) -> npt.NDArray[Any]:
    shares = shift.intent_shares()
    drawn = generator.choice(np.array(list(shares), dtype=object), size=rows, p=list(shares.values()))
    drawn[generator.random(rows) < shift.new_levels] = NEW_INTENT
    return drawn


def _grades(visible: Floats, hidden: Floats, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """The lender's own view: it sees some of what no column tells, and is wrong in its own way."""
    view = 0.35 * visible + 0.9 * hidden + 0.5 * generator.standard_normal(len(visible)) + 0.55
    return np.searchsorted(np.array(GRADE_CUTS), view)


def _rates(grades: npt.NDArray[np.int64], generator: np.random.Generator) -> Floats:
    exact: Floats = RATE_AT_A + RATE_PER_GRADE * grades + RATE_SD * generator.standard_normal(len(grades))
    rates = np.maximum(exact, LEAST_RATE).round(2)
    rates[generator.random(len(grades)) < UNTOLD_RATE_SHARE] = np.nan
    return rates
