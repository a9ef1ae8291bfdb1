"""Pages name files that exist, and errors and words as the code has them."""

import dataclasses
import itertools
import json
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import fastavro
import pytest

from loanctl.cli import COMMANDS
from schemas.access import KafkaPrincipal, Operation, Resource, rights
from schemas.codec.event_codec import avro_schema
from schemas.contract.contract import load
from schemas.events.decisions import LoanDecision
from schemas.topics import topics_of

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md"))))
PACKAGES = ("schemas", "scorecard", "streams", "drift", "training", "ledger", "gateway", "loan_client", "loanctl")
FILE = re.compile(rf"`((?:{'|'.join(PACKAGES)}|deploy|tests|docs)/[\w./*-]*)`")
MODULE = re.compile(r"`(\w+\.py)`")
DOTTED = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
ROW = re.compile(r"^\| `([\w-]+)` \|([^|]*)\|([^|]*)\|", re.MULTILINE)
CLASS = re.compile(r"`(\w+(?:Error))`")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_object_that_a_page_names_exists(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    files = {name for name in FILE.findall(text) if "NAME" not in name}
    links = {str((ROOT / page).parent / link) for link in LINK.findall(text)}

    assert [name for name in sorted(files) if not any(ROOT.glob(name))] == []
    assert [name for name in sorted(set(MODULE.findall(text))) if not list(of_the_product(name))] == []
    assert [name for name in sorted(set(DOTTED.findall(text)) - log_events()) if not resolves(name)] == []
    assert [link for link in sorted(links) if not Path(link).exists()] == []


def of_the_product(module: str) -> Iterator[Path]:
    return itertools.chain(*((ROOT / package).rglob(module) for package in (*PACKAGES, "tests", "deploy")))


def log_events() -> set[str]:
    """Dotted words, too; `test_log_events` holds their page."""
    return set(DOTTED.findall((ROOT / "docs/log-events.md").read_text(encoding="utf-8")))


def resolves(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_shows_exists_with_its_options(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")

    for line in loanctl_lines(text):
        parse(line)


def test_commands_are_found_in_blocks_and_misspelt_ones_are_seen():
    lines = list(loanctl_lines("```sh\nA=1 loanctl train --dta x && loanctl down  # stop\n```\n"))

    assert lines == ["loanctl train --dta x", "loanctl down"]
    with pytest.raises(Exception, match="No such option: --dta"):
        parse(lines[0])
    with pytest.raises(KeyError):
        parse("loanctl topics aply")
    with pytest.raises(Exception, match="takes --out for its value"):
        parse("loanctl population --changed-risk --out changed.csv")


def test_every_target_that_a_page_names_is_the_makefiles():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"))
    }

    assert len(named) > 8
    assert named <= targets


def loanctl_lines(text: str) -> Iterator[str]:
    """Calls of `loanctl` in blocks of shell, without variables, pipes and comments."""
    for block in re.findall(r"^ *```(?:sh|bash)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||[|;]", re.sub(r"\$\(.*?\)", "VALUE", line)):
                if found := re.search(r"(?:^|\s)(loanctl .*?)(?:\s+#.*|\s+>.*)?$", part.strip()):
                    yield found[1].strip()


def parse(line: str) -> None:
    """Raises where there is no such command, it has no such option, or an option lacks its value."""
    _, name, *rest = shlex.split(line)
    command = next(each for each in COMMANDS if each.name == name).load()
    while (group := getattr(command, "commands", {})) and rest and not rest[0].startswith("-"):
        # `loanctl audit ID` is `loanctl audit show ID`.
        command, rest = (
            (group["show"], rest) if name == "audit" and rest[0] not in group else (group[rest[0]], rest[1:])
        )
    context = command.make_context(name, [], resilient_parsing=True)
    context.resilient_parsing = False
    values, _, _ = command.make_parser(context).parse_args(rest)
    if swallowed := [value for value in values.values() if str(value).startswith("--")]:
        message = f"an option takes {swallowed[0]} for its value"
        raise ValueError(message)


def test_every_error_that_the_architecture_names_is_a_class():
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    named = set(CLASS.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8")))

    assert len(named) > 5
    assert [name for name in sorted(named) if f"class {name}(" not in source] == []


def test_the_decision_that_the_readme_shows_is_one():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    decision = json.loads(re.search(r"<!-- decision -->\n```json\n(.*?)```", readme, re.DOTALL)[1])  # type: ignore[index]
    total = decision["base_value"] + sum(item["contribution"] for item in decision["contributions"])

    assert fastavro.validate(decision, fastavro.parse_schema(dict(avro_schema(LoanDecision))))
    assert decision.keys() == {field.name for field in dataclasses.fields(LoanDecision)}
    assert total == pytest.approx(decision["margin"], abs=1e-5)
    assert decision["probability"] >= decision["decline_from"]


def test_the_licence_is_apaches_whole():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_page_of_security_has_each_principal_with_its_topics():
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    rows = {name: (set(words(read)), set(words(written))) for name, read, written in ROW.findall(page)}
    topics = topics_of(load("credit_risk"), "loan")
    given: dict[str, tuple[set[str], set[str]]] = {principal.value: (set(), set()) for principal in KafkaPrincipal}
    for right in rights(topics):
        if right.resource is Resource.TOPIC:
            short = right.name.removeprefix("loan.").removesuffix(".v1").replace(".v1", "")
            given[right.principal.value][right.operation is Operation.WRITE].add(short)

    assert rows == given


def words(cell: str) -> list[str]:
    return [word for word in cell.strip().split(", ") if word]
