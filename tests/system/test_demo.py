"""The demo, whole, as a process: what it leaves is what lay on the topics, and it leaves nothing running.

Meanwhile a real Prometheus scrapes its processes: every query of a dashboard has a value. Its one request by HTTP is a
trace through gateway, worker and ledger.
"""

import json
import os
import shutil
import signal
import time

import pytest

from deploy.grafana.boards import BOARDS
from loanctl.stack import stack_state
from tests.doubles.collector import span_collector
from tests.system.prometheus_server import start_prometheus
from tests.system.wait import wait_for

JOBS = {"worker": "streams", "drift": "drift", "trainer": "training", "ledger": "ledger", "gateway": "gateway"}
"""Modules by the jobs of `deploy/prometheus/prometheus.yml`."""
NOT_IN_A_DEMO = {
    "loan_drift_performance{": "no loan of it has ended when performance is checked",
    "loan_drift_passed_over": "nobody writes rubbish to topics of ours",
    "loan_gateway_refusals": "its requests are good",
}
ONE_TRACE = {
    ("loan-gateway", "POST /predict"),
    ("loan-gateway", "send loan.applications.v1"),
    ("loan-worker", "process loan.applications.v1"),
    ("loan-worker", "decide"),
    ("loan-ledger", "record loan.decisions.v1"),
    ("loan-ledger", "insert"),
}
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
    with span_collector() as collector:
        alone.environment |= {"LOAN_TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        demo, begin = alone.start_anew("loanctl", "demo"), time.time()
        prometheus = watcher_of(demo, alone, tmp_path)
        status, told = demo.wait(560), demo.output()

    assert status == 0, told
    assert any(spans >= ONE_TRACE for spans in collector.traces())
    if prometheus is not None:
        assert empty_panels(prometheus, begin) == set()
        assert prometheus.exemplars("loan_decision_latency_seconds_bucket", begin, time.time()) != []
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
    assert "/desk" in told
    assert nothing_runs(tmp_path)


def watcher_of(demo, processes, folder):
    """Prometheus, which scrapes the demo's processes; None on a machine that has none."""
    if shutil.which("prometheus") is None:
        return None
    logs = {job: folder / "build" / "demo" / "log" / f"{module}.log" for job, module in JOBS.items()}

    def ports():
        lines = {job: log.read_text(encoding="utf-8").splitlines() for job, log in logs.items() if log.exists()}
        urls = {job: json.loads(line)["url"] for job in lines for line in lines[job] if '"web.listening"' in line}
        return {job: int(url.rpartition(":")[2]) for job, url in urls.items()}

    wait_for(lambda: len(ports()) == len(JOBS) or not demo.alive(), 240, "five processes to listen")
    return start_prometheus(processes, folder, ports())


def empty_panels(prometheus, begin):
    """Queries of dashboards that had no value while the demo ran, but for what does not happen in it."""
    asked = {query for board in BOARDS for panel in board.panels for query in panel.queries.values()}
    silent = {query for query in asked if any(name in query for name in NOT_IN_A_DEMO)}
    return {query for query in asked - silent if not prometheus.has_values(query, begin, time.time())}


def test_a_demo_that_is_interrupted_leaves_nothing_running(alone, tmp_path):
    told = alone.start_anew("loanctl", "demo")
    wait_for(lambda: "made-up applicants" in told.output(), 120, "the stack to be up")

    os.kill(told.pid, signal.SIGINT)

    assert told.wait(60) == 130
    assert nothing_runs(tmp_path)
    assert not (tmp_path / "build" / "demo.json").exists()


def nothing_runs(folder):
    """Whether all processes of the demo's stack have ended."""
    left = stack_state.read(folder / "build" / "demo")
    return left is not None and not any(process.alive() for process in left.running)
