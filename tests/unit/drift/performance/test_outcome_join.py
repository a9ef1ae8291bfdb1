"""Decisions met by outcomes, whatever comes of them, in bounded memory."""

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest

from drift.performance.outcome_join import EndedLoan, JoinRules, OutcomeJoin, ScoredLoan

DAY = 86_400_000
NOW = 1_000 * DAY


def rules(**overrides: Any) -> JoinRules:
    return JoinRules(**{"start": 0, "end": 100 * DAY, "age_ms": 365 * DAY, "as_of": NOW, "most": 1_000, **overrides})


def a_loan(name: str, day: int = 1, offset: int = 0, **fields: Any) -> ScoredLoan:
    usual = {"probability": 0.2, "approved": True, "version": "1", "place": (day * DAY, 0, offset)}
    return ScoredLoan(application_id=name, applied_at=day * DAY, **{**usual, **fields})


def an_end(
    name: str, day: int = 50, *, defaulted: bool = False, offset: int = 0, known: int | None = None
) -> EndedLoan:
    place = (known if known is not None else day * DAY, 0, offset)
    return EndedLoan(application_id=name, defaulted=defaulted, observed_at=day * DAY, place=place)


def join(*items: ScoredLoan | EndedLoan, **overrides: Any) -> OutcomeJoin:
    found = OutcomeJoin(rules(**overrides))
    for item in items:
        if isinstance(item, ScoredLoan):
            found.add_decision(item)
        else:
            found.add_outcome(item)
    return found


def loans(found: OutcomeJoin, version: str = "1") -> Any:
    return found.loans(0, 100 * DAY, version)


def test_a_loan_is_known_once_its_outcome_is() -> None:
    found = loans(join(a_loan("a"), a_loan("b"), an_end("a", defaulted=True)))

    assert found.known.tolist() == [True, False]
    assert found.defaulted.tolist() == [True, False]


def test_an_outcome_of_nobody_is_counted_and_named_and_one_of_another_stretch_is_not() -> None:
    found = join(a_loan("a"), a_loan("earlier", day=-3), an_end("a"), an_end("earlier"), an_end("nobody"))

    assert (found.notes.unknown.count, found.notes.unknown.ids) == (1, ["nobody"])
    assert found.notes.outcomes == 3


def test_of_contradicting_outcomes_the_one_observed_last_stands_in_whatever_order_they_come() -> None:
    told = [an_end("a", 50, defaulted=True), an_end("a", 60, defaulted=False), an_end("a", 55, defaulted=True)]

    for order in permutations(told):
        found = join(a_loan("a"), *order)
        assert loans(found).defaulted.tolist() == [False]
        assert (found.notes.contradictory.count, found.notes.contradictory.ids) == (1, ["a"])
        assert found.notes.repeated == 1


def test_an_outcome_told_twice_is_no_contradiction() -> None:
    found = join(a_loan("a"), an_end("a", defaulted=True), an_end("a", defaulted=True, offset=1))

    assert (found.notes.repeated, found.notes.contradictory.count) == (1, 0)
    assert loans(found).known.sum() == 1


def test_an_outcome_from_before_the_application_or_too_old_is_counted_and_not_believed() -> None:
    found = join(a_loan("a", 10), a_loan("b", 10), an_end("a", 9), an_end("b", 376), age_ms=365 * DAY)

    assert (found.notes.before.ids, found.notes.too_old) == (["a"], 1)
    assert not loans(found).known.any()


def test_later_outcomes_arrive_and_what_was_known_then_can_be_had_again() -> None:
    items = [a_loan("a"), a_loan("b"), an_end("a", 20), an_end("b", 40)]

    shares = [loans(join(*items, as_of=day * DAY)).known.mean() for day in (10, 30, 50)]

    assert shares == [0.0, 0.5, 1.0]


def test_of_an_application_decided_twice_the_first_stands() -> None:
    first, second = a_loan("a", probability=0.1), a_loan("a", probability=0.9, offset=1)

    for order in permutations((first, second)):
        found = join(*order)
        assert loans(found).probability.tolist() == [0.1]
        assert found.notes.decided_again == 1


def test_each_champion_is_told_apart_and_an_unscored_application_has_no_probability() -> None:
    found = join(a_loan("a"), a_loan("b", version="2", probability=None, approved=False))

    assert found.versions(0, 100 * DAY) == ["1", "2"]
    assert np.isnan(loans(found, "2").probability).all()
    assert found.versions(2 * DAY, 3 * DAY) == []


def test_the_champion_that_decided_last_is_named_last_whatever_its_number() -> None:
    ninth = [a_loan("a", 1, version="9"), a_loan("b", 3, version="9")]
    tenth = [a_loan("c", 2, version="10"), a_loan("d", 5, version="10")]

    for order in permutations((*ninth, *tenth)):
        assert join(*order).versions(0, 100 * DAY) == ["9", "10"]
    assert join(*ninth, *tenth, a_loan("e", 7, version="9")).versions(0, 100 * DAY) == ["10", "9"]


def test_where_one_champion_is_asked_for_no_others_loans_push_its_own_out() -> None:
    others = [a_loan(f"o-{nth}", version="1") for nth in range(5_000)]
    own = [a_loan(f"a-{nth}", 2, version="2") for nth in range(90)]
    ends = [an_end("o-7"), an_end("a-7"), an_end("nobody")]

    found = join(*others, *own, *ends, most=100, version="2")

    assert found.share == 1.0
    assert len(loans(found, "2").known) == 90
    assert found.versions(0, 100 * DAY) == ["2"]
    assert found.notes.unknown.count <= 1
    assert len(loans(join(*others, *own, most=100), "2").known) < 10


@pytest.mark.parametrize("seed", [1, 2])
def test_memory_is_bounded_and_the_sample_does_not_depend_on_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = [a_loan(f"a-{nth}", probability=nth / 20_000) for nth in range(20_000)]
    elsewhere = [a_loan(f"e-{nth}", day=-5) for nth in range(20_000)]
    everyone = [*items, *elsewhere]
    mixed = [everyone[place] for place in rng.permutation(len(everyone))]

    ordered, shuffled = join(*items, *elsewhere, most=1_000), join(*mixed, most=1_000)

    assert ordered.size <= 5_000
    assert 500 <= len(loans(ordered).known) <= 1_000
    assert ordered.share == shuffled.share == pytest.approx(len(loans(ordered).known) / 20_000, rel=0.15)
    assert loans(ordered).probability.tolist() == loans(shuffled).probability.tolist()
    assert loans(ordered).probability.mean() == pytest.approx(0.5, abs=0.04)


def test_no_outcome_of_a_loan_that_was_left_out_is_taken_for_one_of_nobodys() -> None:
    names = [f"a-{nth}" for nth in range(5_000)]

    found = join(*(a_loan(name) for name in names), *(an_end(name) for name in names), an_end("nobody"), most=100)

    assert found.notes.unknown.count <= 1
    assert loans(found).known.all()


def test_the_odd_are_named_up_to_ten_in_order() -> None:
    found = join(*(an_end(f"n-{nth:02}") for nth in reversed(range(30))))

    assert found.notes.unknown.count == 30
    assert len(found.notes.unknown.ids) == 10
    assert all(one < other for one, other in pairwise(found.notes.unknown.ids))
