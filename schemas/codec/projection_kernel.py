"""One pass over framed events for `schemas.codec.bulk_projection`. Every byte read is bounds-checked. Pure."""

from typing import Any, Final

import numpy as np

from schemas.codec.projection_program import FieldOp
from schemas.jit import inline, kernel

FRAME: Final = 5
"""Bytes before the record: a magic one, and the schema's id."""
# A kernel knows constants of its own module only.
LONG: Final = int(FieldOp.LONG)
DOUBLE: Final = int(FieldOp.DOUBLE)
FLOAT: Final = int(FieldOp.FLOAT)
BOOLEAN: Final = int(FieldOp.BOOLEAN)
TEXT: Final = int(FieldOp.TEXT)
FIXED: Final = int(FieldOp.FIXED)
UNION: Final = int(FieldOp.UNION)
JUMP: Final = int(FieldOp.JUMP)
BLOCK: Final = int(FieldOp.BLOCK)
NEXT: Final = int(FieldOp.NEXT)

# `_long` stands in `schemas.codec.bulk_decoder`, too: see `schemas.jit` for why.


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
def _size(op: int, first: int) -> int:  # pragma: no cover - compiled
    """Bytes of what has a fixed number of them."""
    if op == DOUBLE:
        return 8
    if op == FLOAT:
        return 4
    if op == BOOLEAN:
        return 1
    return first if op == FIXED else 0


@kernel
def project(  # noqa: C901, PLR0913, PLR0915 - one pass, one loop
    data: Any, starts: Any, rows: Any, steps: Any, branches: Any, left: Any, numbers: Any, ends: Any, done: Any
) -> None:  # pragma: no cover - compiled
    """Fill the columns of some rows.

    Args:
        data: all values one after the other.
        starts: shape (n + 1,); where each begins.
        rows: those whose writer the program is of.
        steps: of the program.
        branches: likewise.
        left: room for a count at each depth.
        numbers: shape (n, columns); a number, the bits of a double, or where a text begins.
        ends: shape (n, columns); where a text ends; of others 0, and -1 for null.
        done: shape (n,).
    """
    for row in rows:
        at = starts[row] + FRAME
        end = starts[row + 1]
        good = at <= end
        place = 0
        depth = -1
        while good and place < len(steps):
            op = steps[place, 0]
            column = steps[place, 1]
            first = steps[place, 2]
            last = steps[place, 3]
            place += 1
            number = np.int64(0)
            until = np.int64(0)
            if op == LONG:
                number, at = _long(data, at, end)
                good = at >= 0 and (column < 0 or (number >= first and number <= last))
            elif op == TEXT:
                size, at = _long(data, at, end)
                good = at >= 0 and size >= 0 and size <= end - at
                if good:
                    number = np.int64(at)
                    at += size
                    until = np.int64(at)
                    if column >= 0:
                        letters = np.uint8(0)
                        for letter in range(number, until):
                            letters |= data[letter]
                        # Beyond ASCII it may be no text.
                        good = letters < 0x80  # noqa: PLR2004
            elif op == UNION:
                branch, at = _long(data, at, end)
                good = at >= 0 and branch >= 0 and branch < last - first
                if good:
                    place = branches[first + branch]
                continue
            elif op == JUMP:
                place = first
                continue
            elif op in (BLOCK, NEXT):
                if op == BLOCK:
                    depth += 1
                    left[depth] = 0
                else:
                    left[depth] -= 1
                if left[depth] <= 0:
                    left[depth], at = _long(data, at, end)
                    if at >= 0 and left[depth] < 0:
                        left[depth] = -left[depth]
                        _, at = _long(data, at, end)
                    # An item has a byte at least: a count beyond the bytes that are left would only be counted down.
                    good = at >= 0 and 0 <= left[depth] <= end - at
                if left[depth] == 0:
                    depth -= 1
                    place = first if op == BLOCK else place
                elif op == NEXT:
                    place = first
                continue
            else:
                size = _size(op, first)
                good = at + size <= end
                if good:
                    for byte in range(min(size, 8)):
                        number |= np.int64(data[at + byte]) << np.int64(8 * byte)
                    at += size
                    good = op != BOOLEAN or (number & 0xFF) <= 1
                    until = np.int64(0) if size else np.int64(-1)
            if column >= 0:
                numbers[row, column] = number
                ends[row, column] = until
        done[row] = good and at == end
