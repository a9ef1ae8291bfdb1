"""Whom the agent watches, and whom it refuses to."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drift.agent.champion_follower import Champions
from schemas.codec.wire_format import UndecodableError
from schemas.events.retraining import ChampionAnnouncement
from scorecard import bundle
from scorecard.registry.bundle_cache import BundleCache
from tests.builders import CONTRACT, scorecard_parts, some_values
from tests.drift_events import ANNOUNCEMENT, NOON
from tests.unit.drift.stream import a_profile


class AnnouncementReader:
    """Announcements as they lie on the topic."""

    def __init__(self, *announced: ChampionAnnouncement | None) -> None:
        self.ended = True
        self._announced = announced

    def read(self) -> Iterator[tuple[int, Any]]:
        yield from enumerate(self._announced)


class Plain:
    """Announcements are their own bytes; None cannot be read."""

    def decode(self, value: ChampionAnnouncement | None) -> ChampionAnnouncement:
        if value is None:
            raise UndecodableError
        return value


class Shelf:
    """A registry whose versions are folders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, version: str, **parts: Any) -> str:
        return bundle.write(scorecard_parts(**parts), CONTRACT, some_values(), self._folder / version)

    def fetch(self, version: str) -> Path:
        return self._folder / version

    def champion(self) -> None:
        return None


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def an_announcement(version: str, digest: str, minute: int = 0) -> ChampionAnnouncement:
    return replace(ANNOUNCEMENT, version=version, digest=digest, announced_at=NOON + timedelta(minutes=minute))


def follow(shelf: Shelf, tmp_path: Path, *told: ChampionAnnouncement | None) -> tuple[Champions, list[str]]:
    """After each announcement in turn; and what was refused."""
    refused: list[str] = []
    registry: Any = shelf
    serde: Any = Plain()
    cache = BundleCache(tmp_path / "cache", of="here")
    champions = Champions(registry, cache, CONTRACT, serde, lambda: refused.append("refused"))
    for nth in range(1, len(told) + 1):
        topic: Any = AnnouncementReader(*told[:nth])
        champions.hear(topic)
        champions.follow()
    return champions, refused


def champion_version(champions: Champions) -> str:
    assert champions.reference is not None
    return champions.reference.champion_version


def test_the_champion_announced_last_is_watched(shelf: Shelf, tmp_path: Path) -> None:
    one, two = shelf.put("1"), shelf.put("2", profile=a_profile(some_values(100, seed=3)))

    champions, refused = follow(shelf, tmp_path, an_announcement("1", one), an_announcement("2", two))

    assert champion_version(champions) == "2"
    assert champions.settled
    assert refused == []


def test_without_an_announcement_the_registry_is_asked_as_soon_as_the_topic_is_read_to_its_end(
    shelf: Shelf, tmp_path: Path
) -> None:
    champions, _ = follow(shelf, tmp_path)
    beginning: Any = AnnouncementReader()
    beginning.ended = False
    champions.hear(beginning)
    before = champions.settled
    champions.hear(AnnouncementReader())  # type: ignore[arg-type]

    assert (before, champions.settled) == (True, False)


@pytest.mark.parametrize("damage", ["without a profile", "with an empty profile", "with another's bytes"])
def test_a_champion_that_has_no_profile_is_refused_once_and_the_former_is_watched_on(
    shelf: Shelf, tmp_path: Path, damage: str
) -> None:
    one, two = shelf.put("1"), shelf.put("2", profile=a_profile(some_values(100, seed=3)))
    place = shelf.fetch("2") / "profile.json"
    if damage == "without a profile":
        place.unlink()
    elif damage == "with an empty profile":
        place.write_text("{}")
    else:
        two = "0" * 64

    champions, refused = follow(
        shelf, tmp_path, an_announcement("1", one), an_announcement("2", two), an_announcement("2", two, 9)
    )

    assert champion_version(champions) == "1"
    assert refused == ["refused", "refused"]  # each announcement is one try


def test_a_champion_of_another_contract_is_refused_and_the_former_is_watched_on(shelf: Shelf, tmp_path: Path) -> None:
    one = shelf.put("1")
    foreign = shelf.put(
        "2", profile=replace(a_profile(some_values(50)), contract_fingerprint="another", contract_fields=())
    )

    champions, refused = follow(shelf, tmp_path, an_announcement("1", one), an_announcement("2", foreign))

    assert champion_version(champions) == "1"
    assert refused == ["refused"]
    assert champions.settled


def test_an_announcement_that_cannot_be_read_and_one_of_another_product_are_passed_over(
    shelf: Shelf, tmp_path: Path
) -> None:
    one = shelf.put("1")
    other = replace(an_announcement("9", "d"), product="lending_club")

    champions, refused = follow(shelf, tmp_path, an_announcement("1", one), None, other)

    assert champion_version(champions) == "1"
    assert refused == []


def test_while_nobody_can_be_watched_there_is_no_reference(shelf: Shelf, tmp_path: Path) -> None:
    champions, refused = follow(shelf, tmp_path, an_announcement("1", "d"))

    assert champions.reference is None
    assert refused == ["refused"]


def test_a_topic_made_anew_changes_nobody_and_its_next_announcement_is_heard(shelf: Shelf, tmp_path: Path) -> None:
    one, two = shelf.put("1"), shelf.put("2", profile=a_profile(some_values(100, seed=3)))
    champions, _ = follow(
        shelf, tmp_path, an_announcement("0", one), an_announcement("2", two, 1), an_announcement("1", one, 2)
    )
    before = champions.reference
    assert before is not None

    # The same announcement at another offset, and another one at an offset that was there before.
    anew: Any = AnnouncementReader(an_announcement("1", one, 2))
    changed = champions.hear(anew) and champions.follow()
    later: Any = AnnouncementReader(an_announcement("1", one, 2), an_announcement("2", two, 3))
    champions.hear(later)
    champions.follow()

    assert not changed
    assert champion_version(champions) == "2"
    assert champions.reference is not None
    assert champions.reference.generation > before.generation


def test_an_announcement_by_a_clock_that_is_behind_comes_after_the_one_before(shelf: Shelf, tmp_path: Path) -> None:
    one, two = shelf.put("1"), shelf.put("2", profile=a_profile(some_values(100, seed=3)))

    first, _ = follow(shelf, tmp_path, an_announcement("1", one, 5))
    both, _ = follow(shelf, tmp_path, an_announcement("1", one, 5), an_announcement("2", two, 0))

    assert first.reference is not None
    assert both.reference is not None
    assert (champion_version(both), both.reference.generation) == ("2", first.reference.generation + 1)
