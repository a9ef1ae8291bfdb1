"""One pass over the bytes of decisions in this project's schema: the position of each field, and its numbers. Pure.

`ledger.ingest.bulk_decision_rows` interprets the strings. A row that is damaged, or whose features are not those of
the first row, is left out: it is read record by record (`ledger.ingest.table_rows`), with the same result.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.jit import inline, kernel

FRAME: Final = 5
"""Bytes before the record: a magic one, and the schema's id."""
NUMBERS: Final = 5
"""probability, margin, base_value, approve_below, decline_from."""
WHOLES: Final = 6
"""applied_at, outcome, contribution_space, source_partition, source_offset, source_schema_id."""
SPANS: Final = 7
"""decision_id, application_id, reasons, flags, fault, the strings from scorecard_name to source_topic, code_version."""
NULL, NUMBER, TEXT = 0, 1, 2
"""Branches of a value's union."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# `_long`, `_double`, `_text` and `_items` are also in `scorecard.decisions.bulk_decision_decoder`: a kernel calls its
# own module's kernels (`schemas.jit`). A place of -1 stands for bytes that are no decision, and goes through all that
# follows.


@inline
def _long(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
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
    if at < 0 or at + 8 > end:
        return np.nan, -1
    return float(data[at : at + 8].view(np.float64)[0]), at + 8


@inline
def _text(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    size, at = _long(data, at, end)
    if at < 0 or size < 0 or size > end - at:
        return 0, -1
    return at, at + size


@inline
def _items(data: Any, at: int, end: int) -> Any:  # pragma: no cover - compiled
    count, at = _long(data, at, end)
    if at >= 0 and count < 0:
        count = -count
        _, at = _long(data, at, end)
    return count, at


@inline
def _same(data: Any, one: Any, other: Any) -> bool:  # pragma: no cover - compiled
    """Whether two spans, (first, last) each, hold the same bytes."""
    if one[1] - one[0] != other[1] - other[0]:
        return False
    for step in range(one[1] - one[0]):  # noqa: SIM110 - numba has no all() of a generator
        if data[one[0] + step] != data[other[0] + step]:
            return False
    return True


@kernel
def features_of(data: Any, starts: Any, names: Any) -> int:  # noqa: C901 - pragma: no cover - compiled
    """How many features the first row explains; their names' spans go into `names`, shape (most, 2). -1 for no row."""
    end = starts[1]
    at = starts[0] + FRAME
    for _ in range(2):
        _, at = _text(data, at, end)
    for _ in range(2):
        _, at = _long(data, at, end)
    for _ in range(3):
        branch, at = _long(data, at, end)
        if branch == 1:
            _, at = _double(data, at, end)
        elif branch != 0:
            at = -1
    _, at = _long(data, at, end)
    count = 0
    left, at = _items(data, at, end)
    while at >= 0 and left > 0 and count < len(names):
        names[count, 0], at = _text(data, at, end)
        names[count, 1] = at
        branch, at = _long(data, at, end)
        if branch == NUMBER:
            _, at = _double(data, at, end)
        elif branch == TEXT:
            _, at = _text(data, at, end)
        elif branch != NULL:
            at = -1
        _, at = _double(data, at, end)
        count += 1
        left -= 1
        if left == 0:
            left, at = _items(data, at, end)
    return count if at >= 0 and left == 0 else -1


@kernel
def decode(  # noqa: C901, PLR0913, PLR0915 - one pass, field by field
    data: Any, starts: Any, names: Any, done: Any, spans: Any, numbers: Any, wholes: Any, branches: Any, values: Any,
    texts: Any, added: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Fills the columns of each row; `done` says of which.

    Args:
        data: all bytes.
        starts: shape (n + 1,): where each framed row begins.
        names: shape (features, 2): spans of the features' names.
        done: shape (n,).
        spans: shape (n, SPANS, 2); fault is empty where there is none.
        numbers: shape (n, NUMBERS); NaN for null.
        wholes: shape (n, WHOLES).
        branches: shape (n, features): NULL, NUMBER or TEXT.
        values: shape (n, features): numbers.
        texts: shape (n, features, 2): spans of texts.
        added: shape (n, features): contributions.
    """
    features = len(names)
    for row in range(len(starts) - 1):
        end = starts[row + 1]
        at = starts[row] + FRAME
        if at > end:
            continue
        for field in range(2):  # decision_id, application_id
            spans[row, field, 0], at = _text(data, at, end)
            spans[row, field, 1] = at
        for field in range(2):  # applied_at, outcome
            wholes[row, field], at = _long(data, at, end)
        for field in range(3):  # probability, margin, base_value
            branch, at = _long(data, at, end)
            if at >= 0 and branch == 1:
                numbers[row, field], at = _double(data, at, end)
            elif branch != 0:
                at = -1
        wholes[row, 2], at = _long(data, at, end)  # contribution_space
        nth = 0
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:
            first, at = _text(data, at, end)
            if at < 0 or nth >= features or not _same(data, (first, at), (names[nth, 0], names[nth, 1])):
                at = -1
                break
            branches[row, nth], at = _long(data, at, end)
            if branches[row, nth] == NUMBER:
                values[row, nth], at = _double(data, at, end)
            elif branches[row, nth] == TEXT:
                texts[row, nth, 0], at = _text(data, at, end)
                texts[row, nth, 1] = at
            elif branches[row, nth] != NULL:
                at = -1
            added[row, nth], at = _double(data, at, end)
            nth += 1
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        if nth != features:
            at = -1
        for field in range(3, 5):  # approve_below, decline_from
            numbers[row, field], at = _double(data, at, end)
        spans[row, 2, 0] = at
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:  # reasons: code, text, features
            for _ in range(2):
                _, at = _text(data, at, end)
            inner, at = _items(data, at, end)
            while at >= 0 and inner > 0:
                _, at = _text(data, at, end)
                inner -= 1
                if inner == 0:
                    inner, at = _items(data, at, end)
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        spans[row, 2, 1] = at
        spans[row, 3, 0] = at
        left, at = _items(data, at, end)
        while at >= 0 and left > 0:  # flags: feature, kind
            _, at = _text(data, at, end)
            _, at = _long(data, at, end)
            left -= 1
            if left == 0:
                left, at = _items(data, at, end)
        spans[row, 3, 1] = at
        branch, at = _long(data, at, end)  # fault
        if branch == 1:
            spans[row, 4, 0], at = _text(data, at, end)
            spans[row, 4, 1] = at
        elif branch != 0:
            at = -1
        spans[row, 5, 0] = at
        for _ in range(7):  # scorecard's name, version, digest, family; policy's version; reference; source topic
            _, at = _text(data, at, end)
        spans[row, 5, 1] = at
        for field in range(3, 6):
            wholes[row, field], at = _long(data, at, end)
        spans[row, 6, 0], at = _text(data, at, end)
        spans[row, 6, 1] = at
        done[row] = at == end
