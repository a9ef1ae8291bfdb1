"""The demo, whole, as a process: what it leaves is what lay on the topics, and it leaves nothing running."""

import json
import os
import signal

import pytest

from loanctl.stack import stack_state
from tests.system.waiting import wait_for

FIELDS = [
    "ok",
    "seconds",
    "applications",
    "decisions",
    "missing",
    "duplicates",
    "dead_letters",
    "refusals_by_reason",
    "champions",
    "drift",
    "retrain",
    "http_decision_id",
    "latency_ms",
    "decisions_per_s",
]


@pytest.fixture
def alone(processes):
    """As on a machine where nothing is set: the demo starts a stack of its own."""
    plain = {name: value for name, value in processes.environment.items() if not name.startswith("LOAN_")}
    processes.environment = plain
    return processes


@pytest.mark.timeout(600)
def test_the_whole_story_is_seen_on_the_topics(alone, tmp_path):
    told = alone.loanctl("demo", timeout_s=560)

    assert told.status == 0, told.out + told.err
    summary = json.loads((tmp_path / "build" / "demo.json").read_text(encoding="utf-8"))
    assert list(summary) == FIELDS
    assert summary["ok"] is True
    assert (summary["missing"], summary["duplicates"]) == (0, 0)
    assert len(summary["champions"]) >= 2
    assert [command["cause"] for command in summary["retrain"]["commands"]] == ["DRIFT"]
    assert [result["status"] for result in summary["retrain"]["results"]] == ["PROMOTED"]
    assert summary["dead_letters"] == sum(summary["refusals_by_reason"].values()) == 15
    assert summary["latency_ms"]["p50"] < summary["latency_ms"]["p99"]
    verdicts = [window["verdict"] for window in summary["drift"]]
    assert verdicts[0] == "STEADY"
    assert verdicts.count("DRIFTED") >= 2
    assert "/desk" in told.out
    assert nothing_runs(tmp_path)


def test_a_demo_that_is_interrupted_leaves_nothing_running(alone, tmp_path):
    told = alone.start("loanctl", "demo", name="demo")
    wait_for(lambda: "made-up applicants" in told.output(), 120, "the stack to be up")

    os.kill(told.pid, signal.SIGINT)

    assert told.wait(60) == 130
    assert nothing_runs(tmp_path)
    assert not (tmp_path / "build" / "demo.json").exists()


def nothing_runs(folder):
    """Whether all processes of the demo's stack have ended."""
    left = stack_state.read(folder / "build" / "demo")
    return left is not None and not any(process.alive() for process in left.running)
