"""The audit log: who did what, to what and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditAction(StrEnum):
    UNKNOWN = "UNKNOWN"
    PROMOTE = "PROMOTE"
    """A scorecard was let decide."""
    ROLL_BACK = "ROLL_BACK"
    """The champion's predecessor was let decide again."""
    HOLD = "HOLD"
    """A scorecard was made challenger, and waits for a person."""
    PROPOSE = "PROPOSE"
    """A person asked that a scorecard may decide."""
    APPROVE = "APPROVE"
    """Another person agreed."""
    RETRAIN = "RETRAIN"
    """A person asked for a challenger."""
    ACKNOWLEDGE = "ACKNOWLEDGE"
    """A person said that a drift is known."""
    REVIEW = "REVIEW"
    """A person decided on an application."""
    REDRIVE = "REDRIVE"
    """A person sent dead letters back to the applications topic."""
    ERASE = "ERASE"
    """A person deleted the key of an application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One act, published before it takes place."""

    audit_id: str
    product: str
    actor: str
    action: AuditAction
    subject: str
    why: str
    before: str
    after: str
    acted_at: datetime
