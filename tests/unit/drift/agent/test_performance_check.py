"""When the champion's loans are looked at, and what comes of a look that fails."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from drift.agent.performance_check import AGAIN_S, PerformanceChecker, Throttle
from drift.binning.reference import Reference
from schemas.errors import OutageError, SetupError
from schemas.events.performance import PerformanceReport
from tests.system.waiting import wait_for
from tests.unit.drift.loans import a_look, seen
from tests.unit.drift.stream import a_reference

REFERENCE = a_reference()
FOUND = a_look(seen())
EVERY_S = 3_600.0


class Eyes:
    """Finds what it is told to, once it is let; notes at whom it looked, and what it had seen."""

    def __init__(self, found: PerformanceReport | Exception | None = FOUND) -> None:
        self.found = found
        self.asked: list[tuple[str, str, Sequence[int]]] = []
        self.looked = 0
        self.let = threading.Event()
        self.let.set()
        self.now = 0.0

    def __call__(self, version: str, digest: str, seen_before: Sequence[int]) -> PerformanceReport | None:
        self.asked.append((version, digest, seen_before))
        self.let.wait(10.0)
        self.looked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def looking(self, every_s: float = EVERY_S) -> PerformanceChecker:
        return PerformanceChecker(self, every_s, lambda: self.now)


def look_of(looking: PerformanceChecker, eyes: Eyes, reference: Reference = REFERENCE) -> PerformanceReport | None:
    """What the look that is due finds."""
    before = eyes.looked
    assert looking.step(reference, ()) is None
    wait_for(lambda: eyes.looked > before)
    wait_for(lambda: not any(thread.name == "looking" for thread in threading.enumerate()))
    return looking.step(reference, ())


def test_the_first_look_is_due_at_once_and_the_next_some_time_after_it_has_ended() -> None:
    eyes = Eyes()
    looking = eyes.looking()

    assert look_of(looking, eyes) is FOUND
    eyes.now += EVERY_S - 1.0
    assert looking.step(REFERENCE, ()) is None
    assert eyes.looked == 1
    eyes.now += 1.0
    assert look_of(looking, eyes) is FOUND
    assert eyes.asked == 2 * [(REFERENCE.champion_version, REFERENCE.champion_digest, ())]


def test_another_champion_is_looked_at_at_once() -> None:
    eyes = Eyes()
    looking = eyes.looking()
    look_of(looking, eyes)

    look_of(looking, eyes, replace(REFERENCE, champion_digest="another"))

    assert [digest for _, digest, _ in eyes.asked] == [REFERENCE.champion_digest, "another"]


def test_while_a_look_takes_its_time_no_other_begins() -> None:
    eyes = Eyes()
    looking = eyes.looking()
    eyes.let.clear()

    for _ in range(5):
        eyes.now += 2 * EVERY_S
        assert looking.step(REFERENCE, ()) is None

    assert len(eyes.asked) == 1
    eyes.let.set()
    assert wait_for(lambda: looking.step(REFERENCE, ())) is FOUND


def test_what_a_former_owner_found_is_told_by_nobody_and_looked_for_again() -> None:
    eyes = Eyes()
    looking = eyes.looking()
    eyes.let.clear()
    looking.step(REFERENCE, ())

    looking.begin_anew()
    eyes.let.set()
    wait_for(lambda: not any(thread.name == "looking" for thread in threading.enumerate()))

    assert looking.step(REFERENCE, ()) is None
    assert look_of(looking, eyes) is FOUND
    assert eyes.looked == 2


def test_nobody_looks_where_that_is_not_wanted() -> None:
    eyes = Eyes()
    looking = eyes.looking(every_s=0.0)
    eyes.now = 1e9

    assert looking.step(REFERENCE, ()) is None
    assert eyes.asked == []


def test_a_look_that_finds_a_neighbour_away_is_made_again_soon() -> None:
    eyes = Eyes(OutageError("registry"))
    looking = eyes.looking()

    assert look_of(looking, eyes) is None
    assert looking.step(REFERENCE, ()) is None
    assert eyes.looked == 1
    eyes.now += AGAIN_S
    eyes.found = FOUND
    assert look_of(looking, eyes) is FOUND


def test_a_look_that_a_person_must_mend_ends_the_agent() -> None:
    eyes = Eyes(SetupError("no topic"))
    looking = eyes.looking()

    with pytest.raises(SetupError, match="no topic"):
        look_of(looking, eyes)


def test_who_looks_beside_the_counting_rests_most_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], list[float]()
    monkeypatch.setattr("drift.agent.performance_check.time.sleep", slept.append)
    rest = Throttle(0.2, lambda: now[0])

    for worked in (1.0, 0.5):
        now[0] += worked
        rest()

    assert slept == [4.0, 2.0]
