"""Alerts and dashboards ask only for what the processes export, and every alert has its page and its cases."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

import streams.worker.metrics
from deploy.grafana.boards import BOARDS
from loanctl.documents.exported_metrics import exported_metrics, registries
from schemas.contract import contract as contracts

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
RULES = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
CASE_FILES = ("rules_test.yml", "rules_days_test.yml")
CASES = [
    case for name in CASE_FILES for case in yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))["tests"]
]
RECORDED = [rule for group in RULES["groups"] for rule in group["rules"] if "record" in rule]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
LATE_COUNTERS = {
    "loan_gateway_requests": "a route is known by its first request, and no alert asks for it",
    "loan_gateway_refusals": "as many kinds as problem documents, and no alert asks for it",
    "loan_drift_passed_over": "a reason for each way in which a record cannot be read, on each topic",
}
METRICS = exported_metrics(contracts.load("credit_risk"))
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@pytest.fixture(scope="module")
def series_names():
    """Names of the series that the processes show to Prometheus."""
    return {series for metrics in METRICS.values() for metric in metrics for series in series_of(metric)}


def series_of(metric):
    return [metric.name + suffix for suffix in SUFFIXES[metric.type]]


def metrics_of(expression):
    return set(re.findall(r"\bloan_[a-z0-9_]+", expression))


def queries(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    return [target["expr"] for panel in document["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_what_is_exported(alert, series_names):
    assert metrics_of(alert["expr"]) <= series_names


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule["record"])
def test_a_recording_rule_asks_for_what_is_exported_and_some_alert_for_it(rule, series_names):
    assert metrics_of(rule["expr"]) <= series_names
    assert any(rule["record"] in alert["expr"] for alert in ALERTS)


def test_the_objective_of_decision_age_is_an_edge_of_the_histogram():
    registry = CollectorRegistry()
    streams.worker.metrics.WorkerMetrics(contracts.load("credit_risk"), registry)
    edges = {
        sample.labels["le"]
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "loan_decision_latency_seconds_bucket"
    }

    assert set(re.findall(r'le="([^"]+)"', str(RECORDED))) <= edges


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_of_a_dashboard_asks_for_what_is_exported(path, series_names):
    asked = set().union(*map(metrics_of, queries(path)))

    assert asked
    assert asked <= series_names


def test_there_are_dashboards_and_they_are_provisioned():
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "loan.yml").read_text(encoding="utf-8"))

    assert {path.stem for path in DASHBOARDS} == {"operations", "decisions", "drift", "scorecard", "ledger"}
    assert provider["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"


def test_every_panel_asks_the_data_source_that_is_provisioned():
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    provisioned = {source["uid"] for source in sources["datasources"]}

    for path in DASHBOARDS:
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        assert {panel["datasource"]["uid"] for panel in panels} <= provisioned
        assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_metric_is_on_a_dashboard():
    asked = set().union(*(metrics_of(expression) for path in DASHBOARDS for expression in queries(path)))
    recorded = set().union(*(metrics_of(rule["expr"]) for rule in RECORDED))
    absent = [
        metric.name
        for metrics in METRICS.values()
        for metric in metrics
        if (asked | recorded).isdisjoint(series_of(metric))
    ]

    assert sorted(set(absent)) == []


def test_a_counter_begins_at_zero_so_that_its_first_event_is_seen():
    late = {metric.name for metrics in METRICS.values() for metric in metrics if metric.type == "counter"} & {
        metric.name for metrics in METRICS.values() for metric in metrics if not metric.samples
    }

    assert late == set(LATE_COUNTERS)


def test_a_panel_that_a_page_names_is_on_a_dashboard():
    titles = {panel.title for board in BOARDS for panel in board.panels}
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = {" ".join(name.split()) for name in re.findall(r"\*([A-Z][^*]+)\*", text.replace("**", ""))}

    assert len(named) > 5
    assert named <= titles


def test_panels_do_not_lie_on_each_other():
    for path in DASHBOARDS:
        places = [panel["gridPos"] for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]]
        cells = [
            (x, y)
            for place in places
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < 24


def test_every_alert_has_a_page_in_the_runbook():
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(alert["alert"] for alert in ALERTS)
    for alert in ALERTS:
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    for alert in ALERTS:
        cases = [
            bool(case["exp_alerts"])
            for test in CASES
            for case in test["alert_rule_test"]
            if case["alertname"] == alert["alert"]
        ]
        assert set(cases) == {True, False}, alert["alert"]


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool, of Debian's package prometheus: `make programs`"
)


@needs_promtool
@pytest.mark.parametrize("process", METRICS)
def test_promtool_finds_nothing_to_say_of_a_process_metrics(process):
    page = generate_latest(registries(contracts.load("credit_risk"))[process])

    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, b"")
    assert page.count(b"# TYPE loan_") > 5


@pytest.mark.slow
@needs_promtool
def test_promtool_agrees_with_every_case():

    for command in (["check", "rules", "rules.yml"], ["test", "rules", *CASE_FILES]):
        told = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
