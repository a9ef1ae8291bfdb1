"""Roles, and who a caller is. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller is there for."""

    APPLICANT_SYSTEM = "applicant_system"
    """Submits applications and reads their decisions."""
    OFFICER = "officer"
    """Reviews referred applications."""
    AUDITOR = "auditor"
    """Reads decisions and how they were made."""
    OPERATOR = "operator"
    """Watches the system."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    name: str
    roles: frozenset[Role]


ANYBODY = Principal("anonymous", frozenset(Role))
"""The caller of a gateway without authentication, which listens on loopback only."""

SUBMIT = frozenset({Role.APPLICANT_SYSTEM, Role.OFFICER})
ASK = frozenset({Role.APPLICANT_SYSTEM, Role.OFFICER, Role.AUDITOR})
LOOK_UP = ASK
OBSERVE = frozenset(Role)
