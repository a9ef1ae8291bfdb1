"""The worker's image holds what a worker imports: the dependency group `worker`, and three packages of ours."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUP = [Requirement(each) for each in PYPROJECT["dependency-groups"]["worker"]]
LOCK = {
    package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OF_MLFLOW = "mlflow-skinny"
"""MLflow's client alone."""

IN_THE_IMAGE = """
import pkgutil, sys
from importlib.metadata import packages_distributions

allowed, packages = (set(each.split(",")) for each in sys.argv[1:3])
installed = packages_distributions()


class Image:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        owners = {each.lower().replace("_", "-").replace(".", "-") for each in installed.get(top, ())}
        ours = "loan-decisions" in owners
        if (ours and top not in packages) or (owners and not ours and not owners & allowed):
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Image)
import streams

for module in pkgutil.walk_packages(streams.__path__, "streams."):
    __import__(module.name)
import mlflow.artifacts
import scorecard.registry.client_reader, scorecard.registry.download, scorecard.registry.rest_reader
from scorecard.registry.mlflow_client import ask

assert ask("http://127.0.0.1:9", lambda client: client.tracking_uri) == "http://127.0.0.1:9"
"""


def image_packages() -> set[str]:
    """Packages of ours that the Dockerfile copies into the worker's image."""
    stage = DOCKERFILE.partition("AS worker-build\n")[2].partition("\nFROM")[0]
    return set(re.findall(r"^COPY (\w+) \1$", stage, re.MULTILINE))


def image_distributions() -> set[str]:
    """The group and all that it needs, as the lock file has it."""
    known: set[str] = set()
    waiting = [(each.name, tuple(each.extras)) for each in GROUP]
    while waiting:
        name, extras = waiting.pop()
        package = LOCK[name]
        needs = package.get("dependencies", []) if name not in known else []
        for extra in extras:
            needs = needs + package["optional-dependencies"][extra]
        known.add(name)
        waiting += [
            (need["name"], tuple(need.get("extra", ())))
            for need in needs
            if need["name"] not in known or need.get("extra")
        ]
    return known


@pytest.fixture(scope="module")
def distributions() -> set[str]:
    return image_distributions()


def run_in_image(distributions: set[str], packages: set[str]) -> subprocess.CompletedProcess[str]:
    arguments = [",".join(distributions), ",".join(packages)]
    return subprocess.run([sys.executable, "-c", IN_THE_IMAGE, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.slow
def test_a_worker_imports_all_of_itself_and_mlflows_client_from_its_image(distributions: set[str]) -> None:
    run = run_in_image(distributions, image_packages())

    assert run.returncode == 0, run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("absent", ["fastavro", "sqlalchemy", "scorecard"])
def test_what_a_worker_needs_is_missed_where_it_is_not_there(absent: str, distributions: set[str]) -> None:
    run = run_in_image(distributions - {absent}, image_packages() - {absent})

    assert f"ModuleNotFoundError: {absent}" in run.stderr


def test_nothing_that_trains_serves_or_draws_is_in_it(distributions: set[str]) -> None:
    absent = {
        "mlflow",
        "scikit-learn",
        "xgboost",
        "catboost",
        "lightgbm",
        "hyperopt",
        "pandas",
        "pyarrow",
        "matplotlib",
    }

    assert not absent & distributions
    assert image_packages() == {"schemas", "scorecard", "streams"}


def test_the_groups_bounds_are_the_projects() -> None:
    project = {each.name: each for each in map(Requirement, PYPROJECT["project"]["dependencies"])}
    project[OF_MLFLOW] = Requirement(str(project["mlflow"]).replace("mlflow", OF_MLFLOW))

    assert [str(each) for each in GROUP] == [str(project[each.name]) for each in GROUP]
