"""The program of `schemas.codec.bulk_decoder`: how a writer's fields become columns of applications.

Every admitted writer whose fields are of flat types has one, in any order, with more or fewer fields than the
contract: nested records are flattened, fields that the contract does not know are skipped, fields that the
writer does not have get the contract's default. Unions other than of null and one type have none. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.avro_resolution.avro_reader import match_field, resolver
from schemas.avro_resolution.avro_types import AvroField, AvroType
from schemas.avro_resolution.avro_values import PLAIN_EARLIEST_MS, PLAIN_LATEST_MS, UNITS
from schemas.avro_resolution.field_types import bare
from schemas.codec.wire_format import IncompatibleSchemaError
from schemas.contract.contract import Contract, Kind

SKIPPED: Final = -1
TO_ID: Final = -2
TO_TIME: Final = -3

EARLIEST_MS: Final = -62_135_596_800_000
LATEST_MS: Final = 253_402_300_799_999
"""Years 1 to 9999: beyond them the other reader has no date."""
MOST_STEPS: Final = 512


class Op(IntEnum):
    """What a step reads."""

    LONG = 0
    DOUBLE = 1
    FLOAT = 2
    BOOLEAN = 3
    ENUM = 4
    TEXT = 5
    """Bytes after their length."""
    FIXED = 6
    DECIMAL = 7
    FIXED_DECIMAL = 8
    NOTHING = 9


class ProgramPart(IntEnum):
    """Columns of `Program.steps`."""

    OP = 0
    NULL_BRANCH = 1
    """Which branch of a union is null: 0, 1, or -1 where the field is no union."""
    JUMP = 2
    """Steps that fall away with a null: those of the record that it stands for."""
    TARGET = 3
    """Column of the value matrix, or one of SKIPPED, TO_ID, TO_TIME."""
    SIZE = 4
    """Bytes of a fixed type."""
    UNIT = 5
    """Of a time: milliseconds of one; where negative, how many make a millisecond."""
    EARLIEST = 6
    LATEST = 7
    """Of a time, in milliseconds since 1970, inclusive."""
    FIRST = 8
    LAST = 9
    """Which of the levels, or of the symbols' codes, are this field's."""


@dataclass(frozen=True, slots=True)
class Program:
    """How to read one flat record.

    `level_bytes[level_starts[i]:level_starts[i + 1]]` is the i-th level of all fields one after the other.
    """

    steps: npt.NDArray[np.int64]
    """Shape (steps, len(Part))."""
    divisors: npt.NDArray[np.float64]
    """Shape (steps,); of a decimal: 10 to its scale."""
    level_starts: npt.NDArray[np.int64]
    level_bytes: npt.NDArray[np.uint8]
    symbol_codes: npt.NDArray[np.int64]
    """The level that a symbol of a writer's enum spells; -1 for none."""
    defaults: npt.NDArray[np.float64]
    """Shape (observed fields,): the values of what the writer does not write."""


@dataclass(frozen=True, slots=True)
class _Step:
    op: Op
    target: int = SKIPPED
    null_branch: int = -1
    jump: int = 0
    size: int = 0
    unit: int = 1
    earliest: int = EARLIEST_MS
    latest: int = LATEST_MS
    divisor: float = 1.0
    levels: tuple[str, ...] = ()
    symbols: tuple[int, ...] | None = None


def program_of(
    contract: Contract, writer: AvroType, reader: AvroType, defaults: npt.NDArray[np.float64]
) -> Program | None:
    """How to read what this writer wrote; None where it must be read record by record.

    Args:
        contract: whose columns are filled.
        writer: a record that can be resolved to `reader`.
        reader: the fields that are read.
        defaults: shape (observed fields,); of what is absent.
    """
    pairs = [(match_field(writer.fields, ours), ours) for ours in reader.fields]
    wanted = {theirs.name: ours for theirs, ours in pairs if theirs is not None}
    steps: list[_Step] = []
    try:
        for field in writer.fields:
            steps += _steps(contract, field, wanted.get(field.name))
    except _NotFlatError:
        return None
    return _program(steps, defaults) if len(steps) <= MOST_STEPS else None


class _NotFlatError(Exception):
    """A field that no step reads."""


def _steps(contract: Contract, field: AvroField, ours: AvroField | None) -> Iterator[_Step]:
    kind, null_branch = bare(field.type), -1
    if field.type.kind == "union":
        if kind is field.type or len(field.type.inner) != 2:  # noqa: PLR2004 - null and one other
            raise _NotFlatError
        null_branch = 1 - field.type.inner.index(kind)
    if kind.kind == "record" and ours is None:
        nested = [step for inner in kind.fields for step in _steps(contract, inner, None)]
        yield _Step(Op.NOTHING, null_branch=null_branch, jump=len(nested))
        yield from nested
    else:
        step = _skip_step(kind) if ours is None else _read_step(contract, kind, ours)
        yield replace(step, null_branch=null_branch)


def _skip_step(kind: AvroType) -> _Step:
    if kind.kind == "enum":
        return _Step(Op.ENUM, symbols=(-1,) * len(kind.symbols))
    if kind.kind not in _OPS:
        raise _NotFlatError
    return _Step(_OPS[kind.kind], size=kind.size)


def _read_step(contract: Contract, kind: AvroType, ours: AvroField) -> _Step:
    step, name = _skip_step(kind), ours.name
    try:
        resolver(kind, ours.type)
    except IncompatibleSchemaError as cause:
        # Of a union only the null can be read.
        raise _NotFlatError from cause
    if name == contract.time_field:
        return _time(kind)
    if name == contract.id_field:
        if step.op is not Op.TEXT:
            raise _NotFlatError
        return replace(step, target=TO_ID)
    step = replace(step, target=contract.position[name])
    field = contract.observed[step.target]
    if field.kind is not Kind.CATEGORY:
        return _number(step, kind)
    if step.op is Op.ENUM:
        codes = {level: code for code, level in enumerate(field.levels)}
        return replace(step, symbols=tuple(codes.get(symbol, -1) for symbol in kind.symbols))
    if step.op is not Op.TEXT:
        raise _NotFlatError
    return replace(step, levels=field.levels)


def _time(kind: AvroType) -> _Step:
    multiplier, divisor = UNITS[kind.logical.removeprefix("local-")]
    step = _Step(Op.LONG, TO_TIME, unit=multiplier if divisor == 1 else -divisor)
    return step if kind.logical else replace(step, earliest=PLAIN_EARLIEST_MS, latest=PLAIN_LATEST_MS - 1)


def _number(step: _Step, kind: AvroType) -> _Step:
    if kind.logical == "decimal":
        op = Op.DECIMAL if kind.kind == "bytes" else Op.FIXED_DECIMAL
        return replace(step, op=op, divisor=10.0**kind.scale)
    if step.op not in (Op.LONG, Op.DOUBLE, Op.FLOAT, Op.BOOLEAN):
        raise _NotFlatError
    return step


def _program(steps: Sequence[_Step], defaults: npt.NDArray[np.float64]) -> Program:
    levels: list[bytes] = []
    codes: list[int] = []
    rows = np.zeros((len(steps), len(ProgramPart)), dtype=np.int64)
    for row, step in zip(rows, steps, strict=True):
        kept: list[bytes] | list[int] = levels if step.symbols is None else codes
        row[ProgramPart.FIRST] = len(kept)
        levels += [level.encode() for level in step.levels]
        codes += step.symbols or ()
        row[ProgramPart.LAST] = len(kept)
        row[: ProgramPart.FIRST] = (
            step.op, step.null_branch, step.jump, step.target, step.size, step.unit, step.earliest, step.latest
        )  # fmt: skip
    return Program(
        steps=rows,
        divisors=np.array([step.divisor for step in steps]),
        level_starts=np.cumsum([0, *map(len, levels)]),
        level_bytes=np.frombuffer(b"".join(levels) or b"\0", dtype=np.uint8),
        symbol_codes=np.array([*codes, -1], dtype=np.int64),
        defaults=defaults,
    )


_OPS: Final[Mapping[str, Op]] = {
    "null": Op.NOTHING,
    "boolean": Op.BOOLEAN,
    "int": Op.LONG,
    "long": Op.LONG,
    "float": Op.FLOAT,
    "double": Op.DOUBLE,
    "bytes": Op.TEXT,
    "string": Op.TEXT,
    "fixed": Op.FIXED,
}
