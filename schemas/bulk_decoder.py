"""Applications decoded in bulk: one numba pass over a batch of framed Avro records, straight to columns.

Only flat records whose fields have the contract's own types are decoded here. Whatever is odd in a
record (another schema, damage, an undeclared category, a number too large for exact arithmetic) is
left to the record-by-record reader of `schemas.application_decoder`, which names the fault: this pass never
judges, so the two cannot disagree. Every byte read is bounds-checked.

Pure. Avro's binary encoding: zigzag base-128 longs, little-endian doubles, length-prefixed bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.contract import Contract, Field, Kind
from schemas.jit import inlined, kernel

LONG: Final = 0
DOUBLE: Final = 1
DECIMAL: Final = 2
TEXT: Final = 3
BOOLEAN: Final = 4

SKIPPED: Final = -1
TO_ID: Final = -2
TO_TIME: Final = -3

EARLIEST_MS: Final = -62_135_596_800_000
LATEST_MS: Final = 253_402_300_799_999
"""Years 1 to 9999: beyond them the other reader has no date."""
MOST_ID_BYTES: Final = 256
"""An id stands in every record about its application: a longer one is left to the other reader, which refuses it."""
EXACT: Final = 2**53
"""Below it an integer is a double exactly, and dividing it by a power of ten rounds once, as decimals do."""

_PLAIN: Final[Mapping[Any, int]] = {
    "int": LONG,
    "long": LONG,
    "double": DOUBLE,
    "string": TEXT,
    "bytes": TEXT,
    "boolean": BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Program:
    """How to read one flat record: for each field of the writer what it is and where it goes.

    Arrays of shape (fields,), but for the levels: `level_bytes[level_starts[i]:level_starts[i + 1]]`
    is the i-th level, and field f owns levels `first_level[f]` to `first_level[f + 1]`.
    """

    kinds: npt.NDArray[np.int64]
    null_branch: npt.NDArray[np.int64]
    """Which union branch is null: 0, 1, or -1 where the field is no union."""
    targets: npt.NDArray[np.int64]
    """Column of the value matrix, or one of SKIPPED, TO_ID, TO_TIME."""
    limits: npt.NDArray[np.float64]
    """Of a decimal: 10 to its precision, beyond which the other reader rounds."""
    divisors: npt.NDArray[np.float64]
    first_level: npt.NDArray[np.int64]
    level_starts: npt.NDArray[np.int64]
    level_bytes: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Flat:
    """What was decoded in bulk. Rows with `done` false hold nothing yet."""

    done: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]
    applied_at: npt.NDArray[np.int64]
    ids: Sequence[str]


def program_of(contract: Contract, writer: Mapping[str, Any]) -> Program | None:
    """How to read what this writer wrote; None where it must be read record by record."""
    own = {spec["name"]: _core(spec["type"]) for spec in contract.schema["fields"]}
    theirs = {spec["name"]: _core(spec["type"]) for spec in writer.get("fields", ())}
    if any(theirs.get(name) != core for name, core in own.items()):
        return None
    shapes = [_shape(core) for core in theirs.values()]
    if any(shape is None for shape in shapes):
        return None
    fields = {field.name: field for field in contract.fields}
    levels = [_levels(fields.get(name)) for name in theirs]
    return _program(
        [shape for shape in shapes if shape],
        [_target(contract, name) for name in theirs],
        levels,
    )


def decode(program: Program, values: Sequence[bytes], columns: int) -> Flat:
    """Columns of framed values, all of them written as the program says.

    Args:
        program: of their writer.
        values: framed records; the schema id is not looked at.
        columns: of the value matrix.
    """
    joined, starts = laid_out(values)
    matrix = np.empty((len(values), columns))
    applied_at = np.zeros(len(values), dtype=np.int64)
    spans = np.zeros((len(values), 2), dtype=np.int64)
    done = np.zeros(len(values), dtype=np.bool_)
    _decode(
        np.frombuffer(joined, dtype=np.uint8),
        starts,
        program.kinds,
        program.null_branch,
        program.targets,
        program.limits,
        program.divisors,
        program.first_level,
        program.level_starts,
        program.level_bytes,
        matrix,
        applied_at,
        spans,
        done,
    )
    ids = _texts(joined, spans, done)
    return Flat(done=done, values=matrix, applied_at=applied_at, ids=ids)


def laid_out(values: Sequence[bytes]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """All values one after the other, and where each begins; the last place is where all end."""
    starts = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)), out=starts[1:])
    return b"".join(values), starts


def _texts(joined: bytes, spans: npt.NDArray[np.int64], done: npt.NDArray[np.bool_]) -> Sequence[str]:
    # Nearly always ids are ASCII, and slices of one text; twice as quick as decoding each.
    latin = joined.decode("latin-1")
    firsts, lasts = spans.T.tolist()
    texts = [latin[first:last] for first, last in zip(firsts, lasts, strict=True)]
    return texts if "".join(texts).isascii() else _decoded(joined, spans, done)


def _decoded(joined: bytes, spans: npt.NDArray[np.int64], done: npt.NDArray[np.bool_]) -> Sequence[str]:
    texts = []
    for row, (first, last) in enumerate(spans.tolist()):
        try:
            texts.append(joined[first:last].decode())
        except UnicodeDecodeError:
            done[row] = False
            texts.append("")
    return texts


def _core(avro_type: Any) -> Any:
    """An Avro type without attributes that do not change its bytes."""
    if isinstance(avro_type, list):
        return tuple(_core(branch) for branch in avro_type)
    if not isinstance(avro_type, Mapping):
        return avro_type
    kept = ("type", "logicalType", "precision", "scale", "items", "values", "symbols", "name")
    core = {name: _core(avro_type[name]) for name in kept if name in avro_type}
    return core["type"] if list(core) == ["type"] else tuple(sorted(core.items(), key=lambda item: item[0]))


def _shape(core: Any) -> tuple[int, int, float, float] | None:
    """Kind, null branch, limit and divisor; None for what is not flat."""
    null_branch = -1
    if isinstance(core, tuple) and "null" in core and len(core) == 2:  # noqa: PLR2004 - null and one other
        null_branch = core.index("null")
        core = core[1 - null_branch]
    if isinstance(core, str):
        kind = _PLAIN.get(core)
        return None if kind is None else (kind, null_branch, 0.0, 1.0)
    parts = dict(core) if isinstance(core, tuple) and all(isinstance(item, tuple) for item in core) else {}
    match parts:
        case {"type": "bytes", "logicalType": "decimal", "precision": precision}:
            return DECIMAL, null_branch, min(10.0**precision, EXACT), 10.0 ** parts.get("scale", 0)
        case {"type": "long", "logicalType": "timestamp-millis"}:
            return LONG, null_branch, 0.0, 1.0
    return None


def _target(contract: Contract, name: str) -> int:
    if name == contract.id_field:
        return TO_ID
    if name == contract.time_field:
        return TO_TIME
    return contract.position.get(name, SKIPPED)


def _levels(field: Field | None) -> tuple[bytes, ...]:
    if field is None or field.kind is not Kind.CATEGORY:
        return ()
    return tuple(level.encode() for level in field.levels)


def _program(
    shapes: Sequence[tuple[int, int, float, float]], targets: Sequence[int], levels: Sequence[tuple[bytes, ...]]
) -> Program:
    kinds, null_branch, limits, divisors = zip(*shapes, strict=True)
    every = [level for those in levels for level in those]
    return Program(
        kinds=np.array(kinds, dtype=np.int64),
        null_branch=np.array(null_branch, dtype=np.int64),
        targets=np.array(targets, dtype=np.int64),
        limits=np.array(limits),
        divisors=np.array(divisors),
        first_level=np.cumsum([0, *map(len, levels)]),
        level_starts=np.cumsum([0, *map(len, every)]),
        level_bytes=np.frombuffer(b"".join(every) or b"\0", dtype=np.uint8),
    )


@inlined
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


@inlined
def _double(data: Any, at: int) -> float:  # pragma: no cover - compiled
    return float(data[at : at + 8].view(np.float64)[0])


@inlined
def _integer(data: Any, at: int, size: int) -> Any:  # pragma: no cover - compiled
    """A big-endian two's complement integer of at most eight bytes."""
    number = np.int64(-1) if data[at] >= 0x80 else np.int64(0)  # noqa: PLR2004 - the sign bit
    for place in range(size):
        number = (number << 8) | np.int64(data[at + place])
    return number


@inlined
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
    data: Any, starts: Any, kinds: Any, null_branch: Any, targets: Any, limits: Any, divisors: Any,
    first_level: Any, level_starts: Any, level_bytes: Any, values: Any, applied_at: Any, spans: Any, done: Any,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    for row in range(len(starts) - 1):
        at = starts[row] + 5
        end = starts[row + 1]
        good = at <= end
        field = 0
        while good and field < len(kinds):
            kind = kinds[field]
            target = targets[field]
            number = np.nan
            whole = np.int64(0)
            absent = False
            if null_branch[field] >= 0:
                branch, at = _long(data, at, end)
                if at < 0 or branch < 0 or branch > 1:
                    good = False
                    break
                absent = branch == null_branch[field]
            if absent:
                good = target >= SKIPPED
            elif kind == LONG:
                whole, at = _long(data, at, end)
                good = at >= 0
                number = float(whole)
            elif kind == DOUBLE:
                good = at + 8 <= end
                if good:
                    number = _double(data, at)
                    at += 8
                    if np.isnan(number):
                        number = np.inf
            elif kind == BOOLEAN:
                good = at < end and data[at] <= 1 and target == SKIPPED
                at += 1
            else:
                size, at = _long(data, at, end)
                good = at >= 0 and size >= 0 and size <= end - at
                if good and kind == DECIMAL:
                    good = size >= 1 and size <= 8  # noqa: PLR2004 - bytes of a long
                    if good:
                        whole = _integer(data, at, size)
                        number = whole / divisors[field]
                        good = -limits[field] < whole and whole < limits[field]
                elif good and target >= 0:
                    code = _level(data, at, size, first_level[field], first_level[field + 1], level_starts, level_bytes)
                    good = code >= 0
                    number = float(code)
                elif good and target == TO_ID:
                    good = size > 0 and size <= MOST_ID_BYTES
                    spans[row, 0] = at
                    spans[row, 1] = at + size
                elif good:
                    # Skipped text must still be text: the other reader looks.
                    good = size == 0
                if good:
                    at += size
            if good and target >= 0:
                values[row, target] = number
            elif good and target == TO_TIME:
                good = whole >= EARLIEST_MS and whole <= LATEST_MS
                applied_at[row] = whole
            field += 1
        done[row] = good and at == end
