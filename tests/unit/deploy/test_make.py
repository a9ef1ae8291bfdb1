"""The Makefile does what the README says of it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def recipe(target):
    found = re.search(rf"^{target}:([^#\n]*).*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found, target
    return found[1].split(), [line.strip().lstrip("@") for line in found[2].splitlines()]


def test_make_demo_is_the_demo_command():
    assert recipe("demo")[1] == ["$(BIN)/loanctl demo"]


def test_make_test_lints_types_and_runs_every_test_but_the_long_forms():
    before, tests = recipe("test")[1]

    assert before.startswith("$(MAKE) ")
    assert {"lint", "types", "layers"} <= set(before.split())
    assert tests == '$(BIN)/pytest -m "not chaos" $(PARALLEL)'


def test_kernels_are_compiled_before_the_tests_where_the_source_of_one_has_changed():
    packages = re.search(r"^PACKAGES := (.*)$", MAKEFILE, re.MULTILINE)[1].split()
    pattern = re.search(r"^KERNELS = \$\(shell grep -rlE '(.*?)' .*\)$", MAKEFILE, re.MULTILINE)[1].replace("$$", "$")
    texts = [path.read_text(encoding="utf-8") for name in packages for path in (ROOT / name).rglob("*.py")]
    users = [text for text in texts if re.search(r"^from schemas\.jit import", text, re.MULTILINE)]

    assert "$(KERNELS)" in recipe(r"\$\(WARM\)")[0]
    assert len(users) > 5
    assert [text for text in texts if re.search(pattern, text, re.MULTILINE)] == users


def test_make_chaos_runs_the_checker_and_the_long_forms():
    assert recipe("chaos")[1] == ["$(BIN)/python -m tests.chaos", "$(BIN)/pytest -m chaos"]


def test_ci_runs_the_test_command_and_nothing_else():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    acts = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]

    assert acts == ["exec make test"]
