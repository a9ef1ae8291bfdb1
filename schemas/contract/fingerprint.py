"""Digests of the parts of an application schema that change an answer; prose does not.

Two schemas that differ in `doc`, `column`, `metric`, labels or an ignored field answer alike. A schema that only
adds fields, or levels after those that a field has, answers as before for a scorecard that does not know them. Pure:
parsed JSON in, digests out.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

FieldDigests = tuple[tuple[str, str], ...]
"""Name and digest of each field, in schema order: the order of contributions, and of reasons that tie."""

ANSWERING: Final[Sequence[tuple[str, Any]]] = (
    ("type", None),
    ("role", None),
    ("unit", ""),
    ("range", None),
    ("levels", []),
    ("unknown", "refer"),
    ("missing", False),
    ("monotone", 0),
    ("ratio_of", None),
    ("tolerance", None),
    ("at_most", None),
    ("reason", None),
)
"""Attributes of a field that change an answer, and what an absent one means."""
LATER: Final = ("reasons",)
"""Such attributes that came after scorecards named digests: of a field without them the digest is that of before."""

PROSE: Final = frozenset({"doc"})
NEWER: Final = frozenset({"title", "actionable", "groups", "reference"})
"""Attributes that no schema had when scorecards named its text; they change no decision."""
IGNORED: Final = "ignored"
DIGITS: Final = 16

CREDIT_RISK: Final = "5ca3c5e7841e53827e6701bba4087d7cf272b709940b32dc6e8c4f0dec9e808e"
LENDING_CLUB: Final = "07cf2848de631b7a64f65c459fe912963caddf3fd7802625588c8d86a3483837"
FORMER: Final[Mapping[str, str]] = {
    # Digests over all of their text, which scorecards named first.
    "fb6ef8acaac6f3aa2b8d6e0fcf1f614c2a4018b4aecb5927217fbf0ef583605f": CREDIT_RISK,
    "5761146075726c06587e6566294d66ae0b5793a0cbda451d32f2a5ba35cb1c1f": LENDING_CLUB,
    # Fingerprints from before reasons stated facts: the same probabilities, and of the reasons the true ones.
    "de1d2aa893ce7197c814bdd79895b5b16e654a3ca9f63dcd88ca9f17ba735f08": CREDIT_RISK,
    "b4a89ec02708ad3ea966f2ad92127f89b51d16b5b0690c8ecd041dac4851b56d": LENDING_CLUB,
}
"""Fingerprints of the packaged schemas by what scorecards named them before."""


def field_digests(schema: Mapping[str, Any]) -> FieldDigests:
    """Of every field that is not ignored."""
    return tuple((field["name"], _field_digest(schema["product"], field)) for field in _answering_fields(schema))


def fingerprint(digests: FieldDigests) -> str:
    """SHA-256 over the digests of all fields, hexadecimal."""
    return _digest(digests)


def text_digest(schema: Mapping[str, Any]) -> str:
    """SHA-256 over all of a schema but `NEWER`, prose included: what scorecards named before fingerprints."""
    fields = [{name: value for name, value in field.items() if name not in NEWER} for field in schema["fields"]]
    return _digest({**schema, "fields": fields})


def extends(schema: Mapping[str, Any], former: Iterable[Sequence[str]]) -> bool:
    """Whether a schema has all fields of a former one, in the same order, and perhaps others.

    A field is the former one if nothing has changed but levels that were added after its own.

    Args:
        former: the former schema's `field_digests`.
    """
    wanted = [(name, digest) for name, digest in former]
    ours = iter(_answering_fields(schema))
    return bool(wanted) and all(
        any(name == field["name"] and digest in _digests_so_far(schema["product"], field) for field in ours)
        for name, digest in wanted
    )


def _answering_fields(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [field for field in schema["fields"] if field["role"] != IGNORED]


def _digests_so_far(product: str, field: Mapping[str, Any]) -> Iterator[str]:
    """The field's digest, and those from before its last level, its last two, ... were added."""
    yield _field_digest(product, field)
    levels = field.get("levels", ())
    for kept in range(len(levels) - 1, 0, -1):
        yield _field_digest(product, {**field, "levels": levels[:kept]})


def _field_digest(product: str, field: Mapping[str, Any]) -> str:
    return _digest([product, field["name"], _facts(field)])[:DIGITS]


def _facts(field: Mapping[str, Any]) -> Sequence[Any]:
    later = [[name, _plain(field[name])] for name in LATER if name in field]
    return [*(_plain(field.get(name, absent)) for name, absent in ANSWERING), *later]


def _plain(value: Any) -> Any:
    """Without prose, and with numbers that are equal written alike."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if name not in PROSE}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value


def _digest(content: Any) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
