"""The Terraform files are Terraform, use what they declare, and their tables are the project's."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from schemas.access import rights
from schemas.contract import contract as contracts
from schemas.topics import topics_of

ROOT = Path(__file__).resolve().parents[3]
TERRAFORM = ROOT / "deploy" / "terraform"
MODULES = ("kafka", "aws")
TABLES = json.loads((TERRAFORM / "kafka" / "tables.auto.tfvars.json").read_text(encoding="utf-8"))
KEY = re.findall(r"right\.(\w+)", (TERRAFORM / "kafka" / "main.tf").read_text(encoding="utf-8"))
"""What Terraform knows a right by."""
VARIABLE = re.compile(r"\bvar\.(\w+)")


def parse(module: str) -> list[dict[str, Any]]:
    return [hcl2.loads(path.read_text(encoding="utf-8")) for path in sorted((TERRAFORM / module).glob("*.tf"))]


def variables_of(module: str) -> dict[str, dict[str, Any]]:
    blocks = [block for each in parse(module) for block in each.get("variable", [])]
    return {name.strip('"'): body for block in blocks for name, body in block.items()}


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_is_declared_described_and_used(module: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (TERRAFORM / module).glob("*.tf"))
    variables = variables_of(module)

    assert len(variables) > 5
    assert set(VARIABLE.findall(text)) == variables.keys()
    assert [name for name, body in variables.items() if "description" not in body] == []


def test_the_tables_give_every_topic_and_right_and_no_other_variable() -> None:
    topics = topics_of(contracts.load("credit_risk"))

    assert TABLES.keys() <= variables_of("kafka").keys()
    assert TABLES["topics"].keys() == {topic.name for topic in topics.all()}
    assert len(TABLES["rights"]) == len(rights(topics))


def test_no_two_rights_share_the_key_that_terraform_knows_them_by() -> None:
    keys = [tuple(right[part] for part in KEY) for right in TABLES["rights"]]

    assert len(keys) > 50
    assert len(set(keys)) == len(keys)


@pytest.mark.slow
def test_nothing_that_holds_records_is_destroyed_by_terraform() -> None:
    kept = {
        kind.strip('"')
        for module in MODULES
        for each in parse(module)
        for block in each.get("resource", [])
        for kind, named in block.items()
        for body in named.values()
        if any(rule.get("prevent_destroy") for rule in body.get("lifecycle", []))
    }

    assert kept == {"kafka_topic", "aws_msk_cluster", "aws_s3_bucket"}


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed: its format is not checked")
def test_the_files_are_as_terraform_formats_them() -> None:
    run = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", str(TERRAFORM)], capture_output=True, text=True, check=False
    )

    assert (run.returncode, run.stdout) == (0, "")
