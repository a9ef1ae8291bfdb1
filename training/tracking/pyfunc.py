"""The scorecard for `mlflow models serve`: a table of applicants in, probability and contributions out.

MLflow logs this file as the model's code (models from code) and runs it where the model is served,
so it imports only what deciding imports, and that is packed with it (`training.tracking.served_code`). It loads
the bundle, with digest and answers checked.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel  # type: ignore[attr-defined]  # MLflow exports it by import alone

from schemas.applications import Fault, faults, from_records
from schemas.contract import contract as contracts
from schemas.contract.contract import Contract, Kind
from scorecard import bundle
from scorecard.decisions.scoring import reason_places
from scorecard.policy import OUTCOMES, REFER, Policy, outcomes
from scorecard.reasons import GivenReasons


class ServedScorecard(PythonModel):
    """Answers each row with its outcome; one that cannot be scored is referred, its fault named."""

    def load_context(self, context: Any) -> None:
        """Read the bundle and the contract that travel with the model."""
        self._contract = contracts.load(context.artifacts["contract"])
        self._scorecard = bundle.read(Path(context.artifacts["bundle"]), self._contract)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """One answer for each row, in its order; `params` may have the operator's cut-offs.

        Raises:
            PolicyError: cut-offs that cannot be applied.
        """
        own = self._scorecard.policy
        given = params or {}
        policy = Policy(given.get("approve_below", own.approve_below), given.get("decline_from", own.decline_from))
        return self.answer_rows(pd.DataFrame(model_input), policy)

    def answer_rows(self, table: pd.DataFrame, policy: Policy) -> pd.DataFrame:
        """Outcome, reasons, probability, margin and contributions of each row; empty where it cannot be scored."""
        applications = from_records(self._contract, records(self._contract, table))
        features = self._scorecard.features
        values = features.recognize(applications.values)
        found = faults(self._contract, values, with_pricing=features.with_pricing).codes
        scorable = np.flatnonzero(found == Fault.NONE)
        scores = self._scorecard.score(values[scorable])
        codes = np.full(len(applications), REFER, dtype=np.int8)
        verdicts = outcomes(policy, scores.probability)
        codes[scorable] = verdicts
        given = reason_places(self._scorecard, values[scorable], scores.contributions, verdicts)
        reasons = pd.Series(self._reason_codes(given), index=scorable, dtype=object)
        answer = pd.DataFrame(
            {
                "outcome": [OUTCOMES[code].value for code in codes],
                "reasons": reasons.reindex(range(len(applications)), fill_value=""),
                "probability": pd.Series(scores.probability, index=scorable),
                "margin": pd.Series(scores.margin, index=scorable),
                "base_value": self._scorecard.base_value,
                "fault": ["" if code == Fault.NONE else Fault(code).reason for code in found],
            },
            index=range(len(applications)),
        )
        for place, name in enumerate(self._scorecard.features.names):
            answer[f"contribution.{name}"] = pd.Series(scores.contributions[:, place], index=scorable)
        return answer

    def _reason_codes(self, given: GivenReasons) -> list[str]:
        """Codes of each applicant's reasons, strongest first, separated by commas."""
        texts = self._scorecard.reasons.texts
        return [",".join(texts[place].code for place in places if place >= 0) for places in given.places.tolist()]


def records(contract: Contract, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table with the contract's names as records; a value that a row lacks is missing."""
    frame = pd.DataFrame(index=range(len(table)))
    for field in contract.observed:
        given = table[field.name].to_numpy() if field.name in table.columns else None
        column = pd.Series(given, index=frame.index, dtype=object)
        frame[field.name] = column.map(str if field.kind is Kind.CATEGORY else float, na_action="ignore")
    frame = frame.astype(object).where(frame.notna(), None)
    frame[contract.id_field] = [str(place) for place in frame.index]
    frame[contract.time_field] = 0
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


set_model(ServedScorecard())
