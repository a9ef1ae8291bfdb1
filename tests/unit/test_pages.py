"""Pages name files that exist, and errors and words as the code has them."""

import dataclasses
import json
import re
from pathlib import Path

import fastavro
import pytest

from schemas.codec.event_codec import avro_schema
from schemas.events.decisions import LoanDecision

ROOT = Path(__file__).parents[2]
PAGES = ("docs/architecture.md", "docs/new-feature.md", "CONTRIBUTING.md")
FILE = re.compile(r"`((?:schemas|scorecard|streams|drift|training|ledger|gateway|loanctl|deploy|tests|docs)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
CLASS = re.compile(r"`(\w+(?:Error))`")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {name for name in FILE.findall(text) if "NAME" not in name}
    links = {str((ROOT / page).parent / link) for link in LINK.findall(text)}

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    assert [link for link in sorted(links) if not Path(link).exists()] == []


def test_every_error_that_the_architecture_names_is_a_class():
    source = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts)
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
