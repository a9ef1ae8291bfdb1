"""Every command of the README is run: here, from a shell that knows nothing but what the README has said so far.

What takes too long or needs more than a test may have is run by a test of its own, named below.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from loanctl.reports import event_log, stream_audit
from loanctl.stack import stack_state
from streams.runtime.settings import Connection
from tests.system.wait import wait_for

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
ELSEWHERE = {
    "make demo": "tests/system/test_demo.py::test_the_whole_story_is_seen_on_the_topics",
    "make test": "tests/unit/deploy/test_make.py::test_make_test_lints_types_and_runs_every_test_but_the_long_forms",
    "docker compose --profile demo up": (
        "tests/unit/deploy/test_compose.py::test_every_service_of_ours_starts_a_process_that_there_is"
    ),
}
PROCESSES = [command for command in COMMANDS if command.startswith("python -m")]
ROWS = 8_000
OWN = 2
"""Applications that the reader sends: by `loanctl ask` and by HTTP."""


@pytest.fixture
def shell(processes, tmp_path):
    """Runs commands of the README one after another, as one who has only read it would."""
    cache = {name: value for name, value in processes.environment.items() if name == "LOAN_CACHE_DIR"}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LOAN_")}
    processes.environment = {
        **plain,
        **cache,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }

    def run(command):
        # What `eval` sets stays set, as in a terminal.
        ran = subprocess.run(
            ["bash", "-c", f"{command}\nstatus=$?; env -0 >.shell; exit $status"],
            cwd=tmp_path,
            env=processes.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        variables = (tmp_path / ".shell").read_text(encoding="utf-8").split("\0")
        processes.environment = dict(variable.partition("=")[::2] for variable in variables if variable)
        return ran

    yield run
    run("loanctl down")


def ready(process):
    """Whether it says so on the port that it told in its log."""
    found = re.search(r"http://127\.0\.0\.1:\d+", process.output())
    assert process.alive(), process.tail()
    if not found:
        return False
    try:
        with urllib.request.urlopen(f"{found[0]}/ready", timeout=5) as answer:  # noqa: S310 - the loopback address
            return answer.status == 200
    except OSError:
        return False


def test_no_command_of_the_readme_is_run_nowhere():
    walked = [command for command in COMMANDS if command.startswith(("loanctl ", "python -m ", "eval ", "curl "))]

    assert len(COMMANDS) > 10
    assert set(COMMANDS) == set(walked) | ELSEWHERE.keys()
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.timeout(600)
def test_the_steps_of_the_readme_lead_from_nothing_to_a_decision_for_every_row(shell, processes, tmp_path):
    started, printed = [], {}
    # `schemas check` and `docker compose up` stand further down; what stops the stack comes last.
    steps = [command for command in COMMANDS if command not in ELSEWHERE and command != "loanctl down"]
    for command in steps:
        if command in PROCESSES:
            started.append(processes.start_anew(command.removeprefix("python -m "), web_port=0))
            continue
        if command.startswith("loanctl play"):
            for process in started:
                wait_for(lambda: ready(process), 120, process.name)  # noqa: B023 - waited for at once
        if command.startswith("curl"):
            # On a machine where the port is taken, `up` said another.
            gateway = f"127.0.0.1:{stack_state.read(tmp_path / stack_state.DEFAULT_STATE_DIR).ports['gateway'][0]}"
            command = command.replace("127.0.0.1:8104", gateway)
            wait_for(lambda: shell(f"curl -fs {gateway}/ready").returncode == 0, 120, "the gateway")  # noqa: B023
        ran = shell(command)
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        printed[command.split()[0]] = ran.stdout

    stack = stack_state.read(tmp_path / stack_state.DEFAULT_STATE_DIR)
    connection = Connection(
        bootstrap_servers=stack.endpoints.bootstrap_servers, registry_url=stack.endpoints.registry_url
    )
    wait_for(lambda: len(event_log.read_topics(connection).decisions) >= ROWS + OWN, 60, "a decision for every row")
    contents = event_log.read_topics(connection)
    assert (len(contents.applications), stream_audit.missing_count(contents), stream_audit.duplicates(contents)) == (
        ROWS + OWN,
        0,
        0,
    )
    assert len(read_by_the_readmes_reader(connection)) == ROWS + OWN
    assert json.loads(printed["curl"])["outcome"] in {"APPROVE", "REFER", "DECLINE"}
    assert [process.stop() for process in started] == [0, 0, 0]
    assert shell("loanctl down").returncode == 0


def read_by_the_readmes_reader(connection):
    """The ids that its ten lines of Python print, from this broker."""
    source = re.search(r"<!-- reader -->\n```python\n(.*?)```", README, re.DOTALL)[1]
    for example, here in (
        ("localhost:9092", connection.bootstrap_servers),
        ("http://localhost:8081/apis/ccompat/v7", connection.registry_url),
    ):
        assert example in source
        source = source.replace(example, here)
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=240, check=True)
    lines = ran.stdout.splitlines()
    assert {line.split()[1] for line in lines} <= {"APPROVE", "REFER", "DECLINE"}
    return {line.split()[0] for line in lines}


def test_every_link_of_the_readme_leads_to_a_file_that_there_is():
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", README) if not link.startswith("http")]

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_what_the_readme_says_the_demo_prints_is_what_it_prints():
    """The shape of it: headings and claims, word for word; numbers are one machine's."""
    printed = re.search(r"<!-- demo -->\n```\n(.*?)```", README, re.DOTALL)[1]
    demo = ROOT / "loanctl" / "demo"
    said = "".join((demo / f"{part}.py").read_text(encoding="utf-8") for part in ("command", "scenario"))
    claims = re.findall(r'Check\(\s*"([^"]+)"', (demo / "checks.py").read_text(encoding="utf-8"))
    headings = re.findall(r"^([^\n\d]+?) ─+$", printed, re.MULTILINE)

    assert len(headings) >= 3
    assert [heading for heading in headings if heading not in said] == []
    assert claims
    assert [claim for claim in claims if claim not in printed] == []
