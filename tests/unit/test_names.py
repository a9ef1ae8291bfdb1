"""Names are nouns and verbs of the field, and each module and class has its own.

A participle or a gerund says that something happened, not what is returned or done: `told` returns a message, a
window or nothing. Only a question that is answered by yes or no is one: `closed`, `is_allowed`. Helpers, fixtures
and doubles of the tests keep to it, too; a test itself has a sentence for its name.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.test_purity import PACKAGES, ROOT

IRREGULAR = re.compile(
    "begun|bought|broken|brought|built|caught|chosen|done|drawn|driven|fallen|felt|forgotten|found|frozen|given|gone|"
    "grown|heard|held|hidden|kept|known|laid|learnt|left|lost|made|meant|met|paid|risen|said|seen|sent|shaken|shown|"
    "sold|spent|spoken|stood|taken|thought|thrown|told|torn|understood|woken|won|worn|written"
)
REGULAR = re.compile(r"\w{2,}ed|\w{2,}ing")
NO_PARTICIPLES = re.compile(
    "string|shed|thing|ring|need|feed|seed|speed|everything|nothing|heed|exceed|proceed|succeed"
)
TRAILING = re.compile(
    "after|again|around|as|at|away|before|behind|by|elsewhere|for|from|in|last|new|of|out|over|through|to|up"
)
"""A participle before one of these is a participle still: `left_behind`, `decided_by`."""

FIELD_TERMS = {
    "decoding": "of records: the codec's noun",
    "encoding": "of columns: what machine learning calls it",
    "scaling": "of workers: more of them for more load",
    "binding": "of rights to a principal: the Kafka client's own word",
    "heading": "of a page",
    "pricing": "of a loan: rate and grade",
    "retraining": "what credit risk calls a new training of a model in use",
    "scoring": "what credit risk calls it",
}
KEPT = {
    "Contract.observed": "models logged to MLflow before the package travelled with them ask for it",
    "Contract.scored": "the same",
    "BoundedProtocol.connection_lost": "asyncio calls it",
    "BoundedProtocol.connection_made": "asyncio calls it",
    "BoundedProtocol.data_received": "asyncio calls it",
    "Worker.on_startup_finished": "Faust calls it",
    "FakeConsumer.committed": "confluent-kafka calls it",
    "ScriptedConsumer.committed": "the same",
    "LoadConnection.connection_lost": "asyncio calls it",
    "LoadConnection.connection_made": "asyncio calls it",
    "LoadConnection.data_received": "asyncio calls it",
}
OF_EACH_PROGRAM = {"metrics", "process", "settings"}
COMMANDS = Path("loanctl/commands")
"""Modules there are called as the command is."""


class Part(NamedTuple):
    """A module, a class or a function: where it is, its name with that of its class, and its syntax."""

    path: Path
    name: str
    node: ast.AST


@pytest.fixture(scope="module")
def parts() -> Sequence[Part]:
    """All that the packages and the tests define, but tests: parsed once, and kept for this file alone."""
    return [part for package in (*PACKAGES, "tests") for path in paths(package) for part in parts_of(path)]


def paths(package: str) -> Iterable[Path]:
    return (path.relative_to(ROOT) for path in sorted((ROOT / package).rglob("*.py")))


def parts_of(path: Path) -> Iterator[Part]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for name, node in [(path.stem, tree), *definitions(tree)]:
        if not (path.parts[0] == "tests" and name.rpartition(".")[2].startswith("test_")):
            yield Part(path, name, node)


def is_participle(name: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    while len(words) > 1 and TRAILING.fullmatch(words[-1]):
        words.pop()
    word = words[-1].lower() if words else ""
    if NO_PARTICIPLES.fullmatch(word) or word in FIELD_TERMS:
        return False
    return bool(REGULAR.fullmatch(word) or IRREGULAR.fullmatch(word))


def is_question(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "bool" in ast.unparse(node.returns or node)


def definitions(node: ast.AST, of: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Of statements alone: no expression holds a definition, and expressions are most of the nodes."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{of}.{each.name}" if of else each.name
            yield name, each
            yield from definitions(each, each.name if isinstance(each, ast.ClassDef) else "")
        elif isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from definitions(each, of)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("told", True),
        ("_decided_by", True),
        ("Reading", True),
        ("labelled_rows", False),
        ("string", False),
        ("psi", False),
    ],
)
def test_what_a_participle_is(name: str, is_one: bool) -> None:
    assert is_participle(name) == is_one


def test_no_function_class_or_module_is_named_by_a_participle(parts: Sequence[Part]) -> None:
    odd = [
        f"{path}: {name}"
        for path, name, node in parts
        if is_participle(name.rpartition(".")[2]) and not is_question(node) and name not in KEPT
    ]

    assert odd == []


def test_every_exception_of_this_rule_is_needed(parts: Sequence[Part]) -> None:
    names = {part.name for part in parts}
    words = {word for name in names for word in name.replace(".", "_").split("_")}

    assert KEPT.keys() <= names
    assert FIELD_TERMS.keys() <= words


def test_no_two_modules_have_one_name_but_those_that_each_program_has() -> None:
    modules = [path for package in PACKAGES for path in paths(package)]
    stems = Counter(path.stem for path in modules if not path.stem.startswith("__") and COMMANDS not in path.parents)

    assert {name for name, count in stems.items() if count > 1} == OF_EACH_PROGRAM


def test_no_two_public_classes_have_one_name(parts: Sequence[Part]) -> None:
    names = Counter(
        node.name
        for path, _, node in parts
        if path.parts[0] != "tests" and isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert {name for name, count in names.items() if count > 1} == set()
