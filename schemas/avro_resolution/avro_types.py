"""Avro schemas as trees of types; foreign ones are refused if reading by them could do harm.

A schema that a registry accepts is not always safe to read: a recursive record is as deep as its bytes say, an array of
nulls counts to 2^33 in five bytes, and a decimal of a megabyte takes minutes to convert. Such schemas are
refused here, before any byte is read. Pure. Avro specification 1.12.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas.codec.wire_format import IncompatibleSchemaError

MOST_PRECISION: Final = 38
"""Digits of a decimal that tables hold (SQL, Parquet, Arrow)."""
MOST_DEPTH: Final = 16
MOST_TYPES: Final = 2_000
"""In one schema, each name written out: names of names can stand for more than fit in memory."""

LEAST_BYTES: Final[Mapping[str, int]] = {
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}
"""The primitive types, and the fewest bytes that a value of each takes."""
LOGICAL: Final = frozenset(
    {
        ("int", "date"),
        ("int", "time-millis"),
        ("long", "time-micros"),
        ("string", "uuid"),
        ("fixed", "uuid"),
        *(("long", f"{zone}timestamp-{unit}") for zone in ("", "local-") for unit in ("millis", "micros", "nanos")),
    }
)
"""Underlying and logical type; a logical type elsewhere, or an unknown one, is passed over, as Avro has it."""
NO_DEFAULT: Final = object()


@dataclass(frozen=True, slots=True)
class AvroType:
    """One type. `kind` is Avro's own name of it; which of the rest mean something follows from it.

    `inner` holds the branches of a union, or the one type of an array's items or a map's values.
    """

    kind: str
    logical: str = ""
    name: str = ""
    """Of a record, an enum or a fixed type, with its namespace."""
    scale: int = 0
    size: int = 0
    symbols: tuple[str, ...] = ()
    default_symbol: str | None = None
    inner: tuple["AvroType", ...] = ()
    fields: tuple["AvroField", ...] = ()
    least: int = 0
    """Fewest bytes of a value."""
    types: int = 1
    """How many types it is made of, itself included."""


@dataclass(frozen=True, slots=True)
class AvroField:
    """A field of a record. `default` is JSON, or NO_DEFAULT."""

    name: str
    type: AvroType
    aliases: tuple[str, ...] = ()
    default: Any = NO_DEFAULT


def avro_type(schema: Any, references: Sequence[Any] = (), *, repeated: bool = False) -> AvroType:
    """The type that a schema describes.

    Args:
        schema: as parsed JSON.
        references: schemas that it names, each after those that it names itself.
        repeated: whether arrays and maps are allowed, of what takes at least a byte each.

    Raises:
        IncompatibleSchemaError: no valid schema, or none to read strangers' bytes by.
    """
    parser = _Parser(repeated=repeated)
    try:
        for reference in references:
            parser.parse(reference, "", 0)
        return parser.parse(schema, "", 0)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as cause:
        raise IncompatibleSchemaError from cause


class _Parser:
    def __init__(self, *, repeated: bool) -> None:
        self._repeated = repeated
        self._named: dict[str, AvroType | None] = {}
        """None while a record is being parsed: naming it then is recursion."""

    def parse(self, spec: Any, namespace: str, depth: int) -> AvroType:
        if depth > MOST_DEPTH:
            raise IncompatibleSchemaError
        if isinstance(spec, str):
            found = self._by_name(spec, namespace)
        elif isinstance(spec, Sequence):
            found = self._union(spec, namespace, depth)
        else:
            found = self._parse_complex(spec, namespace, depth)
        if found.types > MOST_TYPES:
            raise IncompatibleSchemaError
        return found

    def _by_name(self, name: str, namespace: str) -> AvroType:
        if name in LEAST_BYTES:
            return AvroType(name, least=LEAST_BYTES[name])
        found = self._named.get(_full_name(name, namespace)) or self._named.get(name)
        if found is None:
            raise IncompatibleSchemaError
        return found

    def _union(self, specs: Sequence[Any], namespace: str, depth: int) -> AvroType:
        branches = tuple(self.parse(spec, namespace, depth + 1) for spec in specs)
        if not branches or any(branch.kind == "union" for branch in branches):
            raise IncompatibleSchemaError
        return AvroType("union", inner=branches, least=1 + min(b.least for b in branches), types=_types(branches))

    def _parse_complex(self, spec: Mapping[str, Any], namespace: str, depth: int) -> AvroType:
        kind = spec["type"]
        if not isinstance(kind, str):
            return self.parse(kind, namespace, depth + 1)
        if kind in ("record", "error", "enum", "fixed"):
            return self._definition(spec, kind, namespace, depth)
        if kind in ("array", "map"):
            return self._repetition(spec, kind, namespace, depth)
        return _with_logical(spec, self._by_name(kind, namespace))

    def _repetition(self, spec: Mapping[str, Any], kind: str, namespace: str, depth: int) -> AvroType:
        inner = self.parse(spec["items" if kind == "array" else "values"], namespace, depth + 1)
        if not self._repeated or not inner.least:
            raise IncompatibleSchemaError
        return AvroType(kind, inner=(inner,), least=1, types=1 + inner.types)

    def _definition(self, spec: Mapping[str, Any], kind: str, namespace: str, depth: int) -> AvroType:
        name = _full_name(spec["name"], spec.get("namespace", namespace))
        if name in self._named:
            raise IncompatibleSchemaError
        self._named[name] = None
        if kind == "enum":
            symbols = tuple(map(_text, spec["symbols"]))
            found = AvroType("enum", name=name, symbols=symbols, default_symbol=spec.get("default"), least=1)
        elif kind == "fixed":
            size = _whole(spec["size"], 0, 2**31)
            found = _with_logical(spec, AvroType("fixed", name=name, size=size, least=size))
        else:
            found = replace(self._record(spec, name.rpartition(".")[0], depth), name=name)
        self._named[name] = found
        return found

    def _record(self, spec: Mapping[str, Any], namespace: str, depth: int) -> AvroType:
        fields = tuple(
            AvroField(
                name=_text(field["name"]),
                type=self.parse(field["type"], namespace, depth + 1),
                aliases=tuple(field.get("aliases", ())),
                default=field.get("default", NO_DEFAULT),
            )
            for field in spec["fields"]
        )
        if len({field.name for field in fields}) != len(fields):
            raise IncompatibleSchemaError
        kinds = [field.type for field in fields]
        return AvroType("record", fields=fields, least=sum(kind.least for kind in kinds), types=_types(kinds))


def _with_logical(spec: Mapping[str, Any], found: AvroType) -> AvroType:
    logical = spec.get("logicalType", "")
    if (found.kind, logical) in LOGICAL:
        return replace(found, logical=logical)
    if logical != "decimal" or found.kind not in ("bytes", "fixed"):
        return found
    precision = _whole(spec["precision"], 1, MOST_PRECISION)
    return replace(found, logical="decimal", scale=_whole(spec.get("scale", 0), 0, precision))


def _types(kinds: Sequence[AvroType]) -> int:
    return 1 + sum(kind.types for kind in kinds)


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise IncompatibleSchemaError
    return value


def _whole(value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or not low <= value <= high:
        raise IncompatibleSchemaError
    return value
