"""Decisions made again from what they name, and what has changed where the two differ. Pure.

A decision's bytes are a function of the application's bytes and coordinates, the scorecard, the policy and the code.
Where all others are as the decision names them and it comes out otherwise, the code has changed or the record was
altered.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import numpy as np

from schemas.applications import UNSEEN, Applications, Fault, Faults, Matrix
from schemas.avro_resolution.writer_schemas import Writers
from schemas.codec.application_decoder import DecodedBatch
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import unframe
from schemas.contract.contract import Field
from schemas.events.decisions import FlagKind, LoanDecision
from schemas.records import OutgoingRecord, RecordBatch
from schemas.timestamps import millis_of
from scorecard.decisions.decision_records import DECISION_NAMESPACE
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard, decide, score_batch
from scorecard.policy import Policy

Decision = Mapping[str, Any]
"""As Avro gives a `LoanDecision`."""


class Change(StrEnum):
    """What is not as it was when a decision was made."""

    BYTES = "bytes"
    """The application's."""
    SCHEMA = "schema"
    """The application's. That of decisions grows from one release to the next, and changes no answer."""
    SCORECARD = "scorecard"
    POLICY = "policy"
    CODE = "code"
    """Or the record of the decision itself: nothing that it names has changed."""


FIELDS_OF: Final[Mapping[Change, frozenset[str]]] = {
    Change.SCHEMA: frozenset({"source_schema_id"}),
    Change.SCORECARD: frozenset(
        {"scorecard_name", "scorecard_version", "scorecard_digest", "scorecard_family", "reference_id"}
    ),
    Change.POLICY: frozenset({"policy_version", "approve_below", "decline_from"}),
    Change.CODE: frozenset({"code_version"}),
}
"""Fields of a decision that name its inputs."""
IDENTITY: Final = "decision_id"


@dataclass(frozen=True, slots=True)
class DecisionCopy:
    """A decision, as it was recorded or as it is made again."""

    value: bytes | None
    """Framed; None where only its fields are known."""
    fields: Decision


def decision_identity(application_id: str, application: bytes, digest: str, policy_version: str) -> str:
    """The id that a decision on these bytes has; see `scorecard.decisions.decision_records.identities`."""
    content = hashlib.sha256(application).hexdigest()
    return str(uuid.uuid5(DECISION_NAMESPACE, f"{application_id}\x1f{content}\x1f{digest}\x1f{policy_version}"))


def differences(one: Decision, other: Decision) -> tuple[str, ...]:
    """Names of the fields that differ, in the schema's order."""
    return tuple(name for name in LoanDecision.__slots__ if one[name] != other[name])


def changes(recorded: DecisionCopy, again: DecisionCopy | None, application: bytes | None) -> tuple[Change, ...]:
    """What has changed, in the order of `Change`; nothing for two equal copies.

    Args:
        recorded: as it was recorded.
        again: the same decision made again; None where the application cannot be read now.
        application: its framed bytes; None where they are gone, and with them any word on them.
    """
    if again is None:
        return (Change.BYTES,)
    differing = set(differences(recorded.fields, again.fields))
    found = {change for change, fields in FIELDS_OF.items() if fields & differing}
    if application is not None and not _is_made_of(recorded.fields, again.fields, application):
        found.add(Change.BYTES)
    answers = differing - frozenset({IDENTITY}).union(*FIELDS_OF.values())
    if answers and not found & {Change.BYTES, Change.SCORECARD, Change.POLICY}:
        found.add(Change.CODE)
    return tuple(change for change in Change if change in found)


def recomputation(
    batch: RecordBatch, writers: Writers, champion: RegisteredScorecard, policy: Policy, codec: DecisionCodec
) -> list[OutgoingRecord | None]:
    """The decision on each record of a batch, in order; None where the record cannot be read."""
    scored = score_batch(batch, writers, champion, policy, codec)
    found: list[OutgoingRecord | None] = [None] * len(batch)
    for place, record in zip(scored.places.tolist(), scored.decisions, strict=True):
        found[place] = record
    return found


def recomputation_from_values(
    recorded: Decision, champion: RegisteredScorecard, policy: Policy, codec: DecisionCodec
) -> DecisionCopy | None:
    """The decision on the values that it names itself, under the recorded id: for an application whose bytes are gone.

    None where it was not scored, by other features than the scorecard has, or of a sealed application.
    """
    space, contract = champion.scorecard.features, codec.contract
    if withholds_values(recorded):
        return None
    if tuple(item["feature"] for item in recorded["contributions"]) != space.names:
        return None
    values: Matrix = np.full((1, len(contract.observed)), np.nan)
    unseen = {flag["feature"] for flag in recorded["flags"] if flag["kind"] == FlagKind.UNSEEN}
    for field, position, item in zip(space.fields, space.positions, recorded["contributions"], strict=True):
        values[0, position] = UNSEEN if field.name in unseen else _matrix_value(field, item["value"])
    sound = Faults(codes=np.full(1, Fault.NONE, dtype=np.int8), columns=np.full(1, -1, dtype=np.int64))
    decided = decide(_decoded_batch(recorded, values), sound, champion, policy)
    [record] = codec.writer.write(decided, _batch(recorded), champion.scorecard, champion.version, policy)
    return DecisionCopy(None, {**own_decision(record.value), IDENTITY: recorded[IDENTITY]})


def withholds_values(recorded: Decision) -> bool:
    """Whether the decision is on a sealed application: a value is null, and no flag says why."""
    flagged = {flag["feature"] for flag in recorded["flags"]}
    return any(item["value"] is None and item["feature"] not in flagged for item in recorded["contributions"])


def own_copy(record: OutgoingRecord | None) -> DecisionCopy | None:
    """A decision that this version wrote, its fields read; None of none."""
    return None if record is None else DecisionCopy(record.value, own_decision(record.value))


def own_decision(value: bytes | None) -> Decision:
    """The fields of a framed decision that this version wrote.

    Raises:
        RecordError: another version did.
    """
    schema_id, _ = unframe(value)
    schema, decoder = _own_decoder()
    return decoder.decode(value, {schema_id: schema})


@lru_cache(maxsize=1)
def _own_decoder() -> tuple[Mapping[str, Any], EventDecoder]:
    schema = avro_schema(LoanDecision)
    return schema, EventDecoder(schema)


def _is_made_of(recorded: Decision, again: Decision, application: bytes) -> bool:
    named = decision_identity(
        recorded["application_id"], application, recorded["scorecard_digest"], recorded["policy_version"]
    )
    # Where the names of scorecard or policy were altered, what they were made of tells.
    return recorded[IDENTITY] in (named, again[IDENTITY])


def _matrix_value(field: Field, value: float | str | None) -> float:
    if value is None:
        return np.nan
    if isinstance(value, str):
        return float(field.levels.index(value)) if value in field.levels else UNSEEN
    return value


def _decoded_batch(recorded: Decision, values: Matrix) -> DecodedBatch:
    return DecodedBatch(
        applications=Applications(
            ids=[recorded["application_id"]], applied_at=np.array([millis_of(recorded["applied_at"])]), values=values
        ),
        places=np.zeros(1, dtype=np.int64),
        schema_ids=np.array([recorded["source_schema_id"]]),
        unreadable=(),
    )


def _batch(recorded: Decision) -> RecordBatch:
    return RecordBatch(
        topic=recorded["source_topic"],
        keys=[None],
        values=[b""],
        partitions=[recorded["source_partition"]],
        offsets=[recorded["source_offset"]],
        timestamps=[0],
        headers=[()],
    )
