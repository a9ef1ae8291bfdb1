"""When the champion's loans are looked at, and what comes of a look that fails."""

import threading
from dataclasses import replace

import pytest

from drift.agent.performance_check import AGAIN_S, CheckRequest, CheckResult, PerformanceChecker, Throttle, to_fold
from drift.binning.reference import Reference
from drift.performance.kept_sample import KeptSample
from drift.performance.loan_sample import LoanSample
from schemas.errors import OutageError, SetupError
from schemas.events.performance import PerformanceRules, ReadRange
from streams.kafka.topics.topic_reader import PartitionRange
from tests.system.wait import wait_for
from tests.unit.drift.loans import a_look, some_performance
from tests.unit.drift.stream import a_reference

REFERENCE = a_reference()
FOUND = CheckResult(reports=(a_look(some_performance()),), kept="")
EVERY_S = 3_600.0


class Eyes:
    """Finds what it is told to, once it is let; notes at whom it looked, and what it had seen."""

    def __init__(self, found: CheckResult | Exception | None = FOUND) -> None:
        self.found = found
        self.asked: list[CheckRequest] = []
        self.looked = 0
        self.let = threading.Event()
        self.let.set()
        self.now = 0.0

    def __call__(self, request: CheckRequest) -> CheckResult | None:
        self.asked.append(request)
        self.let.wait(10.0)
        self.looked += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def checker(self, every_s: float = EVERY_S) -> PerformanceChecker:
        return PerformanceChecker(self, every_s, lambda: self.now)


def look_of(looking: PerformanceChecker, eyes: Eyes, reference: Reference = REFERENCE) -> CheckResult | None:
    """What the look that is due finds."""
    before = eyes.looked
    assert looking.step(reference, ()) is None
    wait_for(lambda: eyes.looked > before)
    wait_for(lambda: not any(thread.name == "looking" for thread in threading.enumerate()))
    return looking.step(reference, ())


def test_the_first_look_is_due_at_once_and_the_next_some_time_after_it_has_ended() -> None:
    eyes = Eyes()
    looking = eyes.checker()

    assert look_of(looking, eyes) is FOUND
    eyes.now += EVERY_S - 1.0
    assert looking.step(REFERENCE, ()) is None
    assert eyes.looked == 1
    eyes.now += 1.0
    assert look_of(looking, eyes) is FOUND
    assert eyes.asked == 2 * [CheckRequest(version=REFERENCE.champion_version, digest=REFERENCE.champion_digest)]


def test_another_champion_is_looked_at_at_once() -> None:
    eyes = Eyes()
    looking = eyes.checker()
    look_of(looking, eyes)

    look_of(looking, eyes, replace(REFERENCE, champion_digest="another"))

    assert [request.digest for request in eyes.asked] == [REFERENCE.champion_digest, "another"]


def test_while_a_look_takes_its_time_no_other_begins() -> None:
    eyes = Eyes()
    looking = eyes.checker()
    eyes.let.clear()

    for _ in range(5):
        eyes.now += 2 * EVERY_S
        assert looking.step(REFERENCE, ()) is None

    assert len(eyes.asked) == 1
    eyes.let.set()
    assert wait_for(lambda: looking.step(REFERENCE, ())) is FOUND


def test_what_a_former_owner_found_is_told_by_nobody_and_looked_for_again() -> None:
    eyes = Eyes()
    looking = eyes.checker()
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
    looking = eyes.checker(every_s=0.0)
    eyes.now = 1e9

    assert looking.step(REFERENCE, ()) is None
    assert eyes.asked == []


def test_a_look_that_finds_a_neighbour_away_is_made_again_soon() -> None:
    eyes = Eyes(OutageError("registry"))
    looking = eyes.checker()

    assert look_of(looking, eyes) is None
    assert looking.step(REFERENCE, ()) is None
    assert eyes.looked == 1
    eyes.now += AGAIN_S
    eyes.found = FOUND
    assert look_of(looking, eyes) is FOUND


def test_a_look_that_a_person_must_mend_ends_the_agent() -> None:
    eyes = Eyes(SetupError("no topic"))
    looking = eyes.checker()

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


RULES = PerformanceRules(age_ms=365 * 86_400_000, most=1_000, least_auc=0.75, minimum_n=200)


def a_kept_sample(end: int, *, watched: str = "1", versions: tuple[str, ...] = ("1",)) -> KeptSample:
    """A sample of one partition, read from its third record on."""
    sample = LoanSample(1_000, RULES.age_ms)
    sample.watch(watched)
    sample.versions = set(versions)
    return KeptSample(
        sample=sample, read=(ReadRange(topic="d", partition=0, first=3, end=end),), digests={watched: "d"}
    )


def test_what_was_read_is_not_read_again_and_the_report_names_all_of_it() -> None:
    now = [PartitionRange("d", 0, 5, 20), PartitionRange("d", 1, 0, 4)]

    going_on, news = to_fold(a_kept_sample(10), "1", now, RULES)

    assert news == [PartitionRange("d", 0, 10, 20), PartitionRange("d", 1, 0, 4)]
    assert [(each.partition, each.first, each.end) for each in going_on.read] == [(0, 3, 20), (1, 0, 4)]
    assert going_on.sample.champions == ["1"]


@pytest.mark.parametrize(
    ("before", "version", "now", "rules"),
    [
        (None, "1", [PartitionRange("d", 0, 5, 20)], RULES),
        (a_kept_sample(4), "1", [PartitionRange("d", 0, 5, 20)], RULES),
        (a_kept_sample(21), "1", [PartitionRange("d", 0, 5, 20)], RULES),
        (a_kept_sample(10), "1", [PartitionRange("other", 0, 5, 20)], RULES),
        (a_kept_sample(10), "1", [PartitionRange("d", 0, 5, 20)], replace(RULES, most=2_000)),
        (a_kept_sample(10), "1", [PartitionRange("d", 0, 5, 20)], replace(RULES, age_ms=RULES.age_ms + 1)),
        (a_kept_sample(10, versions=("1", "0")), "0", [PartitionRange("d", 0, 5, 20)], RULES),
    ],
    ids=[
        "nothing kept",
        "a gap",
        "a topic made anew",
        "another topic",
        "another size",
        "another age",
        "one that nobody watched",
    ],
)
def test_what_cannot_be_gone_on_with_is_read_whole(before, version, now, rules) -> None:
    anew, news = to_fold(before, version, now, rules)

    assert news == now
    assert (anew.sample.most, anew.sample.age_ms) == (rules.most, rules.age_ms)
    assert anew.sample.versions == set()
    # Champions watched before go on being watched: all of their loans are read again, too.
    assert (anew.sample.champions, anew.digests) == ((["1"], {"1": "d"}) if before else ([], {}))


def test_a_new_champion_is_watched_from_now_on() -> None:
    going_on, news = to_fold(a_kept_sample(10), "2", [PartitionRange("d", 0, 5, 20)], RULES)

    assert news == [PartitionRange("d", 0, 10, 20)]
    assert going_on.sample.champions == ["1"]
