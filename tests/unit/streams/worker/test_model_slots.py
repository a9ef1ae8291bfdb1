"""Seats follow their alias, and keep who sits there until a successor is fit."""

from pathlib import Path

import pytest

from schemas.errors import OutageError
from scorecard import bundle
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.lifecycle import Lifecycle
from streams.worker.model_slots import ModelSlot, ModelWatcher
from tests.builders import CONTRACT, scorecard_parts, some_values


class AwayError(OutageError):
    """MLflow is away."""


class Scorecards:
    """A registry of bundles on disk; `away` while it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.aliases: dict[str, RegisteredVersion] = {}
        self.cached: RegisteredVersion | None = None
        self.away = False
        self.fetched: list[str] = []

    def write(self, version: str, **parts: object) -> RegisteredVersion:
        digest = bundle.write(scorecard_parts(**parts), CONTRACT, some_values(), self._folder / version)
        return RegisteredVersion("credit_risk-scorecard", version, digest, "xgboost", "")

    def champion(self, alias: str = "champion") -> RegisteredVersion | None:
        if self.away:
            raise AwayError
        return self.aliases.get(alias)

    def cached_champion(self) -> RegisteredVersion | None:
        return self.cached

    def remember(self, champion: RegisteredVersion) -> None:
        self.cached = champion

    def fetch(self, version: str | RegisteredVersion) -> Path:
        assert isinstance(version, RegisteredVersion)
        self.fetched.append(version.version)
        return self._folder / version.version


@pytest.fixture
def scorecards(tmp_path: Path) -> Scorecards:
    return Scorecards(tmp_path)


class ChangeLog:
    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, event: str, _holder: RegisteredScorecard | None) -> None:
        self.events.append(event)


def a_seat(scorecards: Scorecards, alias: str = "champion") -> tuple[ModelSlot, ChangeLog, Lifecycle]:
    told, lifecycle = ChangeLog(), Lifecycle()
    return ModelSlot(alias, scorecards, CONTRACT, lifecycle, on_change=told), told, lifecycle


def test_the_champion_is_fetched_once_and_named_by_version_and_digest(scorecards: Scorecards) -> None:
    first = scorecards.aliases["champion"] = scorecards.write("1")
    seat, told, _ = a_seat(scorecards)

    seat.look()
    seat.look()

    assert seat.holder is not None
    assert (seat.holder.version, seat.holder.scorecard.digest) == ("1", first.digest)
    assert scorecards.fetched == ["1"]
    assert told.events == ["installed"]


def test_a_damaged_successor_is_refused_once_and_said_so(scorecards: Scorecards, tmp_path: Path) -> None:
    scorecards.aliases["champion"] = scorecards.write("1")
    seat, told, _ = a_seat(scorecards)
    seat.look()
    scorecards.aliases["champion"] = scorecards.write("2", family="catboost")
    (tmp_path / "2" / "forest.npz").write_bytes(b"not a forest")

    seat.look()
    seat.look()

    assert seat.holder is not None
    assert seat.holder.version == "1"
    assert told.events == ["installed", "bundle"]
    assert seat.facts()["refused"]["version"] == "2"


def test_a_bundle_that_is_not_the_one_registered_is_refused(scorecards: Scorecards) -> None:
    true = scorecards.write("1")
    scorecards.aliases["champion"] = RegisteredVersion(true.name, "1", "0" * 64, true.family, "")
    seat, told, _ = a_seat(scorecards)

    seat.look()

    assert seat.holder is None
    assert told.events == ["bundle"]


def test_while_the_registry_is_away_the_champion_goes_on(scorecards: Scorecards) -> None:
    scorecards.aliases["champion"] = scorecards.write("1")
    seat, _, lifecycle = a_seat(scorecards)
    seat.look()
    scorecards.away = True

    seat.look()

    assert seat.holder is not None
    assert "mlflow" in lifecycle.away


def test_a_first_champion_comes_from_the_cache_while_the_registry_is_away(scorecards: Scorecards) -> None:
    scorecards.cached, scorecards.away = scorecards.write("1"), True
    seat, _, lifecycle = a_seat(scorecards)

    seat.look()

    assert seat.holder is not None
    assert "mlflow" in lifecycle.away


def test_a_refused_champion_is_not_the_one_to_fall_back_to(scorecards: Scorecards, tmp_path: Path) -> None:
    first = scorecards.aliases["champion"] = scorecards.write("1")
    seat, _, _ = a_seat(scorecards)
    seat.look()
    scorecards.aliases["champion"] = scorecards.write("2", family="catboost")
    (tmp_path / "2" / "forest.npz").write_bytes(b"not a forest")
    seat.look()

    assert scorecards.cached == first
    scorecards.away = True
    restarted, _, _ = a_seat(scorecards)
    restarted.look()

    assert restarted.holder is not None
    assert restarted.holder.version == "1"


def test_a_challenger_is_never_the_one_to_fall_back_to(scorecards: Scorecards) -> None:
    scorecards.aliases["challenger"] = scorecards.write("2")
    seat, _, _ = a_seat(scorecards, "challenger")

    seat.look()

    assert seat.holder is not None
    assert scorecards.cached is None


def test_after_a_restart_who_decided_last_goes_on_where_the_alias_names_one_that_is_refused(
    scorecards: Scorecards, tmp_path: Path
) -> None:
    scorecards.cached = scorecards.write("1")
    scorecards.aliases["champion"] = scorecards.write("2", family="catboost")
    (tmp_path / "2" / "forest.npz").write_bytes(b"not a forest")
    seat, told, _ = a_seat(scorecards)

    seat.look()
    seat.look()

    assert seat.holder is not None
    assert seat.holder.version == "1"
    assert seat.facts()["refused"]["version"] == "2"
    assert told.events == ["bundle", "installed"]
    scorecards.aliases["champion"] = scorecards.write("3", family="random_forest")
    seat.look()
    assert (seat.holder.version, seat.facts()["refused"]) == ("3", None)
    assert scorecards.cached.version == "3"


def test_one_that_the_cache_offers_and_that_is_unfit_is_tried_once(scorecards: Scorecards, tmp_path: Path) -> None:
    scorecards.cached, scorecards.away = scorecards.write("1"), True
    (tmp_path / "1" / "forest.npz").write_bytes(b"not a forest")
    seat, told, _ = a_seat(scorecards)

    seat.look()
    seat.look()

    assert seat.holder is None
    assert told.events == ["bundle"]


def test_a_full_disk_takes_no_champion_from_its_seat(scorecards: Scorecards) -> None:
    def full(_champion: RegisteredVersion) -> None:
        raise OSError

    scorecards.aliases["champion"] = scorecards.write("1")
    scorecards.remember = full  # type: ignore[method-assign]
    seat, _, _ = a_seat(scorecards)

    seat.look()

    assert seat.holder is not None


def test_a_champion_s_seat_is_not_vacated_by_an_alias_that_points_nowhere(scorecards: Scorecards) -> None:
    scorecards.aliases["champion"] = scorecards.write("1")
    seat, _, _ = a_seat(scorecards)
    seat.look()
    scorecards.aliases.clear()

    seat.look()

    assert seat.holder is not None


def test_a_challenger_s_seat_is(scorecards: Scorecards) -> None:
    scorecards.aliases["challenger"] = scorecards.write("2")
    seat, told, _ = a_seat(scorecards, "challenger")
    seat.look()
    scorecards.aliases.clear()

    seat.look()

    assert seat.holder is None
    assert told.events == ["installed", "vacated"]


def test_a_watch_looks_when_nudged_and_no_more_once_closed(scorecards: Scorecards) -> None:
    scorecards.aliases["champion"] = scorecards.write("1")
    seat, _, _ = a_seat(scorecards)
    watch = ModelWatcher([seat], poll_s=60)
    watch.start()

    watch.nudge()
    watch.close()

    assert seat.holder is not None or scorecards.fetched == []


def test_a_successor_is_warmed_before_it_takes_the_seat(scorecards: Scorecards) -> None:
    scorecards.aliases["champion"] = scorecards.write("1")
    seat, _, _ = a_seat(scorecards)
    sitting: list[RegisteredScorecard | None] = []
    seat.warm = lambda _successor: sitting.append(seat.holder)

    seat.look()

    assert sitting == [None]
    assert seat.holder is not None
