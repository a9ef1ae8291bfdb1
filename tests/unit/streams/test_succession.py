"""One seat, as its alias moves."""

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.slot_state import Claim, Refusal, Step, Succession, installed, pointed, refused, vacated

FIRST = Claim("card", "1", "d1")
SECOND = Claim("card", "2", "d2")


def test_the_first_claim_is_prepared() -> None:
    state, step = pointed(Succession(), FIRST)

    assert step is Step.PREPARE
    assert state == Succession()


def test_who_holds_the_seat_is_not_prepared_again() -> None:
    state, step = pointed(installed(Succession(), FIRST), FIRST)

    assert step is Step.NOTHING
    assert state.holder == FIRST


def test_a_refused_claim_is_not_tried_again_while_the_alias_stays() -> None:
    state = refused(installed(Succession(), FIRST), SECOND, "damaged")

    assert pointed(state, SECOND) == (state, Step.NOTHING)
    assert state.holder == FIRST
    assert state.refusal == Refusal(SECOND, "damaged")


def test_a_refusal_is_forgotten_when_the_alias_moves_back_and_the_claim_may_be_tried_again() -> None:
    state = refused(installed(Succession(), FIRST), SECOND, "damaged")

    back, step = pointed(state, FIRST)

    assert (back, step) == (Succession(holder=FIRST), Step.NOTHING)
    assert pointed(back, SECOND)[1] is Step.PREPARE


def test_the_same_version_with_another_digest_is_another_claim() -> None:
    state = installed(Succession(), FIRST)

    assert pointed(state, Claim("card", "1", "other"))[1] is Step.PREPARE


def test_an_alias_that_points_nowhere_vacates_a_held_seat_alone() -> None:
    assert pointed(Succession(), None)[1] is Step.NOTHING
    assert pointed(installed(Succession(), FIRST), None)[1] is Step.VACATE
    assert vacated(installed(Succession(), FIRST)) == Succession()


claims = st.sampled_from([FIRST, SECOND, Claim("card", "3", "d3")])


@given(st.lists(st.tuples(claims, st.booleans())))
def test_a_seat_once_held_is_never_empty_whatever_is_refused(moves: list[tuple[Claim, bool]]) -> None:
    state = installed(Succession(), FIRST)
    for claim, fit in moves:
        state, step = pointed(state, claim)
        if step is Step.PREPARE:
            state = installed(state, claim) if fit else refused(state, claim, "unfit")

        assert state.holder is not None
        assert state.refusal is None or state.refusal.claim != state.holder
