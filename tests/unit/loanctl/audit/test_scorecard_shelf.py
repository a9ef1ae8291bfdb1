"""Scorecards by what decisions name: the registry's word, the cache's bundle, and what neither has."""

from pathlib import Path
from typing import Any

import pytest

from loanctl.audit.scorecard_shelf import MOST, ScorecardShelf
from schemas.errors import SetupError
from scorecard import bundle
from scorecard.registry.mlflow_client import ModelRegistryAwayError
from scorecard.registry.registered_version import RegisteredVersion
from streams.worker.settings import ScoringSettings
from tests.builders import CONTRACT, scorecard_parts, some_values


class Registry:
    name = "credit_risk-scorecard"

    def __init__(self, folder: Path, *versions: RegisteredVersion) -> None:
        self.folder = folder
        self.versions = {each.version: each for each in versions}
        self.away, self.lost, self.asked = False, False, 0

    def version(self, version: str) -> RegisteredVersion | None:
        self.asked += 1
        if self.away:
            raise ModelRegistryAwayError
        return self.versions.get(version)

    def with_tag(self, _tag: str, value: str) -> RegisteredVersion | None:
        return next((each for each in self.versions.values() if each.digest == value), None)

    def fetch(self, registered: RegisteredVersion) -> Path:
        if self.lost:
            problem = "its bundle is not there"
            raise SetupError(problem)
        return self.folder / registered.digest


def a_version(version: str, digest: str) -> RegisteredVersion:
    return RegisteredVersion("credit_risk-scorecard", version, digest, "xgboost", "")


@pytest.fixture
def digest(tmp_path: Path) -> str:
    made = bundle.write(scorecard_parts(), CONTRACT, some_values(), tmp_path / "made")
    (tmp_path / "made").rename(tmp_path / made)
    return made


def a_shelf(folder: Path, registry: Registry) -> ScorecardShelf:
    shelf = ScorecardShelf(ScoringSettings(cache_dir=folder))
    shelf._registry = registry  # type: ignore[assignment]  # a double
    return shelf


def test_a_version_that_is_as_the_decision_names_it_has_no_problem(tmp_path: Path, digest: str) -> None:
    found = a_shelf(tmp_path, Registry(tmp_path, a_version("3", digest))).scorecard("3", digest)

    assert found.champion is not None
    assert (found.champion.version, found.champion.scorecard.digest, found.problem) == ("3", digest, "")


@pytest.mark.parametrize(
    ("versions", "problem", "has_champion"),
    [
        ({}, "is not there", False),
        ({"3": "e" * 64}, "has digest eeeeeeeeeeee", False),
        ({"3": "e" * 64, "4": ""}, "has digest eeeeeeeeeeee", True),
    ],
)
def test_what_the_registry_has_otherwise_is_a_problem(
    tmp_path: Path, digest: str, versions: dict[str, str], problem: str, has_champion: bool
) -> None:
    registry = Registry(tmp_path, *(a_version(version, other or digest) for version, other in versions.items()))

    found = a_shelf(tmp_path, registry).scorecard("3", digest)

    assert problem in found.problem
    assert digest[:12] in found.problem
    assert (found.champion is not None) is has_champion


def test_a_bundle_that_is_lost_is_a_problem_and_no_outage(tmp_path: Path, digest: str) -> None:
    registry = Registry(tmp_path, a_version("3", digest))
    registry.lost = True

    assert a_shelf(tmp_path, registry).scorecard("3", digest).problem == "its bundle is not there"


def test_without_mlflow_the_cache_will_do_and_nothing_less(tmp_path: Path, digest: str) -> None:
    registry: Any = Registry(tmp_path)
    registry.away = True
    shelf = a_shelf(tmp_path, registry)

    assert shelf.scorecard("3", digest).champion is not None
    with pytest.raises(ModelRegistryAwayError):
        shelf.scorecard("3", "f" * 64)


def test_the_latest_few_are_kept_and_memory_has_a_bound(tmp_path: Path, digest: str) -> None:
    registry = Registry(tmp_path, *(a_version(str(number), digest) for number in range(MOST + 1)))
    shelf = a_shelf(tmp_path, registry)

    first = shelf.scorecard("0", digest)
    assert shelf.scorecard("0", digest) is first
    assert registry.asked == 1
    for number in range(1, MOST + 1):
        shelf.scorecard(str(number), digest)
    assert shelf.scorecard("0", digest) is not first
