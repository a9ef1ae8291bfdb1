"""Blocks of code on pages are what they say: shell and Python that parse, JSON, fields of a contract, what exists.

Commands of `loanctl` are held by `test_pages`, clients and queries are run by tests of their own.
"""

import ast
import importlib.util
import json
import re
import subprocess
import textwrap
import tomllib
from typing import NamedTuple

import pytest
import yaml

from loanctl.endpoints import STATE_DIR
from schemas.contract.contract import Contract, load
from streams.runtime.setting_names import misspelt
from tests.builders import contract_with
from tests.unit.test_pages import PAGES, ROOT

CONTRACT = load("credit_risk")
SHELL = ("sh", "bash")


class Block(NamedTuple):
    page: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^ *```(\S*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [Block(page, language, textwrap.dedent(body)) for language, body in found]


def of(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def names(block: Block) -> str:
    return f"{block.page}-{block.text[:30].splitlines()[0]}"


@pytest.mark.parametrize("block", of(*SHELL), ids=names)
def test_shell_parses(block: Block) -> None:
    parsed = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)

    assert (parsed.returncode, parsed.stderr) == (0, "")


def test_commands_stand_in_blocks_of_shell() -> None:
    assert [block for block in of("") if re.search(r"^(loanctl|make|python -m) ", block.text, re.MULTILINE)] == []


@pytest.mark.parametrize("block", of("python"), ids=names)
def test_python_parses(block: Block) -> None:
    if not block.text.startswith("--8<--"):
        ast.parse(block.text)


@pytest.mark.parametrize("block", of("json"), ids=names)
def test_json_is_json_and_a_field_is_one_of_a_contract(block: Block) -> None:
    found = json.loads(block.text if block.text.startswith("{") else f"{{{block.text}}}")
    if {"name", "type"} <= found.keys():
        grown = Contract.of({**CONTRACT.schema, "fields": [*CONTRACT.schema["fields"], found]})
        assert grown.position.keys() - CONTRACT.position.keys() == {found["name"]}
    elif "name" in found:
        assert contract_with(**found)


def test_what_curl_sends_is_an_application() -> None:
    bodies = [json.loads(body) for block in of(*SHELL) for body in re.findall(r"-d '(\{.*?\})'", block.text, re.DOTALL)]

    assert bodies
    assert [body for body in bodies if not body.keys() <= {each["name"] for each in CONTRACT.schema["fields"]}] == []


def test_modules_folders_profiles_and_extras_that_a_block_names_exist() -> None:
    shell = "\n".join(block.text for block in of(*SHELL))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    profiles = {profile for service in compose.values() for profile in service.get("profiles", ())}
    modules = set(re.findall(r"python -m (\w+)", shell))

    assert modules
    assert [name for name in modules if importlib.util.find_spec(f"{name}.__main__") is None] == []
    assert [name for name in re.findall(r"\bdeploy/[\w./-]+", shell) if not (ROOT / name).exists()] == []
    assert set(re.findall(r"--profile (\w+)", shell)) <= profiles
    assert set(re.findall(r"loan-decisions\[(\w+)\]", shell)) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"\bLOAN_[A-Z][A-Z0-9_]*[A-Z0-9]\b", (ROOT / page).read_text(encoding="utf-8")))

    assert misspelt(named - {STATE_DIR}) == []
