"""Characteristics on which a lender may not freely decide, and their permitted uses in a contract.

US law, as the packaged products are of that country: ECOA and Regulation B (12 CFR 1002.5, 1002.6) for sex, race,
color, religion, national origin and marital status; 12 CFR 1002.6(b)(2)(ii) for age; Regulation V (12 CFR 1022.30) for
medical information. A field declares its characteristic with `protected`; a field whose name suggests one must. Pure.
"""

import re
from enum import StrEnum
from typing import Final


class ProtectedCharacteristic(StrEnum):
    """The characteristic that a field, or some of its levels, reveals."""

    NONE = "none"
    """Said of a field whose name only sounds so."""
    AGE = "age"
    """Scored only where risk never rises with it: so no age of 62 or more counts against anybody."""
    SEX = "sex"
    RACE = "race"
    RELIGION = "religion"
    NATIONAL_ORIGIN = "national_origin"
    MARITAL_STATUS = "marital_status"
    DISABILITY = "disability"
    PUBLIC_ASSISTANCE = "public_assistance"
    MEDICAL = "medical"
    """Scored only where `scored_as` answers its levels as comparable ones, which are not medical."""


SUGGESTED: Final = {
    ProtectedCharacteristic.AGE: {"age", "birthday", "birthdate", "birth", "dob"},
    ProtectedCharacteristic.SEX: {"sex", "gender", "pregnancy", "pregnant"},
    ProtectedCharacteristic.RACE: {"race", "ethnicity", "ethnic", "color", "colour"},
    ProtectedCharacteristic.RELIGION: {"religion", "creed"},
    ProtectedCharacteristic.NATIONAL_ORIGIN: {"nationality", "citizenship", "birthplace"},
    ProtectedCharacteristic.MARITAL_STATUS: {"marital", "married", "spouse"},
    ProtectedCharacteristic.DISABILITY: {"disability", "disabled"},
}
"""Words of a field's name or column that suggest a characteristic."""
OLD_AGE: Final = 62.0
"""Years from which an applicant is elderly (12 CFR 1002.2(o))."""
MEDICAL_LEVELS: Final = {"medical", "health", "healthcare", "hospital"}
"""Words of a level that suggest medical information."""
WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def suggestion(name: str) -> ProtectedCharacteristic:
    """The characteristic that the words of a name suggest; `NONE` for none."""
    words = _words(name)
    return next((kind for kind, signs in SUGGESTED.items() if words & signs), ProtectedCharacteristic.NONE)


def medical(level: str) -> bool:
    """Whether the words of a level suggest medical information."""
    return bool(_words(level) & MEDICAL_LEVELS)


def _words(name: str) -> set[str]:
    return {word.lower() for word in WORD.findall(name)}
