"""Bulk decoder of decisions: one pass over bytes of this project's schema, for the fields that drift counts.

Pure. Bytes of another schema, and damaged ones, are left to the record-by-record reader
(`schemas.codec.projection`); both give the same. Skipped strings are not checked for being text.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from schemas.avro_resolution.avro_types import AvroType, avro_type
from schemas.avro_resolution.writer_schemas import record_type
from schemas.codec.bulk_decoder import concatenate, texts_at
from schemas.codec.bulk_program import EARLIEST_MS, LATEST_MS
from schemas.codec.event_codec import avro_schema
from schemas.errors import RecordError
from schemas.events.decisions import LoanDecision, Outcome
from schemas.jit import inline, kernel
from scorecard.reasons import MOST

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FRAME: Final = 5
"""Bytes before the record: a magic one, and the schema's id."""
NO_REASON: Final = -1
SYMBOLS: Final = len(Outcome)


@dataclass(frozen=True, slots=True)
class WordTable:
    """Strings to be recognised, one after the other."""

    letters: Bytes
    starts: Integers

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """These, in their order."""
        spelled = [word.encode() for word in words]
        starts = np.cumsum([0, *map(len, spelled)])
        return cls(np.frombuffer(b"".join(spelled) or b"\0", dtype=np.uint8), starts.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Decisions:
    """Columns of n rows; where `done` is false they mean nothing.

    `values` has shape (n, 1 + features): probability and contributions, NaN for none; `approve_below` is the cut-off
    that decided. `reasons` has shape (n, MOST): the place of each code, the number of codes for another one, -1 for
    none. `ours` says whether the reference is the one asked for; `outcomes` counts the schema's symbols.
    """

    done: npt.NDArray[np.bool_]
    ours: npt.NDArray[np.bool_]
    applied_at: Integers
    outcomes: Integers
    values: Floats
    approve_below: Floats
    reasons: Integers
    spans: Integers
    joined: bytes

    def names(self, rows: Integers) -> list[str | None]:
        """Whose decisions some rows are; None where it is no text."""
        return texts_at(self.joined, self.spans[rows])


def is_ours(writer: Any) -> bool:
    """Whether a writer's schema (a value of `Writers`) is the one that this module reads."""
    try:
        return record_type(writer, repeated=True) == _own()
    except RecordError:
        return False


@dataclass(frozen=True, slots=True)
class DecisionWords:
    """Strings of decisions that are recognised."""

    features: WordTable
    """Whose contributions are wanted."""
    codes: WordTable
    reference: Bytes
    """`reference_id` of the decisions that are wanted."""

    @classmethod
    def of(cls, features: Sequence[str], codes: Sequence[str], reference_id: str) -> Self:
        reference = np.frombuffer(reference_id.encode(), dtype=np.uint8)
        return cls(WordTable.of(features), WordTable.of(codes), reference)


def decode(values: Sequence[bytes | None], schema_ids: Collection[int], words: DecisionWords) -> Decisions:
    """Columns of values; done are none but those framed with one of our own schema's ids.

    Args:
        schema_ids: of writers that `is_ours` knows.
        words: what is recognised in them.
    """
    count, features, codes = len(values), words.features, words.codes
    joined, starts = concatenate([value or b"" for value in values])
    found = Decisions(
        done=np.zeros(count, dtype=np.bool_),
        ours=np.zeros(count, dtype=np.bool_),
        applied_at=np.zeros(count, dtype=np.int64),
        outcomes=np.zeros(count, dtype=np.int64),
        values=np.full((count, len(features.starts)), np.nan),
        approve_below=np.zeros(count),
        reasons=np.full((count, MOST), NO_REASON, dtype=np.int64),
        spans=np.zeros((count, 2), dtype=np.int64),
        joined=joined,
    )
    _decode(
        np.frombuffer(joined, dtype=np.uint8),
        starts,
        np.array(sorted(schema_ids), dtype=np.int64),
        features.letters,
        features.starts,
        codes.letters,
        codes.starts,
        words.reference,
        found.done,
        found.ours,
        found.applied_at,
        found.outcomes,
        found.values.view(np.int64),
        found.approve_below.view(np.int64),
        found.reasons,
        found.spans,
    )
    return found


def warm() -> None:
    """Compiles the pass, or loads it from the cache."""
    decode([b"\0"], (), DecisionWords.of((), (), "-"))


@lru_cache(maxsize=1)
def _own() -> AvroType:
    return avro_type(avro_schema(LoanDecision), repeated=True)


# `_long` and `_double` stand in `schemas.codec.bulk_decoder`, too: see `schemas.jit` for why.
# Here a place of -1 stands for bytes that are no decision, and goes through all that follows.


@inline
def _long(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    """A zigzag long and the place after it."""
    if at >= 0 and at < end and data[at] < 0x80:  # noqa: PLR2004 - the continuation bit; most lengths have one byte
        return np.int64(data[at] >> 1) ^ -np.int64(data[at] & 1), at + 1
    bits = np.uint64(0)
    shift = np.uint64(0)
    while at >= 0 and at < end and shift < np.uint64(63):
        byte = data[at]
        at += 1
        bits |= np.uint64(byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return np.int64(bits >> np.uint64(1)) ^ -np.int64(bits & np.uint64(1)), at
        shift += np.uint64(7)
    return np.int64(0), -1


@inline
def _double(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    """The bits of a number and the place after it."""
    bits = np.int64(0)
    if at < 0 or at + 8 > end:
        return bits, -1
    for place in range(8):  # one load, where a view of the bytes would count references
        bits |= np.int64(data[at + place]) << np.int64(8 * place)
    return bits, at + 8


@inline
def _framed(data: Any, at: int, schema_ids: Any) -> bool:  # pragma: no cover - compiled
    """Whether a frame names one of these schemas."""
    found = False
    if data[at] == 0:
        schema_id = np.int64(0)
        for place in range(1, FRAME):
            schema_id = (schema_id << 8) | np.int64(data[at + place])
        for known in schema_ids:
            found = found or known == schema_id
    return found


@inline
def _text(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    """Where a string begins, and the place after it."""
    size, at = _long(data, at, end)
    if at < 0 or size < 0 or size > end - at:
        return 0, -1
    return at, at + size


@inline
def _word(  # pragma: no cover - compiled  # noqa: PLR0913 - a kernel takes arrays
    data: Any, first: int, last: int, letters: Any, starts: Any, likely: int
) -> int:
    """The place of the word that these bytes spell, the likely one looked at first.

    The number of words for another one; -1 where that is beyond ASCII, and may be no text.
    """
    count = len(starts) - 1
    for step in range(count):
        place = (likely + step) % count
        begin = starts[place]
        if starts[place + 1] - begin != last - first:
            continue
        other = np.uint8(0)
        for letter in range(last - first):  # without a break: several letters at once
            other |= letters[begin + letter] ^ data[first + letter]
        if other == 0:
            return place
    for letter in range(first, last):
        if data[letter] >= 0x80:  # noqa: PLR2004 - the end of ASCII
            return -1
    return count


@inline
def _items(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    """How many items a block of an array holds, and the place of the first."""
    count, at = _long(data, at, end)
    if at >= 0 and count < 0:
        count = -count
        _, at = _long(data, at, end)
    return count, at


@kernel
def _decode(  # noqa: C901, PLR0913, PLR0915 - one pass, field by field
    data: Any, starts: Any, schema_ids: Any, feature_letters: Any, feature_starts: Any, code_letters: Any,
    code_starts: Any, reference: Any, done: Any, ours: Any, applied_at: Any, outcomes: Any, values: Any,
    approve_below: Any, reasons: Any, spans: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    features = len(feature_starts) - 1
    for row in range(len(starts) - 1):
        end = starts[row + 1]
        at = starts[row] + FRAME
        if at > end or not _framed(data, starts[row], schema_ids):
            continue
        _, at = _text(data, at, end)  # decision_id
        spans[row, 0], at = _text(data, at, end)  # application_id
        spans[row, 1] = at
        applied_at[row], at = _long(data, at, end)
        outcomes[row], at = _long(data, at, end)
        scored = np.int64(0)
        for nullable in range(3):  # probability, margin, base_value
            branch, at = _long(data, at, end)
            if at >= 0 and branch == 1:
                number, at = _double(data, at, end)
                if nullable == 0:
                    values[row, 0] = number
                    scored = np.int64(1)
            elif branch != 0:
                at = -1
        _, at = _long(data, at, end)  # contribution_space
        nth = 0
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:
            first, last = _text(data, at, end)  # feature
            branch, at = _long(data, last, end)
            if branch == 1:
                _, at = _double(data, at, end)
            elif branch == 2:  # noqa: PLR2004 - text
                _, at = _text(data, at, end)
            elif branch != 0:
                at = -1
            number, at = _double(data, at, end)
            if at < 0:
                break
            place = _word(data, first, last, feature_letters, feature_starts, nth)
            if place < 0:
                at = -1
                break
            if place < features and scored == 1:
                values[row, 1 + place] = number
            nth += 1
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        approve_below[row], at = _double(data, at, end)
        _, at = _double(data, at, end)  # decline_from
        nth = 0
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:
            first, last = _text(data, at, end)  # code
            _, at = _text(data, last, end)  # its words
            inner, at = _items(data, at, end)
            while at >= 0 and inner > 0:
                _, at = _text(data, at, end)  # a feature
                inner -= 1
                if inner == 0:
                    inner, at = _items(data, at, end)
            if at < 0:
                break
            place = _word(data, first, last, code_letters, code_starts, 0)
            if place < 0:
                at = -1
                break
            if nth < MOST:
                reasons[row, nth] = place
            nth += 1
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:  # flags
            _, at = _text(data, at, end)
            _, at = _long(data, at, end)
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        branch, at = _long(data, at, end)  # fault
        if branch == 1:
            _, at = _text(data, at, end)
        elif branch != 0:
            at = -1
        for _ in range(5):  # the scorecard's name, version, digest and family; the policy's version
            _, at = _text(data, at, end)
        first, at = _text(data, at, end)  # reference_id
        same = at >= 0 and at - first == len(reference)
        if same:
            for letter in range(len(reference)):
                if data[first + letter] != reference[letter]:
                    same = False
                    break
        ours[row] = same
        _, at = _text(data, at, end)  # source_topic
        for _ in range(3):  # partition, offset, schema id
            _, at = _long(data, at, end)
        _, at = _text(data, at, end)  # code_version
        # A time that no calendar has, and a symbol that is none, are for the other reader to judge.
        timely = applied_at[row] >= EARLIEST_MS and applied_at[row] <= LATEST_MS
        done[row] = at == end and timely and outcomes[row] >= 0 and outcomes[row] < SYMBOLS
