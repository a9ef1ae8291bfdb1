"""A test's own class that replaces a part of the product's still does so once the product has renamed that part."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.unit.test_purity import PACKAGES, ROOT


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "class " in (source := path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT), ast.parse(source)


def product_bases(heir: ast.ClassDef, tree: ast.Module) -> list[type]:
    names = {base.id for base in heir.bases if isinstance(base, ast.Name)}
    return [
        getattr(importlib.import_module(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in PACKAGES
        for alias in node.names
        if (alias.asname or alias.name) in names
    ]


def idle_methods(tree: ast.Module) -> Iterator[str]:
    """Private methods of the product's heirs that replace nothing and that their own module does not call."""
    calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for heir in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        bases = product_bases(heir, tree)
        known = calls.union(*map(dir, bases))
        methods = (part.name for part in heir.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
        yield from (f"{heir.name}.{name}" for name in methods if bases and name.startswith("_") and name not in known)


def test_no_private_method_of_a_tests_class_replaces_nothing() -> None:
    assert [f"{path}: {name}" for path, tree in trees() for name in idle_methods(tree)] == []
