"""One application as a person gives it: as JSON, or field by field at a prompt. Checked as the gateway checks it."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from gateway.api.request_model import application_model, contradictions, record_of
from gateway.desk.forms import body_of_form
from gateway.problems import field_errors
from schemas.contract.contract import Contract, Field, Kind
from schemas.errors import SetupError

Ask = Callable[[str], str]
"""A question, and what was typed."""


class InvalidApplicationError(SetupError):
    """It cannot be scored; names each field at fault, and no value."""


def record(contract: Contract, body: bytes, application_id: str, now: datetime) -> dict[str, Any]:
    """The Avro record of an application given as JSON.

    Args:
        application_id: its id, where it names none.
        now: when it was signed, where it does not say.

    Raises:
        InvalidApplicationError: names every field at fault.
    """
    try:
        model = application_model(contract).model_validate_json(body)
    except ValidationError as fault:
        raise _refusal([(each.pointer, each.detail) for each in field_errors(fault)]) from None
    named = getattr(model, contract.id_field) or application_id
    found = record_of(contract, model, named, now)
    wrong = contradictions(contract, [found])
    if wrong:
        raise _refusal([(each.pointer, each.detail) for each in wrong])
    return found


def prompt_fields(contract: Contract, ask: Ask) -> bytes:
    """The body of an application, asked field by field; an empty line leaves an optional field out."""
    answers = {field.name: ask(_question(field)).strip() for field in contract.observed if field.column}
    return body_of_form(contract, answers)


def example(contract: Contract) -> Mapping[str, Any]:
    """An application that can be scored: the middle of each range, the first level of each category."""
    return {field.name: _middle(field) for field in contract.observed if not (field.nullable or field.ratio_of)}


def _question(field: Field) -> str:
    levels = f" ({', '.join(field.levels)})" if field.levels else ""
    unit = f" [{field.unit}]" if field.unit else ""
    return f"{field.label}{unit}{levels}{', may be empty' if field.nullable else ''}"


def _middle(field: Field) -> Any:
    if field.kind is Kind.CATEGORY:
        return field.levels[0]
    low, high = field.low, field.high
    low = low if math.isfinite(low) else 0.0
    high = high if math.isfinite(high) else low + 1.0
    # Money and counts lie on a logarithmic scale.
    return int(math.sqrt(max(low, 1.0) * max(high, 1.0)))


def _refusal(wrong: list[tuple[str, str]]) -> InvalidApplicationError:
    problems = [f"{pointer.strip('/') or 'application'}: {detail}" for pointer, detail in wrong]
    return InvalidApplicationError("; ".join(problems))


def plain(value: Any) -> Any:
    """For `json.dumps`: times in ISO 8601, decimals as numbers."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def as_json(decision: Mapping[str, Any]) -> str:
    return json.dumps(dict(decision), default=plain, indent=2)
