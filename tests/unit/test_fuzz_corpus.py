"""Every case that fuzzing began with, or found, is run as it is: `python -m tests.fuzz` adds to them."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
CASES = sorted(CORPUS.rglob("*"))


def test_each_target_has_cases():
    assert {path.parent.name for path in CASES if path.is_file()} == TARGETS.keys()


@pytest.mark.parametrize(
    "path", [path for path in CASES if path.is_file()], ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_a_case_raises_nothing_that_its_callers_do_not_know(path):
    TARGETS[path.parent.name](path.read_bytes())
