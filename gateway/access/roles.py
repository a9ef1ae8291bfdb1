"""Roles, and the identity of a caller. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class CallerRole(StrEnum):
    APPLICANT_SYSTEM = "applicant_system"
    """Submits applications and reads their decisions."""
    OFFICER = "officer"
    """Reviews referred applications."""
    AUDITOR = "auditor"
    """Reads decisions and how they were made."""
    OPERATOR = "operator"
    """Watches the system."""
    ALERTMANAGER = "alertmanager"
    """Reports alerts, and may do nothing else."""


@dataclass(frozen=True, slots=True)
class Principal:
    name: str
    roles: frozenset[CallerRole]


ANYBODY = Principal("anonymous", frozenset(CallerRole))
"""The caller of a gateway without authentication, which listens on loopback only."""

SUBMIT = frozenset({CallerRole.APPLICANT_SYSTEM, CallerRole.OFFICER})
ASK = frozenset({CallerRole.APPLICANT_SYSTEM, CallerRole.OFFICER, CallerRole.AUDITOR})
LOOK_UP = ASK
OBSERVE = frozenset(CallerRole) - {CallerRole.ALERTMANAGER}
VISITOR = Principal("made-up officer", OBSERVE)
"""Anybody at a public demo, under whose name nothing is published; a person, and so no Alertmanager."""
RAISE_ALERTS = frozenset({CallerRole.ALERTMANAGER})
