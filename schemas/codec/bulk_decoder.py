"""Bulk decoder of applications: one numba pass over a batch of framed Avro records, straight to columns.

A `schemas.codec.bulk_program` says what is decoded here. Unusual records (damage, an undeclared
category, a number too large for exact arithmetic) are left to the record-by-record reader of
`schemas.codec.application_decoder`, which names the fault: this pass never judges, so the two cannot disagree.
Every byte read is bounds-checked.

Pure. Avro's binary encoding: zigzag base-128 longs, little-endian floats, length-prefixed bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.codec.bulk_program import SKIPPED, TO_ID, TO_TIME, Op, Program, ProgramPart
from schemas.jit import inline, kernel

MOST_ID_BYTES: Final = 256
"""An id stands in every record about its application: a longer one is left to the other reader, which refuses it."""
EXACT: Final = 2**53
"""Below it an integer is a double exactly, and dividing it by a power of ten rounds once, as decimals do."""
MOST_UNITS: Final = 2**36
"""A time of more of its units is left to the other reader: its milliseconds might not fit in 64 bits."""

# A kernel knows constants of its own module only.
LONG: Final = int(Op.LONG)
DOUBLE: Final = int(Op.DOUBLE)
FLOAT: Final = int(Op.FLOAT)
BOOLEAN: Final = int(Op.BOOLEAN)
ENUM: Final = int(Op.ENUM)
FIXED: Final = int(Op.FIXED)
DECIMAL: Final = int(Op.DECIMAL)
FIXED_DECIMAL: Final = int(Op.FIXED_DECIMAL)
NOTHING: Final = int(Op.NOTHING)
OP: Final = int(ProgramPart.OP)
NULL_BRANCH: Final = int(ProgramPart.NULL_BRANCH)
JUMP: Final = int(ProgramPart.JUMP)
TARGET: Final = int(ProgramPart.TARGET)
SIZE: Final = int(ProgramPart.SIZE)
UNIT: Final = int(ProgramPart.UNIT)
EARLIEST: Final = int(ProgramPart.EARLIEST)
LATEST: Final = int(ProgramPart.LATEST)
FIRST: Final = int(ProgramPart.FIRST)
LAST: Final = int(ProgramPart.LAST)


@dataclass(frozen=True, slots=True)
class Flat:
    """What was decoded in bulk. Rows with `done` false hold nothing yet."""

    done: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]
    applied_at: npt.NDArray[np.int64]
    ids: Sequence[str]


def decode(program: Program, values: Sequence[bytes]) -> Flat:
    """Columns of framed values, all of them written as the program says.

    Args:
        values: framed records; the schema id is not looked at.
    """
    joined, starts = concatenate(values)
    matrix = np.empty((len(values), len(program.defaults)))
    applied_at = np.zeros(len(values), dtype=np.int64)
    spans = np.zeros((len(values), 2), dtype=np.int64)
    done = np.zeros(len(values), dtype=np.bool_)
    _decode(
        np.frombuffer(joined, dtype=np.uint8),
        starts,
        program.steps,
        program.divisors,
        program.level_starts,
        program.level_bytes,
        program.symbol_codes,
        program.defaults,
        matrix,
        applied_at,
        spans,
        done,
    )
    names = texts_at(joined, spans)
    if None in names:
        done[[name is None for name in names]] = False
    return Flat(done=done, values=matrix, applied_at=applied_at, ids=[name or "" for name in names])


def concatenate(values: Sequence[bytes]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """All values one after the other, and where each begins; the last place is where all end."""
    starts = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)), out=starts[1:])
    return b"".join(values), starts


def texts_at(joined: bytes, spans: npt.NDArray[np.int64]) -> list[str | None]:
    """The text in each span; None where it is no text.

    Args:
        joined: all values one after the other.
        spans: shape (n, 2); first byte and the one after the last.
    """
    # Nearly always texts are ASCII, and slices of one; twice as quick as decoding each.
    latin = joined.decode("latin-1")
    firsts, lasts = spans.T.tolist()
    texts = [latin[first:last] for first, last in zip(firsts, lasts, strict=True)]
    if "".join(texts).isascii():
        return list[str | None](texts)
    return [_text(joined[first:last]) for first, last in spans.tolist()]


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


@inline
def _long(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    """A zigzag long and the place after it; place -1 where it does not end in time."""
    bits = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(63):
        byte = data[at]
        at += 1
        bits |= np.uint64(byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return np.int64(bits >> np.uint64(1)) ^ -np.int64(bits & np.uint64(1)), at
        shift += np.uint64(7)
    return np.int64(0), -1


@inline
def _double(data: Any, at: int) -> float:  # pragma: no cover - compiled
    return float(data[at : at + 8].view(np.float64)[0])


@inline
def _float(data: Any, at: int) -> float:  # pragma: no cover - compiled
    return float(data[at : at + 4].view(np.float32)[0])


@inline
def _integer(data: Any, at: int, size: int) -> Any:  # pragma: no cover - compiled
    """A big-endian two's complement integer of at most eight bytes."""
    number = np.int64(-1) if data[at] >= 0x80 else np.int64(0)  # noqa: PLR2004 - the sign bit
    for place in range(size):
        number = (number << 8) | np.int64(data[at + place])
    return number


@inline
def _level(  # pragma: no cover - compiled  # noqa: PLR0913 - a kernel takes arrays
    data: Any, at: int, size: int, first: int, last: int, starts: Any, levels: Any
) -> int:
    """The place of the level that these bytes spell, -1 for none."""
    for level in range(first, last):
        begin = starts[level]
        if starts[level + 1] - begin != size:
            continue
        same = True
        for place in range(size):
            if levels[begin + place] != data[at + place]:
                same = False
                break
        if same:
            return level - first
    return -1


@kernel
def _decode(  # noqa: C901, PLR0913, PLR0915 - one pass, one loop
    data: Any, starts: Any, steps: Any, divisors: Any, level_starts: Any, level_bytes: Any, symbol_codes: Any,
    defaults: Any, values: Any, applied_at: Any, spans: Any, done: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    for row in range(len(starts) - 1):
        at = starts[row] + 5
        end = starts[row + 1]
        good = at <= end
        values[row] = defaults
        place = 0
        while good and place < len(steps):
            op = steps[place, OP]
            target = steps[place, TARGET]
            null_branch = steps[place, NULL_BRANCH]
            number = np.nan
            whole = np.int64(0)
            absent = False
            if null_branch >= 0:
                branch, at = _long(data, at, end)
                if at < 0 or branch < 0 or branch > 1:
                    good = False
                    break
                absent = branch == null_branch
            if absent:
                good = target >= SKIPPED
                place += steps[place, JUMP]
            elif op == LONG:
                whole, at = _long(data, at, end)
                good = at >= 0
                number = float(whole)
            elif op == DOUBLE:
                good = at + 8 <= end
                if good:
                    number = _double(data, at)
                    at += 8
            elif op == FLOAT:
                good = at + 4 <= end
                if good:
                    number = _float(data, at)
                    at += 4
            elif op == BOOLEAN:
                good = at < end and data[at] <= 1
                if good:
                    number = float(data[at])
                    at += 1
            elif op == ENUM:
                whole, at = _long(data, at, end)
                good = at >= 0 and whole >= 0 and whole < steps[place, LAST] - steps[place, FIRST]
                if good and target >= 0:
                    code = symbol_codes[steps[place, FIRST] + whole]
                    good = code >= 0
                    number = float(code)
            elif op != NOTHING:
                size = steps[place, SIZE]
                if op != FIXED and op != FIXED_DECIMAL:
                    size, at = _long(data, at, end)
                good = at >= 0 and size >= 0 and size <= end - at
                if good and op in (DECIMAL, FIXED_DECIMAL):
                    good = size >= 1 and size <= 8  # noqa: PLR2004 - bytes of a long
                    if good:
                        whole = _integer(data, at, size)
                        number = whole / divisors[place]
                        good = whole > -EXACT and whole < EXACT
                elif good and target >= 0:
                    code = _level(data, at, size, steps[place, FIRST], steps[place, LAST], level_starts, level_bytes)
                    good = code >= 0
                    number = float(code)
                elif good and target == TO_ID:
                    good = size > 0 and size <= MOST_ID_BYTES
                    spans[row, 0] = at
                    spans[row, 1] = at + size
                if good:
                    at += size
            if good and target >= 0:
                if not absent and np.isnan(number):
                    number = np.inf
                values[row, target] = number
            elif good and target == TO_TIME:
                unit = steps[place, UNIT]
                good = unit == 1 or (whole > -MOST_UNITS and whole < MOST_UNITS) or unit < 0
                whole = whole // -unit if unit < 0 else whole * unit
                good = good and whole >= steps[place, EARLIEST] and whole <= steps[place, LATEST]
                applied_at[row] = whole
            place += 1
        done[row] = good and at == end
