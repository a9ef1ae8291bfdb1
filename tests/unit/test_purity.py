"""A module that says "Pure" reads no clock and no environment, draws nothing unseeded, and knows no client."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]
CLIENTS = {
    "confluent_kafka",
    "faust",
    "aiokafka",
    "mlflow",
    "httpx",
    "httpx2",
    "requests",
    "urllib.request",
    "socket",
    "subprocess",
    "sqlalchemy.create_engine",
    "fsspec",
    "prometheus_client",
    "pydantic_settings",
    "structlog",
    "random",
    "secrets",
}
IMPURE_CALLS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "os.getenv",
    "uuid4",
    "uuid.uuid4",
}
PURE = re.compile(r"\bPure\b")
DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)


def modules() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


ALL = dict(modules())
"""Sources by path; each is parsed by the first test that asks, and not whenever tests are collected."""
PURE_ONES = [name for name, source in ALL.items() if (doc := DOCSTRING.match(source)) and PURE.search(doc[0])]


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(ALL[name])


@cache
def imports(tree: ast.Module) -> set[str]:
    """What a module imports when it runs, now or later; not what only type checkers see."""
    found: set[str] = set()
    unseen = {id(child) for node in ast.walk(tree) if _is_for_types(node) for child in ast.walk(node)}
    for node in (node for node in ast.walk(tree) if id(node) not in unseen):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def clients_of(tree: ast.Module) -> set[str]:
    return {name for name in imports(tree) for client in CLIENTS if name == client or name.startswith(f"{client}.")}


def impurities(tree: ast.Module) -> set[str]:
    found = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)} & IMPURE_CALLS
    found |= {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"os.environ"}
    unseeded = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and not node.args and not node.keywords]
    return found | {ast.unparse(node) for node in unseeded if ast.unparse(node.func).endswith("default_rng")}


def sources(tree: ast.Module) -> set[str]:
    """The files of ours that a module imports."""
    paths = {name.replace(".", "/") + ".py" for name in imports(tree)}
    return paths & ALL.keys()


def test_there_are_pure_modules_in_every_package_of_the_core():
    assert {name.partition("/")[0] for name in PURE_ONES} >= {"schemas", "scorecard", "drift", "training"}
    assert len(PURE_ONES) > 40


@pytest.mark.parametrize("name", PURE_ONES)
def test_a_module_that_says_pure_is(name: str):
    assert clients_of(tree_of(name)) == set()
    assert impurities(tree_of(name)) == set()


@pytest.mark.parametrize("name", [name for name in PURE_ONES if not name.startswith("loanctl/")])
def test_a_pure_module_leans_on_no_shell(name: str):
    """A client two imports away is a client. Pages of `loanctl` show the values of its shells, and are left out."""
    seen: set[str] = set()
    waiting = {name}
    while waiting:
        one = waiting.pop()
        seen.add(one)
        waiting |= sources(tree_of(one)) - seen
    shells = {one: clients for one in seen if (clients := clients_of(tree_of(one)))}

    assert shells == {}


@pytest.mark.parametrize(
    "source",
    [
        "import confluent_kafka",
        "from mlflow.entities import Metric",
        "from urllib.request import urlopen",
        "import time\ntime.time()",
        "from datetime import datetime\ndatetime.now(None)",
        "import os\nos.environ['A']",
        "import numpy as np\nnp.random.default_rng()",
    ],
)
def test_what_is_looked_for_is_found(source: str):
    tree = ast.parse(source)

    assert clients_of(tree) | impurities(tree)
