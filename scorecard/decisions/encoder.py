"""Bulk encoder of decisions as Avro bytes: columns of a batch in, one buffer of framed records out.

A kernel writes the fields of `loan_decision.avsc` in their order; values that are the same for the whole
batch, and every word that may occur, are encoded beforehand (`Phrases`). The tests compare the bytes
with those that fastavro writes. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.applications import Fault
from schemas.codec.wire_format import HEADER, MAGIC
from schemas.contract.contract import Kind
from schemas.events.decisions import ContributionSpace
from scorecard.decisions.encoder_kernels import ID_TEXT, put_long, write
from scorecard.policy import Policy
from scorecard.scorecard import Scorecard

SPACES: Final = (
    ContributionSpace.UNKNOWN,
    ContributionSpace.LOG_ODDS,
    ContributionSpace.PROBABILITY,
    ContributionSpace.NONE,
)
"""By their places in the schema's enum."""

LONGEST_LONG: Final = 10
"""Bytes of the longest zigzag long."""
ID_PLACE: Final = HEADER.size + 1
"""Where the decision id begins in a framed record: after the header and its own length, a byte."""


class EncodedWords(NamedTuple):
    """Encoded strings, one after the other: word i is `data[starts[i]:starts[i + 1]]`."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]


class Phrases(NamedTuple):
    """All that a scorecard, a policy and a topic say the same in every decision."""

    header: npt.NDArray[np.uint8]
    names: EncodedWords
    """Feature names, as strings."""
    levels: EncodedWords
    """Levels of all features in turn, as string branches of a contribution's value."""
    first_level: npt.NDArray[np.int64]
    """Of each feature; -1 for a number."""
    positions: npt.NDArray[np.int64]
    """Of each feature in the values' columns."""
    reasons: EncodedWords
    """Code and text of each reason."""
    faults: EncodedWords
    """By `Fault`, as string branches; the first is null."""
    cut_offs: npt.NDArray[np.uint8]
    scorecard: npt.NDArray[np.uint8]
    """From `scorecard_name` to `source_topic`."""
    space: int
    base_value: float
    code_version: npt.NDArray[np.uint8]
    """As a string."""


class EncoderColumns(NamedTuple):
    """The columns of n decisions, in the writer's own types."""

    digests: npt.NDArray[np.uint8]
    """Shape (n, 20): the SHA-1 that a decision's id is made of."""
    ids: npt.NDArray[np.uint8]
    id_starts: npt.NDArray[np.int64]
    applied_at: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    shown: npt.NDArray[np.float64]
    """The same, NaN in rows whose values no decision may carry."""
    fault_codes: npt.NDArray[np.int8]
    fault_columns: npt.NDArray[np.int64]
    outcomes: npt.NDArray[np.int8]
    probability: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    contributions: npt.NDArray[np.float64]
    reasons: npt.NDArray[np.int64]
    raised_for: npt.NDArray[np.int64]
    """Shape (n, features): the reason that each feature which raised the risk stands for, -1 for none."""
    partitions: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    schema_ids: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EncodedRecords:
    """Framed records, one after the other: the i-th is `data[ends[i - 1]:ends[i]]`."""

    data: bytes
    ends: Sequence[int]


def phrases_of(  # noqa: PLR0913 - what a decision names, each once
    scorecard: Scorecard, version: str, policy: Policy, topic: str, schema_id: int, code_version: str
) -> Phrases:
    """What every decision of this scorecard under this policy repeats."""
    fields = scorecard.features.fields
    categories = [field.levels if field.kind is Kind.CATEGORY else () for field in fields]
    begins = np.cumsum([0, *map(len, categories)])[:-1]
    numbers = np.array([field.kind is Kind.NUMBER for field in fields])
    texts = (
        scorecard.name,
        version,
        scorecard.digest,
        scorecard.family,
        policy.version,
        scorecard.profile.reference_id,
        topic,
    )
    return Phrases(
        header=_bytes(HEADER.pack(MAGIC, schema_id)),
        names=_words([_string(field.name) for field in fields]),
        levels=_words([_long(2) + _string(level) for levels in categories for level in levels]),
        first_level=np.where(numbers, -1, begins),
        positions=np.array(scorecard.features.positions, dtype=np.int64),
        reasons=_words([_string(reason.code) + _string(reason.text) for reason in scorecard.reasons.texts]),
        faults=_words([_long(0), *(_long(1) + _string(fault.reason) for fault in list(Fault)[1:])]),
        cut_offs=_bytes(np.array([policy.approve_below, policy.decline_from], dtype="<f8").tobytes()),
        scorecard=_bytes(b"".join(map(_string, texts))),
        space=SPACES.index(scorecard.space),
        base_value=scorecard.base_value,
        code_version=_bytes(_string(code_version)),
    )


def encode(phrases: Phrases, rows: EncoderColumns) -> EncodedRecords:
    out = np.empty(_most_bytes(phrases, rows), dtype=np.uint8)
    ends = np.empty(len(rows.applied_at), dtype=np.int64)
    write(out, ends, phrases, rows)
    length = int(ends[-1]) if len(ends) else 0
    return EncodedRecords(data=out[:length].tobytes(), ends=ends.tolist())


def _most_bytes(phrases: Phrases, rows: EncoderColumns) -> int:
    names = len(phrases.names.data)
    contribution = len(phrases.levels.data) + len(phrases.positions) * 18
    reasons: int = len(phrases.reasons.data) + rows.reasons.shape[1] * (names + 2 * LONGEST_LONG)
    flags = names + len(phrases.positions)
    fixed = (
        len(phrases.scorecard) + len(phrases.code_version) + len(phrases.faults.data) + ID_TEXT + 64 + 12 * LONGEST_LONG
    )
    return (names + contribution + reasons + flags + fixed) * len(rows.applied_at) + len(rows.ids)


def _bytes(data: bytes) -> npt.NDArray[np.uint8]:
    # A copy, since a kernel compiled for arrays that may be written to refuses others.
    return np.frombuffer(data, dtype=np.uint8).copy()


def _words(encoded: Sequence[bytes]) -> EncodedWords:
    return EncodedWords(data=_bytes(b"".join(encoded)), starts=np.cumsum([0, *map(len, encoded)]))


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _long(len(encoded)) + encoded


def _long(number: int) -> bytes:
    out = np.empty(LONGEST_LONG, dtype=np.uint8)
    return out[: put_long(out, 0, number)].tobytes()
