"""Log events are constants of one form, and the page of them is the source's: names, levels and fields."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from tests.unit.test_purity import PACKAGES, ROOT

METHODS = {f"log.{level}" for level in ("debug", "info", "warning", "error", "exception", "critical")}
FORM = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+")
ROW = re.compile(r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|", re.MULTILINE)

Facts = tuple[frozenset[str], frozenset[str]]


@cache
def calls() -> Sequence[tuple[str, ast.Call]]:
    """Where the packages log, and how."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in METHODS
    ]


def merge(facts: Iterator[tuple[str, Facts]]) -> Mapping[str, Facts]:
    events: dict[str, Facts] = {}
    for name, (levels, fields) in facts:
        known = events.get(name, (frozenset(), frozenset()))
        events[name] = (known[0] | levels, known[1] | fields)
    return events


def of_the_source() -> Iterator[tuple[str, Facts]]:
    for _, call in calls():
        level = call.func.attr  # type: ignore[attr-defined]
        yield ast.literal_eval(call.args[0]), (frozenset({level}), frozenset(str(each.arg) for each in call.keywords))


def of_the_page() -> Iterator[tuple[str, Facts]]:
    for name, levels, fields in ROW.findall((ROOT / "docs/log-events.md").read_text(encoding="utf-8")):
        yield name, (words(levels), words(fields))


def words(cell: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip() for word in cell.split(","))))


def test_every_event_is_a_constant_noun_and_participle() -> None:
    odd = [
        place
        for place, call in calls()
        if not (isinstance(call.args[0], ast.Constant) and FORM.fullmatch(str(call.args[0].value)))
    ]

    assert odd == []


def test_the_page_lists_every_event_with_its_levels_and_fields_and_no_other() -> None:
    source, page = merge(of_the_source()), merge(of_the_page())

    assert len(source) > 40
    assert page == source
