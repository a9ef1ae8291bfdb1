"""The per-event way, with the libraries' own calls: decode, predict, contributions, encode, one application at a time.

This is how the users' present systems answer. Stands alone: it also runs where a rival's requirements
exclude ours, with nothing but fastavro, numpy and xgboost.
"""

import io
import json
import math
import struct
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np
import xgboost

AVRO: Final = Path(__file__).resolve().parents[2] / "schemas" / "avro"
HEADER: Final = struct.Struct(">bI")
REASONS: Final = 4


class PerEvent:
    """Answers one application's bytes with one decision's bytes."""

    def __init__(self, model: Path) -> None:
        self._booster = xgboost.Booster()
        self._booster.load_model(model)
        self._booster.set_param({"nthread": 1})
        raw = json.loads((AVRO / "loan_application.avsc").read_text())
        self._fields = {field["name"]: field for field in raw["fields"]}
        self._features = [field for field in raw["fields"] if field["role"] == "feature"]
        self._application = fastavro.parse_schema(raw)
        self._decision = fastavro.parse_schema(json.loads((AVRO / "loan_decision.avsc").read_text()))

    def answer(self, value: bytes, offset: int = 0) -> bytes:
        record = fastavro.schemaless_reader(io.BytesIO(value[HEADER.size :]), self._application)
        row, starts = self._encode(record)
        margin = float(self._booster.inplace_predict(row, predict_type="margin")[0])
        by_column = self._booster.predict(xgboost.DMatrix(row, nthread=1), pred_contribs=True)[0]
        contributions = np.add.reduceat(by_column[:-1].astype(float), starts)
        out = io.BytesIO()
        out.write(HEADER.pack(0, 9))
        fastavro.schemaless_writer(
            out, self._decision, self._decision_record(record, margin, contributions, by_column, offset)
        )
        return out.getvalue()

    def _encode(self, record: dict[str, Any]) -> tuple[Any, list[int]]:
        row: list[float] = []
        starts = []
        for field in self._features:
            starts.append(len(row))
            value = record[field["name"]]
            if "levels" in field:
                row += [1.0 if value == level else 0.0 for level in field["levels"]]
            elif value is None and "ratio_of" in field:
                row.append(float(record[field["ratio_of"][0]]) / float(record[field["ratio_of"][1]]))
            else:
                row.append(math.nan if value is None else float(value))
        return np.array([row], dtype=np.float32), starts

    def _decision_record(
        self, record: dict[str, Any], margin: float, contributions: Any, by_column: Any, offset: int
    ) -> dict[str, Any]:
        probability = 1.0 / (1.0 + math.exp(-margin))
        strongest = [place for place in np.argsort(-contributions)[:REASONS] if contributions[place] > 0.0]
        outcome = "APPROVE" if probability < 0.2 else "DECLINE" if probability >= 0.6 else "REFER"
        return {
            "decision_id": "00000000-0000-5000-8000-000000000000",
            "application_id": record["application_id"],
            "applied_at": record["applied_at"],
            "outcome": outcome,
            "probability": probability,
            "margin": margin,
            "base_value": float(by_column[-1]),
            "contribution_space": "LOG_ODDS",
            "contributions": [
                {"feature": field["name"], "value": _plain(record[field["name"]]), "contribution": float(contribution)}
                for field, contribution in zip(self._features, contributions, strict=True)
            ],
            "approve_below": 0.2,
            "decline_from": 0.6,
            "reasons": [] if outcome == "APPROVE" else [self._reason(self._features[place]) for place in strongest],
            "flags": [],
            "fault": None,
            "scorecard_name": "credit_risk-scorecard",
            "scorecard_version": "1",
            "scorecard_digest": "d" * 64,
            "scorecard_family": "xgboost",
            "policy_version": "p-00000000",
            "reference_id": "r-00000000",
            "source_topic": "loan.applications.v1",
            "source_partition": 0,
            "source_offset": offset,
            "source_schema_id": 7,
            "code_version": "0.1.0",
        }

    def _reason(self, field: dict[str, Any]) -> dict[str, Any]:
        text = field["reason"]
        while isinstance(text, str):  # another field's
            text = self._fields[text]["reason"]
        return {"code": text["code"], "text": text["text"], "features": [field["name"]]}


def _plain(value: Any) -> float | str | None:
    return value if value is None or isinstance(value, str) else float(value)
