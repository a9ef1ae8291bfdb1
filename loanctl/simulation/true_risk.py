"""The outcome of a simulated loan: the true risk, its noise, and the best that any scorecard could do.

Pure: applicants and a seeded generator in, probabilities and defaults out. Who the applicants are
is the subject of `loanctl.simulation.synthetic_population`; both are documented in docs/population.md.

The log-odds of default are a function of what a scorecard may see, plus `HIDDEN_SD` times a normal
unobserved variable. Ranking by the visible part is therefore the best there is, and its AUC
is computed from the probabilities themselves, without drawing a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

Floats = npt.NDArray[np.float64]

HIDDEN_SD: Final = 0.8
"""Log-odds that no column tells: job loss, divorce, luck. Brings the best AUC down to that of real loan files."""

QUADRATURE_NODES: Final = 21
"""Gauss-Hermite nodes over the hidden part; 21 give the mean probability to 1e-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The coefficients of one state of the economy, in log-odds.

    The signs agree with the directions that the contract declares (risk falls with income, years in
    the job and credit history, rises with the burden), in every world.
    """

    intercept: float
    burden_line: float
    """Amount over income at which the burden becomes too much."""
    income_centre: float
    """Yearly income, USD, that is neither good nor bad."""
    home: Mapping[str, float]
    intent: Mapping[str, float]
    on_file: float
    """A default at the bureau."""


USUAL: Final = World(
    intercept=-3.7,
    burden_line=0.27,
    income_centre=55_000.0,
    home={"RENT": 1.0, "MORTGAGE": 0.0, "OWN": -1.4, "OTHER": 0.8},
    intent={
        "EDUCATION": -0.5,
        "MEDICAL": 0.8,
        "VENTURE": -1.0,
        "PERSONAL": 0.0,
        "DEBTCONSOLIDATION": 1.0,
        "HOMEIMPROVEMENT": 0.7,
    },
    on_file=1.1,
)
"""The order of the levels is that of the public credit-risk file."""

CHANGED: Final = World(
    intercept=-3.9,
    burden_line=0.15,
    income_centre=90_000.0,
    home={"RENT": 0.2, "MORTGAGE": 1.3, "OWN": -1.0, "OTHER": 0.5},
    intent={
        "EDUCATION": 0.9,
        "MEDICAL": -0.6,
        "VENTURE": 1.4,
        "PERSONAL": 0.3,
        "DEBTCONSOLIDATION": -0.4,
        "HOMEIMPROVEMENT": -0.5,
    },
    on_file=0.6,
)
"""After inflation: a dollar buys less, mortgages hurt, and ventures fail where debts are paid off."""

BURDEN_STEP: Final = 3.4
BURDEN_WIDTH: Final = 0.02
BURDEN_SLOPE: Final = 4.0
"""The burden works as a step of BURDEN_STEP over some BURDEN_WIDTH around the line, and as a slope."""

INCOME_SLOPE: Final = 1.4
"""Log-odds that a factor e of income takes away."""

JOB_YEAR: Final = 0.09
JOB_YEARS_COUNTED: Final = 12.0
UNTOLD_JOB_YEARS: Final = 1.0
"""Who does not tell the years in the job is as risky as one who has this many."""

HISTORY_YEAR: Final = 0.05
HISTORY_YEARS_COUNTED: Final = 15.0


def log_odds(applicants: pd.DataFrame, changed: float = 0.0) -> Floats:
    """The visible part of each applicant's log-odds of default, shape (n,).

    Levels that no world knows count as zero; a missing employment length as `UNTOLD_JOB_YEARS`.

    Args:
        applicants: the columns of the credit-risk file.
        changed: 0 for the usual world, 1 for the changed one, between them a mixture of both risks.
    """
    usual, after = _in_world(applicants, USUAL), _in_world(applicants, CHANGED)
    return (1.0 - changed) * usual + changed * after


def probability(visible: Floats) -> Floats:
    """The chance of default given all that can be seen, the hidden part averaged out; shape of `visible`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    each = expit(visible[:, None] + HIDDEN_SD * nodes[None, :])
    averaged: Floats = each @ (weights / weights.sum())
    return averaged


def defaults(visible: Floats, hidden: Floats, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draws the outcome of each loan: 1 for a default.

    Args:
        hidden: standard normal, shape (n,).
    """
    chances = expit(visible + HIDDEN_SD * hidden)
    return (generator.random(len(visible)) < chances).astype(np.int64)


def best_auc(visible: Floats) -> float:
    """The expected AUC of the perfect scorecard on these applicants; no other can have a higher one.

    The chance that a defaulter ranks above a payer, each applicant counted with the probability of
    being either; exact for these rows, no defaults are drawn.
    """
    chance = np.sort(probability(visible))
    payers_below = np.concatenate([[0.0], np.cumsum(1.0 - chance)[:-1]])
    pairs = chance.sum() * (1.0 - chance).sum() - (chance * (1.0 - chance)).sum()
    return float((chance * payers_below).sum() / pairs)


def _in_world(applicants: pd.DataFrame, world: World) -> Floats:
    income = _numbers(applicants["person_income"])
    burden = _numbers(applicants["loan_amnt"]) / income
    job = np.nan_to_num(_numbers(applicants["person_emp_length"]), nan=UNTOLD_JOB_YEARS)
    history = _numbers(applicants["cb_person_cred_hist_length"])
    visible: Floats = (
        world.intercept
        + BURDEN_STEP * expit((burden - world.burden_line) / BURDEN_WIDTH)
        + BURDEN_SLOPE * burden
        - INCOME_SLOPE * np.log(income / world.income_centre)
        - JOB_YEAR * np.minimum(job, JOB_YEARS_COUNTED)
        - HISTORY_YEAR * np.minimum(history, HISTORY_YEARS_COUNTED)
        + _effects(applicants["person_home_ownership"], world.home)
        + _effects(applicants["loan_intent"], world.intent)
        + world.on_file * (applicants["cb_person_default_on_file"] == "Y").to_numpy()
    )
    return visible


def _numbers(column: "pd.Series[Any]") -> Floats:
    return column.to_numpy(dtype=np.float64)


def _effects(column: "pd.Series[Any]", effects: Mapping[str, float]) -> Floats:
    return _numbers(column.map(effects).fillna(0.0))
