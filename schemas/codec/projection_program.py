"""Program of `schemas.codec.bulk_projection`: where in a writer's bytes the selected fields lie. Pure.

Every schema without recursion has one: what is not selected is passed over, arrays and maps block by block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.avro_resolution.avro_types import AvroType
from schemas.codec.bulk_program import EARLIEST_MS, LATEST_MS
from schemas.codec.wire_format import IncompatibleSchemaError

TIME: Final = "timestamp-millis"
PASSED: Final = -1
"""Column of what is not selected."""


class FieldOp(IntEnum):
    """What a step does; the meaning of its `first` and `last`."""

    LONG = 0
    """Reads a number; selected ones lie from `first` to `last`."""
    DOUBLE = 1
    FLOAT = 2
    BOOLEAN = 3
    TEXT = 4
    """Reads a length and so many bytes."""
    FIXED = 5
    """Passes over `first` bytes."""
    NULL = 6
    UNION = 7
    """Goes on where the branch says: places `first` to `last` of `FieldProgram.branches`."""
    JUMP = 8
    """Goes on at step `first`."""
    BLOCK = 9
    """Reads how many items a first block has; of none, goes on at step `first`."""
    NEXT = 10
    """After an item: goes on at step `first` while there is another one, in this block or the next."""


@dataclass(frozen=True, slots=True)
class FieldProgram:
    """Steps and branches."""

    steps: npt.NDArray[np.int64]
    """Shape (steps, 4): op, column, first, last."""
    branches: npt.NDArray[np.int64]
    depth: int
    """Arrays and maps that lie in each other."""


@dataclass(slots=True)
class _Step:
    op: FieldOp
    column: int = PASSED
    first: int = 0
    last: int = 0


def field_program(writer: AvroType, columns: Mapping[str, int]) -> FieldProgram:
    """How to read a record's fields.

    Args:
        writer: a record without recursion.
        columns: by the name of each selected field: of a plain type, or a union of null and one.
    """
    builder = _Builder()
    for field in writer.fields:
        builder.add(field.type, columns.get(field.name, PASSED))
    return FieldProgram(
        steps=np.array([[step.op, step.column, step.first, step.last] for step in builder.steps], dtype=np.int64),
        branches=np.array([*builder.branches, 0], dtype=np.int64),
        depth=builder.deepest + 1,
    )


class _Builder:
    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self.branches: list[int] = []
        self.deepest = 0
        self._depth = 0

    def add(self, kind: AvroType, column: int) -> None:
        if kind.kind == "record":
            for field in kind.fields:
                self.add(field.type, column)
        elif kind.kind == "union":
            self._add_union(kind.inner, column)
        elif kind.kind in ("array", "map"):
            self._add_items(kind)
        else:
            self.steps.append(replace(_plain_step(kind), column=column))

    def _add_union(self, inner: Sequence[AvroType], column: int) -> None:
        first = len(self.branches)
        self.branches += [0] * len(inner)
        self.steps.append(_Step(FieldOp.UNION, first=first, last=first + len(inner)))
        ends = []
        for place, branch in enumerate(inner, start=first):
            self.branches[place] = len(self.steps)
            self.add(branch, column)
            ends.append(_Step(FieldOp.JUMP))
            self.steps.append(ends[-1])
        for end in ends:
            end.first = len(self.steps)

    def _add_items(self, kind: AvroType) -> None:
        block = _Step(FieldOp.BLOCK)
        self.steps.append(block)
        begin = len(self.steps)
        self._depth += 1
        self.deepest = max(self.deepest, self._depth)
        if kind.kind == "map":
            self.steps.append(_Step(FieldOp.TEXT))
        self.add(kind.inner[0], PASSED)
        self._depth -= 1
        self.steps.append(_Step(FieldOp.NEXT, first=begin))
        block.first = len(self.steps)


def _plain_step(kind: AvroType) -> _Step:
    if kind.kind == "enum":
        return _Step(FieldOp.LONG, first=0, last=len(kind.symbols) - 1)
    if kind.kind == "fixed":
        return _Step(FieldOp.FIXED, first=kind.size)
    op = _OPS.get(kind.kind)
    if op is None:
        raise IncompatibleSchemaError
    if kind.logical == TIME:
        return _Step(op, first=EARLIEST_MS, last=LATEST_MS)
    whole = np.iinfo(np.int32 if kind.kind == "int" else np.int64)
    return _Step(op, first=int(whole.min), last=int(whole.max))


_OPS: Final[Mapping[str, FieldOp]] = {
    "null": FieldOp.NULL,
    "boolean": FieldOp.BOOLEAN,
    "int": FieldOp.LONG,
    "long": FieldOp.LONG,
    "float": FieldOp.FLOAT,
    "double": FieldOp.DOUBLE,
    "bytes": FieldOp.TEXT,
    "string": FieldOp.TEXT,
}
