"""Two people agree, or no alias moves."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.events.audit import AuditAction, AuditEvent
from training.promotion.proposal import ProposalError, approvable

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def an_act(action: AuditAction, actor: str = "ann", after: str = "4", **given: Any) -> AuditEvent:
    usual: dict[str, Any] = {
        "audit_id": f"{action}-{actor}-{after}",
        "product": "credit_risk",
        "subject": "m",
        "why": "better",
        "before": "3",
        "acted_at": NOW,
    }
    return AuditEvent(**{**usual, "action": action, "actor": actor, "after": after, **given})


PROPOSED = an_act(AuditAction.PROPOSE)


def test_another_person_approves_what_one_has_proposed() -> None:
    assert approvable([PROPOSED], "m", "4", "bob", "3") == PROPOSED


@pytest.mark.parametrize("approver", ["ann", "Ann", " ann "])
def test_who_proposed_cannot_approve_under_any_spelling_of_the_name(approver: str) -> None:
    with pytest.raises(ProposalError, match=r"proposed m version 4: another person must approve it"):
        approvable([PROPOSED], "m", "4", approver, "3")


def test_who_proposed_too_may_approve_the_proposal_of_another() -> None:
    both = [PROPOSED, an_act(AuditAction.PROPOSE, actor="bob")]

    assert approvable(both, "m", "4", "bob", "3") == PROPOSED
    assert approvable(both, "m", "4", "ann", "3") == both[1]


@pytest.mark.parametrize(
    ("acts", "champion"),
    [
        ([], "3"),
        ([an_act(AuditAction.PROPOSE, after="5")], "3"),
        ([an_act(AuditAction.PROPOSE, subject="another")], "3"),
        ([an_act(AuditAction.APPROVE)], "3"),
        ([an_act(AuditAction.HOLD, actor="trainer")], "3"),
        ([PROPOSED, an_act(AuditAction.PROMOTE, after="5")], "5"),
        ([PROPOSED, an_act(AuditAction.ROLL_BACK, after="2")], "2"),
        ([PROPOSED, an_act(AuditAction.PROMOTE)], "4"),
        # There and back again; and a move that did not take place behind one that did.
        ([PROPOSED, an_act(AuditAction.PROMOTE), an_act(AuditAction.ROLL_BACK, before="4", after="3")], "3"),
        ([PROPOSED, an_act(AuditAction.PROMOTE, after="5"), an_act(AuditAction.PROMOTE, before="5")], "5"),
        # Another one decides than any act says: somebody moved the alias by hand.
        ([PROPOSED], "7"),
        ([PROPOSED, an_act(AuditAction.PROMOTE, after="5")], "7"),
    ],
)
def test_without_a_proposal_since_the_champion_last_changed_nothing_can_be_approved(
    acts: list[AuditEvent], champion: str
) -> None:
    with pytest.raises(ProposalError, match=r"nobody has proposed m version 4 .*: run `loanctl champion propose 4"):
        approvable(acts, "m", "4", "bob", champion)


def test_a_promotion_of_another_scorecard_leaves_a_proposal_standing() -> None:
    acts = [PROPOSED, an_act(AuditAction.PROMOTE, subject="another", after="9")]

    assert approvable(acts, "m", "4", "bob", "3") == PROPOSED


@pytest.mark.parametrize("tries", [1, 3])
def test_a_move_that_did_not_take_place_leaves_a_proposal_standing(tries: int) -> None:
    """The act is on the log before the alias moves: MLflow was away, or the process was killed in between."""
    approved = [an_act(AuditAction.APPROVE, actor="bob"), an_act(AuditAction.PROMOTE, actor="bob")]

    assert approvable([PROPOSED, *approved * tries], "m", "4", "bob", "3") == PROPOSED


def test_the_first_champion_may_be_approved_again_after_a_move_that_did_not_take_place() -> None:
    acts = [an_act(AuditAction.PROPOSE, before=""), an_act(AuditAction.PROMOTE, actor="bob", before="")]

    assert approvable(acts, "m", "4", "bob", "") == acts[0]
