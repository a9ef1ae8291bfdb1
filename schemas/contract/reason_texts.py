"""Adverse-action reasons as a contract states them: codes, texts, and the fact that a text asserts.

A text without `when` is neutral: it is true of every value. One with `when` is given only to applicants of whom the
fact holds. A direction can be stated only where `monotone` binds the risk to it: where risk is free to fall with a
higher income, "income insufficient" would be false for some. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self


class FactState(StrEnum):
    """A text's statement about one field."""

    LOW = "low"
    """Under the median of the just approved."""
    HIGH = "high"
    """Over it."""
    MISSING = "missing"
    LEVEL = "level"
    """One of the levels named."""


RISKY: Final = {FactState.LOW: -1, FactState.HIGH: 1}
"""The direction of risk (`monotone`) in which each is adverse."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One condition of a text, on one field; `levels` for `FactState.LEVEL` alone."""

    field: str
    state: FactState
    levels: tuple[str, ...] = ()

    @classmethod
    def of(cls, field: str, stated: str | list[str]) -> Self:
        """As a schema writes it: `low`, `high`, `missing`, or a list of levels."""
        if isinstance(stated, list):
            return cls(field, FactState.LEVEL, tuple(stated))
        state = FactState(stated)
        if state is FactState.LEVEL:
            raise ValueError(field)
        return cls(field, state)


@dataclass(frozen=True, slots=True)
class ReasonText:
    """An adverse-action reason: a stable code, the applicant's words for it, and the fact that they assert."""

    code: str
    text: str
    when: tuple[Fact, ...] = ()
    """All must hold; none for a neutral text."""

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Self:
        """As a schema writes it.

        Raises:
            KeyError, TypeError, ValueError: an attribute is absent, unknown or malformed.
        """
        when = tuple(Fact.of(field, stated) for field, stated in spec.get("when", {}).items())
        return cls(**{**spec, "when": when})


def texts_of(specs: Mapping[str, Mapping[str, Any]], name: str) -> tuple[ReasonText, ...]:
    """The reasons of one field in the order in which they are tried, the one without a choice last.

    Args:
        name: of the field; a `reason` that is a name shares the reasons of that field.

    Raises:
        KeyError, TypeError, ValueError: the reasons are malformed, or shared with a field that has none of its own.
    """
    reason = specs[name].get("reason")
    if reason is None:
        return ()
    owner = name
    if isinstance(reason, str):
        owner, reason = reason, specs[reason]["reason"]
    return tuple(ReasonText.of(spec) for spec in (*specs[owner].get("reasons", ()), reason))
