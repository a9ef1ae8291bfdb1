"""Avro values of any admitted writer, resolved to the types that this project expects.

Avro's schema resolution, extended by logical types: a value is read in the *writer's* unit and scale and
checked against the *reader's* type. A time is a `datetime` in UTC, a decimal the nearest double, a uuid its text.
Record names are not compared: the topic's own subject identifies their schema. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.avro_resolution import avro_values
from schemas.avro_resolution.avro_cursor import Cursor
from schemas.avro_resolution.avro_types import NO_DEFAULT, AvroField, AvroType
from schemas.avro_resolution.avro_values import NUMBERS, Read
from schemas.codec.wire_format import IncompatibleSchemaError, UndecodableError
from schemas.timestamps import time_of


def resolver(writer: AvroType, reader: AvroType) -> Read:
    """Reads what `writer` wrote as `reader`.

    Raises:
        IncompatibleSchemaError: no value can be. The function itself raises UndecodableError.
    """
    if writer.kind == "union":
        return _of_union(writer, reader)
    if reader.kind == "union":
        return resolver(writer, _branch(writer, reader))
    if reader.logical == "decimal":
        return avro_values.decimal(writer)
    if reader.logical.startswith("timestamp-"):
        return avro_values.instant(writer)
    if reader.kind in NUMBERS:
        return avro_values.number(writer, reader)
    return _RESOLVED[reader.kind](writer, reader)


def skipper(writer: AvroType) -> Read:
    """Passes over a value; its lengths, branches and symbols are checked, its text is not."""
    if writer.kind == "record":
        parts = [skipper(field.type) for field in writer.fields]
        return lambda cursor: [part(cursor) for part in parts]
    if writer.kind == "union":
        return _by_branch([skipper(branch) for branch in writer.inner])
    if writer.kind in ("array", "map"):
        return _repeater(skipper(writer.inner[0]), keyed=writer.kind == "map")
    return avro_values.unread(writer)


def match_field(fields: tuple[AvroField, ...], wanted: AvroField) -> AvroField | None:
    """The writer's field of the reader's name, or of one of its aliases."""
    by_name = {field.name: field for field in fields}
    return next((by_name[name] for name in (wanted.name, *wanted.aliases) if name in by_name), None)


def default_of(field: AvroField) -> Any:
    """The value of a field that the writer does not have.

    Raises:
        IncompatibleSchemaError: nothing does.
    """
    if field.default is NO_DEFAULT:
        raise IncompatibleSchemaError
    return _from_json(field.type, field.default)


def _of_union(writer: AvroType, reader: AvroType) -> Read:
    reads: list[Read] = []
    faults = []
    for branch in writer.inner:
        try:
            reads.append(resolver(branch, reader))
        except IncompatibleSchemaError as fault:
            faults.append(fault)
            reads.append(_refuse)
    if len(faults) == len(reads):
        raise faults[0]
    return _by_branch(reads)


def _by_branch(reads: list[Read]) -> Read:
    def read(cursor: Cursor) -> Any:
        branch = cursor.long()
        if not 0 <= branch < len(reads):
            raise UndecodableError
        return reads[branch](cursor)

    return read


def _refuse(_cursor: Cursor) -> Any:
    raise UndecodableError


def _branch(writer: AvroType, reader: AvroType) -> AvroType:
    """The reader's branch of the writer's kind, else the first that can be read."""
    for branch in sorted(reader.inner, key=lambda each: each.kind != writer.kind):
        try:
            resolver(writer, branch)
        except IncompatibleSchemaError:
            continue
        return branch
    raise IncompatibleSchemaError


def _sequence(writer: AvroType, reader: AvroType) -> Read:
    if writer.kind != reader.kind:
        raise IncompatibleSchemaError
    return _repeater(resolver(writer.inner[0], reader.inner[0]), keyed=writer.kind == "map")


def _repeater(item: Read, *, keyed: bool) -> Read:
    def read(cursor: Cursor) -> Any:
        found: list[Any] = []
        # Each item takes a byte at least, so the bytes end before a count of strangers does.
        while count := cursor.long():
            if count < 0:
                cursor.long()
            for _ in range(abs(count)):
                key = cursor.sized_bytes().decode() if keyed else ""
                found.append((key, item(cursor)))
        return dict(found) if keyed else [value for _, value in found]

    return read


def _record(writer: AvroType, reader: AvroType) -> Read:
    if writer.kind != "record":
        raise IncompatibleSchemaError
    pairs = [(field, match_field(writer.fields, field)) for field in reader.fields]
    absent = [field for field, theirs in pairs if theirs is None]
    for field in absent:
        default_of(field)
    wanted = {theirs.name: field for field, theirs in pairs if theirs is not None}
    steps = [
        (wanted[field.name].name, resolver(field.type, wanted[field.name].type))
        if field.name in wanted
        else ("", skipper(field.type))
        for field in writer.fields
    ]

    def read(cursor: Cursor) -> Mapping[str, Any]:
        # Mutable values are created for each record.
        found = {field.name: default_of(field) for field in absent}
        for name, step in steps:
            found[name] = step(cursor)
        found.pop("", None)
        return found

    return read


def _from_json(kind: AvroType, value: Any) -> Any:
    """A default as a value; of a union it is one of the first branch that it fits."""
    if kind.kind == "union":
        fitting = [branch for branch in kind.inner if (branch.kind == "null") == (value is None)]
        if not fitting:
            raise IncompatibleSchemaError
        return _from_json(fitting[0], value)
    if kind.kind == "record":
        return {
            field.name: _from_json(field.type, value[field.name]) if field.name in value else default_of(field)
            for field in kind.fields
        }
    if kind.kind == "array":
        return [_from_json(kind.inner[0], item) for item in value]
    if kind.logical == "decimal":
        return int.from_bytes(value.encode("latin-1"), "big", signed=True) / 10**kind.scale
    if kind.logical.startswith("timestamp-"):
        return time_of(value)
    return value


_RESOLVED: Final[Mapping[str, Callable[[AvroType, AvroType], Read]]] = {
    "null": avro_values.nothing,
    "string": avro_values.text,
    "bytes": avro_values.raw,
    "fixed": avro_values.raw,
    "enum": avro_values.enum,
    "array": _sequence,
    "map": _sequence,
    "record": _record,
}
