"""The form of an application, from the contract: its inputs, and the typed values as a request body. Pure."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.contract.contract import Contract, Field, Kind, Role

WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,9})?")
SENTENCE_END: Final = re.compile(r"(?<=\.)\s+")
SHOWN: Final = (Role.FEATURE, Role.WATCHED)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the form; `step` is empty for a choice of `levels`."""

    name: str
    label: str
    hint: str
    """The first sentence of the field's `doc`; what follows speaks to engineers."""
    unit: str
    required: bool
    levels: tuple[str, ...]
    step: str
    low: str
    high: str


def inputs_of(contract: Contract) -> list[Input]:
    """In schema order; the lender's prices and computed fields are left out."""
    types = {spec["name"]: spec["type"] for spec in contract.schema["fields"]}
    return [
        _input(field, types[field.name])
        for field in contract.observed
        if field.role in SHOWN and field.ratio_of is None
    ]


def body_of_form(contract: Contract, typed: Mapping[str, str]) -> bytes:
    """The typed values, as the JSON body of `/predict`; text that is no number stays text, which the model refuses."""
    types = {spec["name"]: spec["type"] for spec in contract.schema["fields"]}
    body = {
        field.name: _value(field, types[field.name], typed[field.name].strip())
        for field in contract.observed
        if typed.get(field.name, "").strip()
    }
    if typed.get(contract.id_field, "").strip():
        body[contract.id_field] = typed[contract.id_field].strip()
    return json.dumps(body).encode()


def _input(field: Field, avro: Any) -> Input:
    return Input(
        name=field.name,
        label=field.label,
        hint=_first_sentence(field.doc),
        unit=field.unit,
        required=not field.nullable,
        levels=field.levels,
        step="" if field.kind is Kind.CATEGORY else _step(_plain(avro)),
        low=_bound(field.low),
        high=_bound(field.high),
    )


def _first_sentence(text: str) -> str:
    return SENTENCE_END.split(text, maxsplit=1)[0]


def _step(avro: Any) -> str:
    if isinstance(avro, Mapping):
        return f"{10.0 ** -avro['scale']:.{avro['scale']}f}"
    return "1" if avro in ("int", "long") else "any"


def _bound(number: float) -> str:
    return f"{number:.12g}" if math.isfinite(number) else ""


def _plain(avro: Any) -> Any:
    return next(branch for branch in avro if branch != "null") if isinstance(avro, list) else avro


def _value(field: Field, avro: Any, text: str) -> Any:
    if field.kind is Kind.CATEGORY or isinstance(_plain(avro), Mapping):
        # A decimal travels as text: a float would round it.
        return text
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
