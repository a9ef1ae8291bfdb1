"""Promotion by two people: which proposal stands, and who may approve it.

Pure: acts of the audit log in, the proposal out. The log is where proposals are: it is append-only, and who may write
tags in MLflow cannot make one.
"""

from collections.abc import Iterable
from typing import Final

from schemas.errors import SetupError
from schemas.events.audit import AuditAction, AuditEvent

MOVES: Final = frozenset({AuditAction.PROMOTE, AuditAction.ROLL_BACK})


class ProposalError(SetupError):
    """A version may not decide yet; says what is missing and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")


def approvable(acts: Iterable[AuditEvent], name: str, version: str, approver: str) -> AuditEvent:
    """The proposal that this person may approve: the last one of this version since the champion changed.

    Args:
        acts: oldest first.
        name: of the registered scorecard.
        version: that is to decide.
        approver: whoever approves, a principal.

    Raises:
        ProposalError: nobody else has proposed this version since the champion changed.
    """
    proposals: list[AuditEvent] = []
    for act in acts:
        if act.subject != name:
            continue
        if act.action in MOVES:
            # What was proposed was proposed against another champion.
            proposals = []
        elif act.action is AuditAction.PROPOSE and act.after == version:
            proposals.append(act)
    if not proposals:
        problem = f"nobody has proposed {name} version {version} since the champion last changed"
        raise ProposalError(problem, f"run `loanctl champion propose {version} --why ...`")
    by_others = [each for each in proposals if not _is_same(each.actor, approver)]
    if not by_others:
        problem = f"{approver} proposed {name} version {version}"
        raise ProposalError(problem, "another person must approve it")
    return by_others[-1]


def _is_same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
