"""Who decides after promotions and after people took them back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.errors import OutageError
from schemas.events.audit import AuditAction
from schemas.events.retraining import ChampionAnnouncement
from scorecard.registry.model_registry import CHALLENGER, CHAMPION
from scorecard.registry.registered_version import RegisteredVersion
from training.promotion import version_tags
from training.promotion.gate import GateVerdict
from training.promotion.promote import promote, settle, take_back
from training.promotion.reigns import comparisons, objections, predecessor

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Log:
    """Notes what is recorded and announced, in order; `away` from the audit log on."""

    def __init__(self, *, away: bool = False) -> None:
        self.said: list[Any] = []
        self._away = away

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        if self._away:
            raise AwayError
        self.said.append((action, subject, why, before, after))

    def announce(self, announcement: ChampionAnnouncement) -> None:
        self.said.append(announcement.version)


class AwayError(OutageError):
    """The broker is away."""


class Aliases:
    def __init__(self, *verdicts: GateVerdict) -> None:
        self.aliases: dict[str, str] = {}
        self.clock = NOW
        self.breaks = False
        """MLflow is away from the alias on: tags are written before it."""
        self.versions = {
            str(place): RegisteredVersion(
                "m", str(place), f"d{place}", "xgboost", "run", {"verdict": verdict.value, "why": ""}
            )
            for place, verdict in enumerate(verdicts, 1)
        }

    def champion(self, alias: str = CHAMPION) -> RegisteredVersion | None:
        return self.versions.get(self.aliases.get(alias, ""))

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        one = self.versions[version]
        self.versions[version] = replace(one, tags={**one.tags, **tags})

    def point(self, alias: str, version: str, tags: Mapping[str, str] | None = None) -> None:
        self.tag(version, tags or {})
        if self.breaks:
            raise AwayError
        self.aliases[alias] = version

    def drop(self, alias: str) -> None:
        self.aliases.pop(alias, None)

    def promote_version(self, version: str) -> None:
        self.clock += timedelta(hours=1)
        promote(self, self.versions[version], "better", self.clock, Log().record)  # type: ignore[arg-type]

    def taken_back(self) -> None:
        self.clock += timedelta(hours=1)
        champion = self.champion()
        assert champion is not None
        previous = predecessor(champion, self.versions.values())
        assert previous is not None
        take_back(self, champion, previous, "bad", self.clock)  # type: ignore[arg-type]


@pytest.fixture
def three() -> Any:
    registry = Aliases(*[GateVerdict.PROMOTE] * 3)
    for version in "123":
        registry.promote_version(version)
    return registry


def test_taking_back_twice_goes_two_reigns_back(three: Aliases) -> None:
    three.taken_back()
    assert three.aliases == {CHAMPION: "2"}

    three.taken_back()
    assert three.aliases == {CHAMPION: "1"}


def test_going_back_never_returns_to_what_was_taken_back(three: Aliases) -> None:
    three.promote_version("2")
    three.taken_back()
    assert three.aliases == {CHAMPION: "3"}

    three.taken_back()
    assert three.aliases == {CHAMPION: "1"}
    champion = three.champion()
    assert champion is not None
    assert predecessor(champion, three.versions.values()) is None


def test_what_was_promoted_again_after_it_was_taken_back_is_gone_back_to(three: Aliases) -> None:
    three.taken_back()
    three.promote_version("3")
    three.promote_version("1")

    three.taken_back()

    assert three.aliases == {CHAMPION: "3"}


def test_an_alias_that_was_moved_by_hand_is_gone_back_to_where_the_champion_names_it() -> None:
    registry = Aliases(*[GateVerdict.PROMOTE] * 3)
    registry.aliases[CHAMPION] = "1"
    registry.promote_version("3")

    registry.taken_back()

    assert registry.aliases == {CHAMPION: "1"}


def test_what_was_promoted_without_its_alias_is_not_gone_back_to(three: Aliases) -> None:
    three.taken_back()
    three.versions["4"] = replace(three.versions["3"], version="4", tags={"verdict": "promote", "why": ""})
    three.breaks = True
    with pytest.raises(AwayError):
        three.promote_version("4")
    three.breaks = False

    three.taken_back()

    assert three.aliases == {CHAMPION: "1"}


def test_going_back_may_be_repeated_where_the_alias_did_not_move(three: Aliases) -> None:
    three.promote_version("2")
    three.taken_back()
    three.breaks = True
    with pytest.raises(AwayError):
        three.taken_back()
    three.breaks = False

    three.taken_back()

    assert three.aliases == {CHAMPION: "1"}


def test_what_speaks_against_a_version_is_said(three: Aliases) -> None:
    champion = three.champion()
    judged = replace(three.versions["3"], version="4", tags={"verdict": "promote", "previous_version": "3"})

    assert objections(judged, champion) == []
    assert objections(replace(judged, tags={}), champion) == []
    assert objections(replace(judged, tags={**judged.tags, "previous_version": "2"}), champion) == [
        "it was compared with version 2, and version 3 decides now"
    ]
    assert objections(judged, None) == ["it was compared with version 3, and nobody decides now"]
    assert objections(replace(judged, tags={**judged.tags, "verdict": "reject", "why": "worse"}), champion) == [
        "the gate rejected it: worse"
    ]
    three.taken_back()
    assert objections(three.versions["3"], three.champion()) == ["it was taken back: bad"]
    three.promote_version("3")
    assert objections(three.versions["3"], three.champion()) == []


def test_a_trainer_that_comes_again_does_not_promote_what_a_person_took_back(three: Aliases) -> None:
    three.taken_back()

    log = Log()
    settle(three, three.versions["3"], log, "credit_risk")  # type: ignore[arg-type]

    assert (three.aliases[CHAMPION], log.said) == ("2", [])


def test_a_trainer_that_died_before_the_alias_moved_promotes_at_last(three: Aliases) -> None:
    three.aliases[CHAMPION] = "2"

    settle(three, three.versions["3"], Log(), "credit_risk")  # type: ignore[arg-type]

    assert three.aliases[CHAMPION] == "3"


def test_a_challenger_that_waits_for_a_person_survives_the_promotion_of_another() -> None:
    registry = Aliases(GateVerdict.HOLD, GateVerdict.PROMOTE)
    settle(registry, registry.versions["1"], Log(), "credit_risk")  # type: ignore[arg-type]

    registry.promote_version("2")
    assert registry.aliases == {CHALLENGER: "1", CHAMPION: "2"}

    registry.promote_version("1")
    assert registry.aliases == {CHAMPION: "1"}


def test_a_promotion_is_recorded_before_it_takes_place_and_announced_after(three: Aliases) -> None:
    three.aliases[CHAMPION] = "2"
    log = Log()

    settle(three, three.versions["3"], log, "credit_risk", NOW)  # type: ignore[arg-type]
    settle(three, three.versions["3"], log, "credit_risk", NOW)  # type: ignore[arg-type]

    # Asked again, as after a crash, nothing moves: nothing is recorded, and the workers are told again.
    assert log.said == [(AuditAction.PROMOTE, "m", "", "2", "3"), "3", "3"]


def test_a_challenger_that_is_held_is_recorded_once() -> None:
    registry, log = Aliases(GateVerdict.HOLD), Log()

    for _ in range(2):
        settle(registry, registry.versions["1"], log, "credit_risk")  # type: ignore[arg-type]

    assert log.said == [(AuditAction.HOLD, "m", "", "", "1")]


@pytest.mark.parametrize("verdict", [GateVerdict.HOLD, GateVerdict.PROMOTE])
def test_what_cannot_be_recorded_does_not_take_place(verdict: GateVerdict) -> None:
    registry = Aliases(verdict)

    with pytest.raises(AwayError):
        settle(registry, registry.versions["1"], Log(away=True), "credit_risk")  # type: ignore[arg-type]

    assert registry.aliases == {}
    assert version_tags.PROMOTED_AT not in registry.versions["1"].tags


@pytest.mark.parametrize("time", ["yesterday", "", "2026-03-01T00:00:00"])
def test_a_time_that_a_person_wrote_otherwise_ends_no_command(three: Aliases, time: str) -> None:
    three.tag("2", {version_tags.PROMOTED_AT: time})

    three.taken_back()

    assert three.aliases[CHAMPION] in {"1", "2"}


def test_comparisons_with_one_champion_within_a_year_are_counted() -> None:
    def a_compared_version(version: str, champion: str, days_ago: int) -> RegisteredVersion:
        at = (NOW - timedelta(days=days_ago)).isoformat()
        tags = {version_tags.PREVIOUS: champion, version_tags.COMPARED: at}
        return RegisteredVersion("m", version, "d", "xgboost", "", tags)

    champion = a_compared_version("2", "1", 500)
    others = [
        a_compared_version("3", "2", 366),
        a_compared_version("4", "2", 300),
        a_compared_version("5", "2", 0),
        a_compared_version("6", "1", 3),
    ]
    held_for_lack_of_rows = RegisteredVersion("m", "7", "d", "xgboost", "", {version_tags.PREVIOUS: "2"})

    assert comparisons(champion, [champion, *others, held_for_lack_of_rows], NOW) == 2
