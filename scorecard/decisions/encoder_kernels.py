"""Kernels of `scorecard.decisions.encoder`, one for each part of the schema of a decision.

Avro's binary encoding: zigzag base-128 longs, little-endian doubles, strings and bytes after their
length, arrays as a counted block and a closing zero, a union's branch before its value.
"""

from typing import Any, Final

import numpy as np

from schemas.applications import UNSEEN
from schemas.jit import kernel

MISSING_FLAG: Final = 1
UNSEEN_FLAG: Final = 2
INVALID_FLAG: Final = 3
"""Places in the schema's `FlagKind`."""

ID_TEXT: Final = 36
"""Characters of a UUID."""
HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
DASH: Final = ord("-")


@kernel
def put_long(out: Any, at: int, number: int) -> int:  # pragma: no cover - compiled
    """Writes a zigzag long; the place after it."""
    bits = np.uint64((np.int64(number) << 1) ^ (np.int64(number) >> 63))
    while bits >= np.uint64(128):
        out[np.uint64(at)] = np.uint8(bits & np.uint64(127)) | np.uint8(128)
        bits >>= np.uint64(7)
        at += 1
    out[np.uint64(at)] = np.uint8(bits)
    return at + 1


@kernel
def _put_double(out: Any, at: int, number: float) -> int:  # pragma: no cover - compiled
    bits = np.float64(number).view(np.uint64)
    for place in range(8):
        out[np.uint64(at + place)] = np.uint8((bits >> np.uint64(8 * place)) & np.uint64(255))
    return at + 8


@kernel
def _put_bytes(out: Any, at: int, data: Any, first: int, last: int) -> int:  # pragma: no cover - compiled
    for place in range(last - first):
        # Unsigned: a signed place might count from the end, and asking keeps the copy from running in blocks.
        out[np.uint64(at + place)] = data[np.uint64(first + place)]
    return at + last - first


@kernel
def _put_word(out: Any, at: int, words: Any, word: int) -> int:  # pragma: no cover - compiled
    return _put_bytes(out, at, words.data, words.starts[word], words.starts[word + 1])


@kernel
def _put_uuid(out: Any, at: int, digest: Any) -> int:  # pragma: no cover - compiled
    """The 36 characters of a version 5 UUID (RFC 9562) after their length."""
    at = put_long(out, at, ID_TEXT)
    for place in range(16):
        byte = digest[place]
        if place == 6:  # noqa: PLR2004 - where the version stands
            byte = (byte & 0x0F) | 0x50
        elif place == 8:  # noqa: PLR2004 - where the variant stands
            byte = (byte & 0x3F) | 0x80
        if place in (4, 6, 8, 10):
            out[at] = DASH
            at += 1
        out[at] = HEX[byte >> 4]
        out[at + 1] = HEX[byte & 0x0F]
        at += 2
    return at


@kernel
def _put_scores(out: Any, at: int, phrases: Any, rows: Any, row: int) -> int:  # pragma: no cover - compiled
    """Probability, margin, base value, space and contributions of a scored application."""
    for number in (rows.probability[row], rows.margin[row], phrases.base_value):
        at = put_long(out, at, 1)
        at = _put_double(out, at, number)
    at = put_long(out, at, phrases.space)
    names, name_starts = phrases.names.data, phrases.names.starts
    levels, first_level, positions = phrases.levels, phrases.first_level, phrases.positions
    shown, contributions = rows.shown[row], rows.contributions[row]
    features = len(positions)
    at = put_long(out, at, features)
    for feature in range(features):
        at = _put_bytes(out, at, names, name_starts[feature], name_starts[feature + 1])
        at = _put_value(out, at, levels, first_level[feature], shown[positions[feature]])
        at = _put_double(out, at, contributions[feature])
    return put_long(out, at, 0)


@kernel
def _put_value(out: Any, at: int, levels: Any, first: int, value: float) -> int:  # pragma: no cover - compiled
    if np.isnan(value):
        return put_long(out, at, 0)
    if first < 0:
        return _put_double(out, put_long(out, at, 1), value)
    if value == UNSEEN:
        return put_long(out, at, 0)
    return _put_word(out, at, levels, first + int(value))


@kernel
def _put_reasons(out: Any, at: int, phrases: Any, rows: Any, row: int) -> int:  # pragma: no cover - compiled
    reasons, raised_for = rows.reasons[row], rows.raised_for[row]
    given = 0
    for reason in reasons:
        given += reason >= 0
    if given:
        at = put_long(out, at, given)
    for reason in reasons:
        if reason >= 0:
            at = _put_word(out, at, phrases.reasons, reason)
            at = _put_raised_features(out, at, phrases.names, raised_for, reason)
    return put_long(out, at, 0)


@kernel
def _put_raised_features(  # pragma: no cover - compiled
    out: Any, at: int, names: Any, raised_for: Any, reason: int
) -> int:
    """The names of the features that raised the risk and stand for this reason."""
    raised = 0
    for feature in range(len(raised_for)):
        raised += raised_for[feature] == reason
    if raised:
        at = put_long(out, at, raised)
    for feature in range(len(raised_for)):
        if raised_for[feature] == reason:
            at = _put_word(out, at, names, feature)
    return put_long(out, at, 0)


@kernel
def _flag(phrases: Any, rows: Any, row: int, feature: int) -> int:  # pragma: no cover - compiled
    """What is odd about a value: a place in `FlagKind`, 0 for nothing."""
    position = phrases.positions[feature]
    value = rows.values[row, position]
    if np.isnan(value):
        return MISSING_FLAG
    if phrases.first_level[feature] >= 0 and value == UNSEEN:
        return UNSEEN_FLAG
    return INVALID_FLAG if rows.fault_columns[row] == position else 0


@kernel
def _put_flags(out: Any, at: int, phrases: Any, rows: Any, row: int) -> int:  # pragma: no cover - compiled
    odd = 0
    for feature in range(len(phrases.positions)):
        odd += _flag(phrases, rows, row, feature) > 0
    if odd:
        at = put_long(out, at, odd)
    for feature in range(len(phrases.positions)):
        flag = _flag(phrases, rows, row, feature)
        if flag:
            at = _put_word(out, at, phrases.names, feature)
            at = put_long(out, at, flag)
    return put_long(out, at, 0)


@kernel
def _put_null_score(out: Any, at: int) -> int:  # pragma: no cover - compiled
    """Probability, margin and base value null, no space, no contributions."""
    for _ in range(3):
        at = put_long(out, at, 0)
    return put_long(out, put_long(out, at, 3), 0)


@kernel
def write(out: Any, ends: Any, phrases: Any, rows: Any) -> None:  # pragma: no cover - compiled
    """Writes every row, and into `ends` the place after each; `scorecard.decisions.encoder` tells what they hold."""
    at = 0
    for row in range(len(ends)):
        at = _put_bytes(out, at, phrases.header, 0, len(phrases.header))
        at = _put_uuid(out, at, rows.digests[row])
        first, last = rows.id_starts[row], rows.id_starts[row + 1]
        at = _put_bytes(out, put_long(out, at, last - first), rows.ids, first, last)
        at = put_long(out, at, rows.applied_at[row])
        at = put_long(out, at, rows.outcomes[row])
        scored = rows.fault_codes[row] == 0
        at = _put_scores(out, at, phrases, rows, row) if scored else _put_null_score(out, at)
        at = _put_bytes(out, at, phrases.cut_offs, 0, len(phrases.cut_offs))
        at = _put_reasons(out, at, phrases, rows, row)
        at = _put_flags(out, at, phrases, rows, row)
        at = _put_word(out, at, phrases.faults, rows.fault_codes[row])
        at = _put_bytes(out, at, phrases.scorecard, 0, len(phrases.scorecard))
        at = put_long(out, at, rows.partitions[row])
        at = put_long(out, at, rows.offsets[row])
        at = put_long(out, at, rows.schema_ids[row])
        at = _put_bytes(out, at, phrases.code_version, 0, len(phrases.code_version))
        ends[row] = at
