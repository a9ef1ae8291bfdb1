"""A decision written the plain way, field by field through fastavro: what the bulk writer must agree with."""

import hashlib
import uuid
from typing import Any

import fastavro
import numpy as np

from schemas.applications import UNSEEN, Fault
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame
from schemas.contract.contract import Field, Kind
from schemas.events.decisions import ContributionSpace, FlagKind, LoanDecision
from schemas.records import RecordBatch
from scorecard.decisions.decision_records import DECISION_NAMESPACE, DecisionColumns
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.policy import OUTCOMES, Policy
from scorecard.scorecard import Scorecard

SCHEMA = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


def plain(
    decided: DecisionColumns,
    row: int,
    batch: RecordBatch,
    champion: RegisteredScorecard,
    policy: Policy,
    schema_id: int,
    code_version: str = "",
) -> bytes:
    scorecard, place = champion.scorecard, int(decided.places[row])
    application_id = decided.applications.ids[row]
    application_digest = hashlib.sha256(batch.values[place]).hexdigest()
    name = "\x1f".join((application_id, application_digest, scorecard.digest, policy.version))
    fields = {
        "decision_id": str(uuid.uuid5(DECISION_NAMESPACE, name)),
        "application_id": application_id,
        "applied_at": int(decided.applications.applied_at[row]),
        "outcome": OUTCOMES[decided.outcomes[row]].value,
        **scores(decided, row, scorecard),
        "approve_below": policy.approve_below,
        "decline_from": policy.decline_from,
        "flags": flags(decided, row, scorecard),
        "scorecard_name": scorecard.name,
        "scorecard_version": champion.version,
        "scorecard_digest": scorecard.digest,
        "scorecard_family": scorecard.family,
        "policy_version": policy.version,
        "reference_id": scorecard.profile.reference_id,
        "source_topic": batch.topic,
        "source_partition": int(batch.partitions[place]),
        "source_offset": int(batch.offsets[place]),
        "source_schema_id": int(decided.schema_ids[row]),
        "code_version": code_version,
    }
    return frame(schema_id, SCHEMA, fields)


def scores(decided: DecisionColumns, row: int, scorecard: Scorecard) -> dict[str, Any]:
    fault = Fault(decided.faults.codes[row])
    if fault is not Fault.NONE:
        return {
            "probability": None,
            "margin": None,
            "base_value": None,
            "contribution_space": ContributionSpace.NONE.value,
            "contributions": [],
            "reasons": [],
            "fault": fault.reason,
        }
    return {
        "probability": float(decided.probability[row]),
        "margin": float(decided.margin[row]),
        "base_value": scorecard.base_value,
        "contribution_space": scorecard.space.value,
        "contributions": contributions(decided, row, scorecard),
        "reasons": reasons(decided, row, scorecard),
        "fault": None,
    }


def contributions(decided: DecisionColumns, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    values, space = decided.applications.values[row], scorecard.features
    return [
        {"feature": field.name, "value": value_of(field, values[position]), "contribution": float(contribution)}
        for field, position, contribution in zip(space.fields, space.positions, decided.contributions[row], strict=True)
    ]


def value_of(field: Field, value: float) -> float | str | None:
    if np.isnan(value):
        return None
    if field.kind is Kind.NUMBER:
        return float(value)
    return None if value == UNSEEN else field.levels[int(value)]


def reasons(decided: DecisionColumns, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    book, names = scorecard.reasons, scorecard.features.names
    raised = decided.contributions[row] > book.baseline
    return [
        {
            "code": book.texts[place].code,
            "text": book.texts[place].text,
            "features": [names[feature] for feature in np.flatnonzero(raised & (decided.reason_of[row] == place))],
        }
        for place in decided.reasons[row]
        if place >= 0
    ]


def flags(decided: DecisionColumns, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    values, space = decided.applications.values[row], scorecard.features
    kinds = (
        (field.name, flag(field, values[position], at_fault=position == decided.faults.columns[row]))
        for field, position in zip(space.fields, space.positions, strict=True)
    )
    return [{"feature": name, "kind": kind.value} for name, kind in kinds if kind is not None]


def flag(field: Field, value: float, *, at_fault: bool) -> FlagKind | None:
    if np.isnan(value):
        return FlagKind.MISSING
    if field.kind is Kind.CATEGORY and value == UNSEEN:
        return FlagKind.UNSEEN
    return FlagKind.INVALID if at_fault else None
