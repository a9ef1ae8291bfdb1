"""A scan that could look up nothing is no clean scan, and a known look-alike may move within its file."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def scan() -> Any:
    spec = importlib.util.spec_from_file_location("scan", ROOT / "deploy" / "security" / "scan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def secret(line: int, hashed: str = "a1") -> dict[str, Any]:
    return {"type": "Secret Keyword", "line_number": line, "hashed_secret": hashed}


def test_a_secret_is_new_by_file_and_hash_and_not_by_its_line(scan: Any) -> None:
    known = {"results": {"one.py": [secret(3)]}}

    assert scan.new_secrets({"results": {"one.py": [secret(99)]}}, known).findings == []
    assert scan.new_secrets({"results": {"two.py": [secret(3)]}}, known).findings == ["two.py:3: Secret Keyword"]
    assert scan.new_secrets({"results": {"one.py": [secret(4, "b2")]}}, known).findings == ["one.py:4: Secret Keyword"]


def test_every_known_look_alike_lies_in_a_file_that_is_there(scan: Any) -> None:
    known = scan.json.loads(scan.BASELINE.read_text(encoding="utf-8"))

    assert [path for path in known["results"] if not (ROOT / path).exists()] == []


def test_dependencies_that_could_not_be_looked_up_are_not_clean(scan: Any) -> None:
    skipped = {"name": "a", "skip_reason": "not found"}
    faulty = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}

    assert scan.vulnerabilities({"dependencies": [skipped]}).note.startswith("CANNOT RUN")
    assert scan.vulnerabilities({"dependencies": [skipped, faulty]}).note == "1 of 2 dependencies looked up"
    assert scan.vulnerabilities({"dependencies": [faulty]}).findings == ["b 1: CVE-1, mended in 2"]


def test_a_bill_of_materials_names_every_locked_dependency_of_this_machine(scan: Any) -> None:
    sbom = {"components": [{"name": "Jinja_2", "version": "3"}]}
    locked = ["jinja-2==3", "pywin==1 ; sys_platform == 'plan9'"]

    assert scan.missing_components(sbom, locked).findings == []
    assert scan.missing_components(sbom, ["jinja-2==4"]).findings == ["jinja-2==4 is missing"]
