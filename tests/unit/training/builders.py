"""Tables and rows for tests of training; each builder names only what matters to its caller."""

from typing import Any

import numpy as np
import pandas as pd

from loanctl.simulation import synthetic_population
from schemas.contract.contract import Contract, load
from training.rows import labelled_rows as rows
from training.rows.labelled_rows import LabelledRows

CONTRACT: Contract = load("credit_risk")


def a_table(count: int = 3, **columns: Any) -> pd.DataFrame:
    """Loans in the columns of the credit-risk file, all different; the given columns go over the usual ones."""
    usual: dict[str, Any] = {
        "person_age": 30,
        "person_income": np.arange(count) * 10.0 + 50_000,
        "person_home_ownership": "RENT",
        "person_emp_length": 4.0,
        "loan_intent": "MEDICAL",
        "loan_grade": "B",
        "loan_amnt": 10_000,
        "loan_int_rate": 11.0,
        "loan_status": [place % 2 for place in range(count)],
        "loan_percent_income": 0.2,
        "cb_person_default_on_file": "N",
        "cb_person_cred_hist_length": 6,
    }
    return pd.DataFrame({**usual, **columns}, index=range(count))


def made_up_rows(count: int, seed: int = 1) -> LabelledRows:
    return rows.from_table(CONTRACT, synthetic_population.applicants(count, seed), "made up").rows
