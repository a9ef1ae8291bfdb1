"""Decisions as Avro bytes: from columns of a batch to one framed record for each application.

Pure. The record's headers are CloudEvents in binary mode (Kafka protocol binding 1.0) and pass the
application's `traceparent` (W3C Trace Context) on.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt

from schemas.applications import UNSEEN, Applications, Fault, Faults
from schemas.codec import framed
from schemas.contract import Field, Kind
from schemas.events import ContributionSpace, FlagKind, LoanDecision, avro_schema
from schemas.records import Headers, OutgoingRecord, RecordBatch
from scorecard.policy import OUTCOMES, Policy
from scorecard.scorecard import Scorecard

DECISION_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "loan.v1.LoanDecision")
"""Under it a decision's name is hashed to its id (RFC 9562, version 5)."""

TRACEPARENT: Final = "traceparent"


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on n readable applications, as columns in their order.

    `places` are their places in the batch; probability and margin are NaN, contributions zero and
    reasons -1 where an application is at fault.
    """

    applications: Applications
    places: npt.NDArray[np.int64]
    schema_ids: npt.NDArray[np.int64]
    faults: Faults
    outcomes: npt.NDArray[np.int8]
    probability: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    contributions: npt.NDArray[np.float64]
    reasons: npt.NDArray[np.int64]


def decision_id(application_id: str, value: bytes, scorecard_digest: str, policy_version: str) -> str:
    """The name of a decision: equal for equal application bytes, scorecard and policy."""
    application_digest = hashlib.sha256(value).hexdigest()
    name = "\x1f".join((application_id, application_digest, scorecard_digest, policy_version))
    return str(uuid.uuid5(DECISION_NAMESPACE, name))


class DecisionWriter:
    """Writes decisions for one topic under one registered schema."""

    def __init__(self, topic: str, schema_id: int) -> None:
        self._topic = topic
        self._schema_id = schema_id
        self._schema: Mapping[str, Any] = fastavro.parse_schema(dict(avro_schema(LoanDecision)))  # type: ignore[assignment]

    def write(
        self, decided: Decided, batch: RecordBatch, scorecard: Scorecard, version: str, policy: Policy
    ) -> Sequence[OutgoingRecord]:
        """One record for each application, keyed by its id."""
        constant = _constant(scorecard, version, policy, batch.topic)
        return [
            self._record(_varying(decided, row, batch, scorecard) | constant, batch, int(decided.places[row]))
            for row in range(len(decided.applications))
        ]

    def _record(self, fields: dict[str, Any], batch: RecordBatch, place: int) -> OutgoingRecord:
        value = batch.values[place] or b""
        identity = decision_id(fields["application_id"], value, fields["scorecard_digest"], fields["policy_version"])
        return OutgoingRecord(
            topic=self._topic,
            key=fields["application_id"].encode(),
            value=framed(self._schema_id, self._schema, {"decision_id": identity, **fields}),
            headers=_headers(identity, fields["application_id"], batch, place),
        )


def _constant(scorecard: Scorecard, version: str, policy: Policy, topic: str) -> dict[str, Any]:
    return {
        "approve_below": policy.approve_below,
        "decline_from": policy.decline_from,
        "scorecard_name": scorecard.name,
        "scorecard_version": version,
        "scorecard_digest": scorecard.digest,
        "scorecard_family": scorecard.family,
        "policy_version": policy.version,
        "reference_id": scorecard.profile.reference_id,
        "source_topic": topic,
    }


def _varying(decided: Decided, row: int, batch: RecordBatch, scorecard: Scorecard) -> dict[str, Any]:
    place = int(decided.places[row])
    return {
        "application_id": decided.applications.ids[row],
        "applied_at": int(decided.applications.applied_at[row]),
        "outcome": OUTCOMES[decided.outcomes[row]].value,
        "flags": _flags(decided, row, scorecard),
        "source_partition": int(batch.partitions[place]),
        "source_offset": int(batch.offsets[place]),
        "source_schema_id": int(decided.schema_ids[row]),
        **_scores(decided, row, scorecard),
    }


def _scores(decided: Decided, row: int, scorecard: Scorecard) -> dict[str, Any]:
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
        "contributions": _contributions(decided, row, scorecard),
        "reasons": _reasons(decided, row, scorecard),
        "fault": None,
    }


def _contributions(decided: Decided, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    values = decided.applications.values[row]
    space = scorecard.features
    return [
        {"feature": field.name, "value": _value(field, values[position]), "contribution": float(contribution)}
        for field, position, contribution in zip(space.fields, space.positions, decided.contributions[row], strict=True)
    ]


def _value(field: Field, value: float) -> float | str | None:
    if np.isnan(value):
        return None
    if field.kind is Kind.NUMBER:
        return float(value)
    return None if value == UNSEEN else field.levels[int(value)]


def _reasons(decided: Decided, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    book = scorecard.reasons
    raised = book.excess(decided.contributions[row]) > 0.0
    names = scorecard.features.names
    return [
        {
            "code": book.texts[place].code,
            "text": book.texts[place].text,
            "features": [names[feature] for feature in np.flatnonzero(raised & (book.code_of == place))],
        }
        for place in decided.reasons[row]
        if place >= 0
    ]


def _flags(decided: Decided, row: int, scorecard: Scorecard) -> list[dict[str, Any]]:
    values = decided.applications.values[row]
    fields, positions = scorecard.features.fields, scorecard.features.positions
    kinds = (
        (field.name, _kind(field, values[position], at_fault=position == decided.faults.columns[row]))
        for field, position in zip(fields, positions, strict=True)
    )
    return [{"feature": name, "kind": kind.value} for name, kind in kinds if kind is not None]


def _kind(field: Field, value: float, *, at_fault: bool) -> FlagKind | None:
    if np.isnan(value):
        return FlagKind.MISSING
    if field.kind is Kind.CATEGORY and value == UNSEEN:
        return FlagKind.UNSEEN
    return FlagKind.INVALID if at_fault else None


def _headers(identity: str, application_id: str, batch: RecordBatch, place: int) -> Headers:
    trace = tuple(header for header in batch.headers[place] if header[0] == TRACEPARENT)
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_source", f"/topics/{batch.topic}".encode()),
        ("ce_type", b"loan.v1.LoanDecision"),
        ("ce_subject", application_id.encode()),
        ("content-type", b"application/avro"),
        *trace,
    )
