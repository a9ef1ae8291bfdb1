"""Decisions as records: their identity, bytes and headers.

Pure. The record's headers are CloudEvents in binary mode (Kafka protocol binding 1.0), unless they are switched off,
and pass the application's `traceparent` (W3C Trace Context) on.
"""

import hashlib
import uuid
from binascii import hexlify
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Applications, Faults
from schemas.codec.sealed_records import sealed_places
from schemas.records import Headers, OutgoingRecord, RecordBatch
from schemas.trace_context import TRACEPARENT, traceparent_of
from scorecard.decisions.encoder import ID_PLACE, EncoderColumns, Phrases, encode, phrases_of
from scorecard.decisions.encoder_kernels import ID_TEXT
from scorecard.policy import Policy
from scorecard.scorecard import Scorecard

DECISION_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "loan.v1.LoanDecision")
"""Under it a decision's name is hashed to its id (RFC 9562, version 5)."""

REPLAY: Final = "ce_replay"
"""Header of a replayed decision: the id of the replay."""


@dataclass(frozen=True, slots=True)
class DecisionColumns:
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
    reason_of: npt.NDArray[np.int64]
    """Of each feature the reason that it stands for, shape (n, features)."""


class DecisionWriter:
    """Writes decisions for one topic under one registered schema."""

    def __init__(self, topic: str, schema_id: int, code_version: str = "", *, cloudevents: bool = True) -> None:
        """Writes nothing yet.

        Args:
            code_version: the release that decides (`schemas.release`); empty for decisions that nobody keeps.
            cloudevents: whether records carry the attributes of CloudEvents, each of which is in key or value, too.
        """
        self._topic = topic
        self._schema_id = schema_id
        self._code_version = code_version
        self._cloudevents = cloudevents
        self._said: tuple[tuple[str, ...], Phrases] | None = None

    def write(
        self, decided: DecisionColumns, batch: RecordBatch, scorecard: Scorecard, version: str, policy: Policy
    ) -> Sequence[OutgoingRecord]:
        """One record for each application, keyed by its id."""
        ids = [name.encode() for name in decided.applications.ids]
        places = decided.places.tolist()
        digests = identities(ids, [batch.values[place] or b"" for place in places], scorecard.digest, policy.version)
        phrases = self._phrases(scorecard, version, policy, batch.topic)
        out = encode(phrases, _rows(decided, batch, ids, digests, scorecard.reasons.baseline))
        source = ("ce_source", f"/topics/{batch.topic}".encode())
        records, first = [], 0
        for name, place, last in zip(ids, places, out.ends, strict=True):
            value = out.data[first:last]
            own = _attributes(value[ID_PLACE : ID_PLACE + ID_TEXT], name, source) if self._cloudevents else ()
            records.append(OutgoingRecord(self._topic, name, value, own + _trace(batch.headers[place])))
            first = last
        return records

    def _phrases(self, scorecard: Scorecard, version: str, policy: Policy, topic: str) -> Phrases:
        # They change at a swap only, and take longer to make than a small batch to score.
        about = (scorecard.digest, version, policy.version, topic)
        if self._said is None or self._said[0] != about:
            self._said = (about, phrases_of(scorecard, version, policy, topic, self._schema_id, self._code_version))
        return self._said[1]


def identities(
    ids: Sequence[bytes], values: Sequence[bytes], scorecard_digest: str, policy_version: str
) -> npt.NDArray[np.uint8]:
    """SHA-1 of each decision's name, shape (n, 20): equal for equal application bytes, scorecard and policy.

    A decision's id is the UUIDv5 of it: hashed are the namespace, the application's id, the SHA-256 of
    its bytes, the scorecard's digest and the policy's version, the four parted by a unit separator.
    """
    namespace = hashlib.sha1(DECISION_NAMESPACE.bytes, usedforsecurity=False)
    rest = f"\x1f{scorecard_digest}\x1f{policy_version}".encode()
    digests = []
    for name, value in zip(ids, values, strict=True):
        decision = namespace.copy()
        decision.update(b"%b\x1f%b%b" % (name, hexlify(hashlib.sha256(value).digest()), rest))
        digests.append(decision.digest())
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(digests), 20).copy()


def _rows(
    decided: DecisionColumns,
    batch: RecordBatch,
    ids: Sequence[bytes],
    digests: npt.NDArray[np.uint8],
    baseline: npt.NDArray[np.float64],
) -> EncoderColumns:
    return EncoderColumns(
        digests=digests,
        ids=np.frombuffer(b"".join(ids), dtype=np.uint8).copy(),
        id_starts=np.cumsum([0, *map(len, ids)]),
        applied_at=decided.applications.applied_at,
        values=decided.applications.values,
        shown=_shown_values(decided, batch),
        fault_codes=decided.faults.codes,
        fault_columns=decided.faults.columns,
        outcomes=decided.outcomes,
        probability=decided.probability,
        margin=decided.margin,
        contributions=decided.contributions,
        reasons=decided.reasons,
        raised_for=np.where(decided.contributions > baseline, decided.reason_of, -1),
        partitions=np.asarray(batch.partitions, dtype=np.int64)[decided.places],
        offsets=np.asarray(batch.offsets, dtype=np.int64)[decided.places],
        schema_ids=decided.schema_ids,
    )


def _shown_values(decided: DecisionColumns, batch: RecordBatch) -> npt.NDArray[np.float64]:
    """Values as decisions carry them: none of a sealed application, which its key alone may tell."""
    values = decided.applications.values
    sealed = sealed_places(batch.values)
    if not sealed:
        return values
    shown = values.copy()
    shown[np.isin(decided.places, sealed)] = np.nan
    return shown


def _attributes(identity: bytes, name: bytes, source: tuple[str, bytes]) -> Headers:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", identity),
        source,
        ("ce_type", b"loan.v1.LoanDecision"),
        ("ce_subject", name),
        ("content-type", b"application/avro"),
    )


def _trace(given: Headers) -> Headers:
    traceparent = traceparent_of(given) if given else None  # few have headers, and a call costs as much as a slice
    return ((TRACEPARENT, traceparent),) if traceparent is not None else ()
