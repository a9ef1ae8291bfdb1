"""The workflows of CI: pinned, with least rights, and only steps that run on any machine too."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SMOKE = ROOT / "deploy" / "images" / "smoke"
ACTIONLINT = shutil.which("actionlint", path=f"{os.environ['PATH']}:{ROOT / '.cache' / 'tools'}")
WRITES = {"image": {"packages"}, "wheel": {"contents"}}
"""What a job may change; all others only read."""


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"])


def steps() -> list[dict[str, Any]]:
    return [step for path in WORKFLOWS for job in jobs(path).values() for step in job["steps"]]


def test_every_action_is_pinned_by_its_whole_commit() -> None:
    lines = [line.strip("- ") for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]

    assert len(lines) > 5
    assert [line for line in lines if not PINNED.match(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_do_only_what_it_is_for(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}
    for name, job in jobs(path).items():
        writes = {scope for scope, right in job["permissions"].items() if right == "write"}
        assert writes == WRITES.get(name, set())
        assert job["timeout-minutes"] <= 90


def test_no_text_of_an_event_gets_into_a_script() -> None:
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_every_target_and_script_that_a_step_runs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = [step["run"] for step in steps() if "run" in step]
    words = [
        word for text in scripts for call in re.findall(r"^\s*make (.*)$", text, re.MULTILINE) for word in call.split()
    ]
    programs = re.findall(r"\bdeploy/[\w/]+", "\n".join(scripts))

    targets = [word for word in words if "=" not in word]
    assert len(targets) > 8
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
    assert programs
    assert [name for name in programs if not os.access(ROOT / name, os.X_OK)] == []


def test_the_tests_run_on_every_python_that_the_project_takes() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [(first, end)] = re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', pyproject)
    matrix = jobs(ROOT / ".github" / "workflows" / "ci.yml")["tests"]["strategy"]["matrix"]["python"]

    assert matrix == [f"3.{minor}" for minor in range(int(first), int(end))]


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    run = subprocess.run(
        [zizmor, "--offline", "--quiet", ROOT / ".github"], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not installed: `make programs` builds it where Go is")
def test_actionlint_finds_nothing() -> None:
    run = subprocess.run([str(ACTIONLINT), *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [('{"result":[{"value":[0,"1500"]}]}', 0, "a thousand"), ('{"result":[]}', 1, "not within")],
)
def test_the_smoke_script_says_whether_applications_were_decided(
    tmp_path: Path, answer: str, status: int, said: str
) -> None:
    docker = 'case "$*" in *services) echo kafka worker grafana ;; *) echo "$@" >> "$CALLS" ;; esac'
    for name, body in (("docker", docker), ("curl", f"printf '%s' '{answer}'")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "MINUTES": "1",
        "PAUSE_S": "0",
        "WITHOUT": "grafana kafka-ui",
    }

    run = subprocess.run([SMOKE], env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == status
    assert said in run.stdout + run.stderr
    begun, *_, ended = calls.read_text(encoding="utf-8").splitlines()
    assert begun == "compose --profile demo up --detach kafka worker"
    assert ended == "compose --profile demo down --volumes"
