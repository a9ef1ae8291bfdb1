"""Promotion by two people: which proposal stands, and who may approve it.

Pure: acts of the audit log in, the proposal out. The log is where proposals are: it is append-only, and who may write
tags in MLflow cannot make one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.errors import SetupError
from schemas.events.audit import AuditAction, AuditEvent

MOVES: Final = frozenset({AuditAction.PROMOTE, AuditAction.ROLL_BACK})


class ProposalError(SetupError):
    """A version may not decide yet; says what is missing and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")


def approvable(acts: Iterable[AuditEvent], name: str, version: str, approver: str, champion: str) -> AuditEvent:
    """The proposal that this person may approve: the last one of this version since the champion changed.

    Args:
        acts: in the order of the log.
        champion: the version that decides now; empty for none.

    Raises:
        ProposalError: nobody else has proposed this version since the champion changed.
    """
    since = _since_the_last_move([act for act in acts if act.subject == name], champion)
    # The alias may have been moved without an act, too.
    against = [act for act in since if act.action is AuditAction.PROPOSE and act.before == champion]
    proposals = [act for act in against if act.after == version]
    if not proposals:
        problem = f"nobody has proposed {name} version {version} since the champion last changed"
        raise ProposalError(problem, f"run `loanctl champion propose {version} --why ...`")
    by_others = [each for each in proposals if not _is_same(each.actor, approver)]
    if not by_others:
        problem = f"{approver} proposed {name} version {version}"
        raise ProposalError(problem, "another person must approve it")
    return by_others[-1]


def _since_the_last_move(acts: Sequence[AuditEvent], champion: str) -> Sequence[AuditEvent]:
    """Acts since the champion changed: what was proposed before was proposed against another one.

    A move is on the log before it takes place. One that MLflow did not carry out, or whose process was killed in
    between, left the champion as the act says it was before: it changed nothing, and voids no proposal.
    """
    current = champion
    for place in range(len(acts) - 1, -1, -1):
        act = acts[place]
        if act.action in MOVES:
            if act.before != current or act.after == current:
                return acts[place + 1 :]
            current = act.before
    return acts


def _is_same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
