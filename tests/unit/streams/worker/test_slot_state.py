"""One seat, as its alias moves."""

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.slot_state import (
    ModelVersion,
    Refusal,
    SlotAction,
    SlotState,
    follow_alias,
    install,
    refuse,
    vacate,
)

FIRST = ModelVersion("card", "1", "d1")
SECOND = ModelVersion("card", "2", "d2")


def test_the_first_claim_is_prepared() -> None:
    state, step = follow_alias(SlotState(), FIRST)

    assert step is SlotAction.PREPARE
    assert state == SlotState()


def test_who_holds_the_seat_is_not_prepared_again() -> None:
    state, step = follow_alias(install(SlotState(), FIRST), FIRST)

    assert step is SlotAction.NOTHING
    assert state.holder == FIRST


def test_a_refused_claim_is_not_tried_again_while_the_alias_stays() -> None:
    state = refuse(install(SlotState(), FIRST), SECOND, "damaged")

    assert follow_alias(state, SECOND) == (state, SlotAction.NOTHING)
    assert state.holder == FIRST
    assert state.refusal == Refusal(SECOND, "damaged")


def test_a_refusal_is_forgotten_when_the_alias_moves_back_and_the_claim_may_be_tried_again() -> None:
    state = refuse(install(SlotState(), FIRST), SECOND, "damaged")

    back, step = follow_alias(state, FIRST)

    assert (back, step) == (SlotState(holder=FIRST), SlotAction.NOTHING)
    assert follow_alias(back, SECOND)[1] is SlotAction.PREPARE


def test_the_same_version_with_another_digest_is_another_claim() -> None:
    state = install(SlotState(), FIRST)

    assert follow_alias(state, ModelVersion("card", "1", "other"))[1] is SlotAction.PREPARE


def test_an_alias_that_points_nowhere_vacates_a_held_seat_alone() -> None:
    assert follow_alias(SlotState(), None)[1] is SlotAction.NOTHING
    assert follow_alias(install(SlotState(), FIRST), None)[1] is SlotAction.VACATE
    assert vacate(install(SlotState(), FIRST)) == SlotState()


claims = st.sampled_from([FIRST, SECOND, ModelVersion("card", "3", "d3")])


@given(st.lists(st.tuples(claims, st.booleans())))
def test_a_seat_once_held_is_never_empty_whatever_is_refused(moves: list[tuple[ModelVersion, bool]]) -> None:
    state = install(SlotState(), FIRST)
    for claim, fit in moves:
        state, step = follow_alias(state, claim)
        if step is SlotAction.PREPARE:
            state = install(state, claim) if fit else refuse(state, claim, "unfit")

        assert state.holder is not None
        assert state.refusal is None or state.refusal.claim != state.holder
