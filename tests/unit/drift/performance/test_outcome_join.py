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


def decided(name: str, day: int = 1, offset: int = 0, **fields: Any) -> ScoredLoan:
    usual = {"probability": 0.2, "approved": True, "version": "1", "place": (day * DAY, 0, offset)}
    return ScoredLoan(application_id=name, applied_at=day * DAY, **{**usual, **fields})


def ended(name: str, day: int = 50, *, defaulted: bool = False, offset: int = 0, known: int | None = None) -> EndedLoan:
    place = (known if known is not None else day * DAY, 0, offset)
    return EndedLoan(application_id=name, defaulted=defaulted, observed_at=day * DAY, place=place)


def joined(*items: ScoredLoan | EndedLoan, **overrides: Any) -> OutcomeJoin:
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
    found = loans(joined(decided("a"), decided("b"), ended("a", defaulted=True)))

    assert found.known.tolist() == [True, False]
    assert found.defaulted.tolist() == [True, False]


def test_an_outcome_of_nobody_is_counted_and_named_and_one_of_another_stretch_is_not() -> None:
    found = joined(decided("a"), decided("earlier", day=-3), ended("a"), ended("earlier"), ended("nobody"))

    assert (found.notes.unknown.count, found.notes.unknown.ids) == (1, ["nobody"])
    assert found.notes.outcomes == 3


def test_of_contradicting_outcomes_the_one_observed_last_stands_in_whatever_order_they_come() -> None:
    told = [ended("a", 50, defaulted=True), ended("a", 60, defaulted=False), ended("a", 55, defaulted=True)]

    for order in permutations(told):
        found = joined(decided("a"), *order)
        assert loans(found).defaulted.tolist() == [False]
        assert (found.notes.contradictory.count, found.notes.contradictory.ids) == (1, ["a"])
        assert found.notes.repeated == 1


def test_an_outcome_told_twice_is_no_contradiction() -> None:
    found = joined(decided("a"), ended("a", defaulted=True), ended("a", defaulted=True, offset=1))

    assert (found.notes.repeated, found.notes.contradictory.count) == (1, 0)
    assert loans(found).known.sum() == 1


def test_an_outcome_from_before_the_application_or_too_old_is_counted_and_not_believed() -> None:
    found = joined(decided("a", 10), decided("b", 10), ended("a", 9), ended("b", 376), age_ms=365 * DAY)

    assert (found.notes.before.ids, found.notes.too_old) == (["a"], 1)
    assert not loans(found).known.any()


def test_later_outcomes_arrive_and_what_was_known_then_can_be_had_again() -> None:
    items = [decided("a"), decided("b"), ended("a", 20), ended("b", 40)]

    shares = [loans(joined(*items, as_of=day * DAY)).known.mean() for day in (10, 30, 50)]

    assert shares == [0.0, 0.5, 1.0]


def test_of_an_application_decided_twice_the_first_stands() -> None:
    first, second = decided("a", probability=0.1), decided("a", probability=0.9, offset=1)

    for order in permutations((first, second)):
        found = joined(*order)
        assert loans(found).probability.tolist() == [0.1]
        assert found.notes.decided_again == 1


def test_each_champion_is_told_apart_and_an_unscored_application_has_no_probability() -> None:
    found = joined(decided("a"), decided("b", version="2", probability=None, approved=False))

    assert found.versions(0, 100 * DAY) == ["1", "2"]
    assert np.isnan(loans(found, "2").probability).all()
    assert found.versions(2 * DAY, 3 * DAY) == []


def test_the_champion_that_decided_last_is_named_last_whatever_its_number() -> None:
    ninth = [decided("a", 1, version="9"), decided("b", 3, version="9")]
    tenth = [decided("c", 2, version="10"), decided("d", 5, version="10")]

    for order in permutations((*ninth, *tenth)):
        assert joined(*order).versions(0, 100 * DAY) == ["9", "10"]
    assert joined(*ninth, *tenth, decided("e", 7, version="9")).versions(0, 100 * DAY) == ["10", "9"]


def test_where_one_champion_is_asked_for_no_others_loans_push_its_own_out() -> None:
    others = [decided(f"o-{nth}", version="1") for nth in range(5_000)]
    own = [decided(f"a-{nth}", 2, version="2") for nth in range(90)]
    ends = [ended("o-7"), ended("a-7"), ended("nobody")]

    found = joined(*others, *own, *ends, most=100, version="2")

    assert found.share == 1.0
    assert len(loans(found, "2").known) == 90
    assert found.versions(0, 100 * DAY) == ["2"]
    assert found.notes.unknown.count <= 1
    assert len(loans(joined(*others, *own, most=100), "2").known) < 10


@pytest.mark.parametrize("seed", [1, 2])
def test_memory_is_bounded_and_the_sample_does_not_depend_on_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = [decided(f"a-{nth}", probability=nth / 20_000) for nth in range(20_000)]
    elsewhere = [decided(f"e-{nth}", day=-5) for nth in range(20_000)]
    everyone = [*items, *elsewhere]
    mixed = [everyone[place] for place in rng.permutation(len(everyone))]

    ordered, shuffled = joined(*items, *elsewhere, most=1_000), joined(*mixed, most=1_000)

    assert ordered.size <= 5_000
    assert 500 <= len(loans(ordered).known) <= 1_000
    assert ordered.share == shuffled.share == pytest.approx(len(loans(ordered).known) / 20_000, rel=0.15)
    assert loans(ordered).probability.tolist() == loans(shuffled).probability.tolist()
    assert loans(ordered).probability.mean() == pytest.approx(0.5, abs=0.04)


def test_no_outcome_of_a_loan_that_was_left_out_is_taken_for_one_of_nobodys() -> None:
    names = [f"a-{nth}" for nth in range(5_000)]

    found = joined(*(decided(name) for name in names), *(ended(name) for name in names), ended("nobody"), most=100)

    assert found.notes.unknown.count <= 1
    assert loans(found).known.all()


def test_the_odd_are_named_up_to_ten_in_order() -> None:
    found = joined(*(ended(f"n-{nth:02}") for nth in reversed(range(30))))

    assert found.notes.unknown.count == 30
    assert len(found.notes.unknown.ids) == 10
    assert all(one < other for one, other in pairwise(found.notes.unknown.ids))
