"""Single values of any admitted writer, by the writer's unit and scale, checked against the reader's type.

A time is a `datetime` in UTC, a decimal the nearest double, a uuid its text. Pure.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.avro_resolution.avro_cursor import Cursor
from schemas.avro_resolution.avro_types import AvroType
from schemas.codec.wire_format import IncompatibleSchemaError, UndecodableError
from schemas.timestamps import time_of

Read = Callable[[Cursor], Any]

MOST_DECIMAL_BYTES: Final = 32
"""Twice what 38 digits take: writers may pad. Converting costs the square of the length."""
PLAIN_EARLIEST_MS: Final = 946_684_800_000
PLAIN_LATEST_MS: Final = 4_102_444_800_000
"""Years 2000 to 2099. A long without a logical type is taken for milliseconds, the reader's unit; seconds and
microseconds lie outside."""

UNITS: Final[Mapping[str, tuple[int, int]]] = {
    "": (1, 1),
    "date": (86_400_000, 1),
    "timestamp-millis": (1, 1),
    "timestamp-micros": (1, 1_000),
    "timestamp-nanos": (1, 1_000_000),
}
"""Milliseconds of one unit of a writer's time, as a fraction; fractions of a millisecond are cut off."""
NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("boolean",),
    "int": ("int",),
    "long": ("int", "long"),
    "float": ("int", "long", "float"),
    "double": ("int", "long", "float", "double"),
}
"""Which writers' types a reader's may be promoted from."""

PLAIN: Final[Mapping[str, Read]] = {
    "null": lambda _: None,
    "boolean": Cursor.boolean,
    "int": Cursor.long,
    "long": Cursor.long,
    "float": Cursor.single,
    "double": Cursor.double,
    "bytes": Cursor.sized_bytes,
    "string": Cursor.sized_bytes,
}


def unread(writer: AvroType) -> Read:
    """A value of one piece as it lies: text as bytes."""
    if writer.kind == "enum":
        return symbol(writer)
    if writer.kind == "fixed":
        return lambda cursor: cursor.take(writer.size)
    return PLAIN[writer.kind]


def number(writer: AvroType, reader: AvroType) -> Read:
    """A number or truth value, promoted as Avro allows; logical types of the writer change nothing."""
    if writer.kind not in NUMBERS[reader.kind]:
        raise IncompatibleSchemaError
    return PLAIN[writer.kind]


def decimal(writer: AvroType) -> Read:
    """A decimal of any scale; without the writer's scale the bytes have no meaning."""
    if writer.logical != "decimal":
        raise IncompatibleSchemaError
    divisor, lie = 10**writer.scale, unread(writer)

    def read(cursor: Cursor) -> float:
        digits: bytes = lie(cursor)
        if not 0 < len(digits) <= MOST_DECIMAL_BYTES:
            raise UndecodableError
        value: float = int.from_bytes(digits, "big", signed=True) / divisor
        return value

    return read


def instant(writer: AvroType) -> Read:
    """A time, to the millisecond. A local one is taken for UTC; a time of day is none."""
    unit = UNITS.get(writer.logical.removeprefix("local-"))
    plain = not writer.logical
    # A whole number without a unit may be milliseconds; one of 32 bits cannot hold them.
    if unit is None or writer.kind not in ("int", "long") or (plain and writer.kind == "int"):
        raise IncompatibleSchemaError
    multiplier, divisor = unit

    def read(cursor: Cursor) -> Any:
        milliseconds = cursor.long() * multiplier // divisor
        if plain and not PLAIN_EARLIEST_MS <= milliseconds < PLAIN_LATEST_MS:
            raise UndecodableError
        try:
            return time_of(milliseconds)
        except OverflowError as cause:
            raise UndecodableError from cause

    return read


def text(writer: AvroType, _reader: AvroType) -> Read:
    """Text, whatever it stands for: a uuid, a symbol."""
    if writer.kind == "enum":
        return symbol(writer)
    if writer.kind == "fixed" and writer.logical == "uuid" and writer.size == len(uuid.NAMESPACE_OID.bytes):
        return lambda cursor: str(uuid.UUID(bytes=cursor.take(writer.size)))
    if writer.kind not in ("string", "bytes") or writer.logical == "decimal":
        raise IncompatibleSchemaError

    def read(cursor: Cursor) -> str:
        try:
            return cursor.sized_bytes().decode()
        except UnicodeDecodeError as cause:
            raise UndecodableError from cause

    return read


def enum(writer: AvroType, reader: AvroType) -> Read:
    """A symbol that the reader knows, or its default."""
    if writer.kind != "enum":
        raise IncompatibleSchemaError
    read, known, default = symbol(writer), frozenset(reader.symbols), reader.default_symbol

    def resolve(cursor: Cursor) -> str:
        found: str = read(cursor)
        if found in known:
            return found
        if default is None:
            raise UndecodableError
        return default

    return resolve


def symbol(writer: AvroType) -> Read:
    """A symbol of the writer's."""
    symbols = writer.symbols

    def read(cursor: Cursor) -> str:
        place = cursor.long()
        if not 0 <= place < len(symbols):
            raise UndecodableError
        return symbols[place]

    return read


def raw(writer: AvroType, reader: AvroType) -> Read:
    """Bytes as they are."""
    alike = writer.kind == reader.kind == "fixed" and writer.size == reader.size
    if not alike and not (reader.kind == "bytes" and writer.kind in ("bytes", "string")):
        raise IncompatibleSchemaError
    return unread(writer)


def nothing(writer: AvroType, _reader: AvroType) -> Read:
    """A null."""
    if writer.kind != "null":
        raise IncompatibleSchemaError
    return PLAIN["null"]
