"""Alerts and dashboards ask only for what the processes export, and every alert has its page and its cases."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

import drift.metrics
import gateway.metrics
import ledger.metrics
import streams.worker.metrics
import training.metrics
from schemas.contract import contract as contracts
from schemas.topics import topics_of
from streams.runtime.health_server import serve

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
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "summary": ("",)}


@pytest.fixture(scope="module")
def exported():
    """Names of the series that the processes show to Prometheus."""
    contract = contracts.load("credit_risk")
    worker, agent, trainer, keeper, door = (CollectorRegistry() for _ in range(5))
    streams.worker.metrics.WorkerMetrics(contract, worker)
    drift.metrics.DriftMetrics(topics_of(contract), agent)
    training.metrics.TrainerMetrics(trainer)
    ledger.metrics.LedgerMetrics(["decisions"], keeper)
    gateway.metrics.GatewayMetrics(lambda: 0.0, door)
    with serve(0, registry=worker):
        ready = {metric.name for metric in worker.collect()}
    found = (metric for registry in (worker, agent, trainer, keeper, door) for metric in registry.collect())
    return ready | {f"{metric.name}{suffix}" for metric in found for suffix in SUFFIXES[metric.type]}


def metrics_of(expression):
    return set(re.findall(r"\bloan_[a-z0-9_]+", expression))


def queries(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    return [target["expr"] for panel in document["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_what_is_exported(alert, exported):
    assert metrics_of(alert["expr"]) <= exported


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule["record"])
def test_a_recording_rule_asks_for_what_is_exported_and_some_alert_for_it(rule, exported):
    assert metrics_of(rule["expr"]) <= exported
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
def test_every_query_of_a_dashboard_asks_for_what_is_exported(path, exported):
    asked = set().union(*map(metrics_of, queries(path)))

    assert asked
    assert asked <= exported


def test_there_are_dashboards_and_they_are_provisioned():
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "loan.yml").read_text(encoding="utf-8"))

    assert len(DASHBOARDS) == 2
    assert provider["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"


def test_every_panel_asks_the_data_source_that_is_provisioned():
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    provisioned = {source["uid"] for source in sources["datasources"]}

    for path in DASHBOARDS:
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        assert {panel["datasource"]["uid"] for panel in panels} <= provisioned
        assert len({panel["id"] for panel in panels}) == len(panels)


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


def test_promtool_agrees_with_every_case():
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool, of Debian's package prometheus")

    for command in (["check", "rules", "rules.yml"], ["test", "rules", *CASE_FILES]):
        told = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
