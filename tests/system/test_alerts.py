"""An alert reaches somebody: a killed worker is an event on the topic of alerts, and so is its return.

Prometheus, Alertmanager, worker and gateway are real. The rules are those of `deploy/prometheus` with each wait (`for`)
cut to a second; the configurations are those of `deploy`.
"""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from loanctl.stack.ports import free_ports
from schemas.events.alerts import AlertEvent, AlertStatus
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.system.gateways import start_gateway
from tests.system.processes import Processes
from tests.system.prometheus_server import DEPLOY, start_prometheus
from tests.system.topic_records import read_events
from tests.system.wait import wait_for
from tests.system.workers import start_worker

PROGRAMS = ("prometheus", "prometheus-alertmanager")
OCCURRENCE_S = 60


def rules_without_waits(path: Path) -> None:
    """The alerts as they are deployed, each firing a second after its condition holds."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "1s"
    path.write_text(yaml.safe_dump(rules), encoding="utf-8")


def alertmanager_configuration(folder: Path, gateway_url: str) -> Path:
    """What `deploy/alertmanager/configuration` prints."""
    wanted = {"ALERTS_GATEWAY_URL": f"{gateway_url}/alerts", "ALERTS_GROUP_WAIT": "1s", "ALERTS_GROUP_INTERVAL": "1s"}
    script = [str(DEPLOY / "alertmanager" / "configuration")]
    printed = subprocess.run(script, env={**os.environ, **wanted}, capture_output=True, text=True, check=True)
    path = folder / "alertmanager.yml"
    path.write_text(printed.stdout, encoding="utf-8")
    return path


@pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason="needs Debian's packages prometheus and prometheus-alertmanager"
)
def test_a_killed_worker_is_an_event_on_the_topic_and_so_is_its_return(
    connection: Connection, processes: Processes, tmp_path: Path, champion: RegisteredVersion
) -> None:
    worker_port, alertmanager_port = free_ports(2)
    worker = start_worker(processes, scoring_port=worker_port)
    gateway = start_gateway(processes)
    rules_without_waits(tmp_path / "rules.yml")
    gateway_port = int(gateway.url.rpartition(":")[2])
    targets = {"worker": worker_port, "gateway": gateway_port}
    processes.start_program(
        "prometheus-alertmanager",
        f"--config.file={alertmanager_configuration(tmp_path, gateway.url)}",
        f"--storage.path={tmp_path / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{alertmanager_port}",
        "--cluster.listen-address=",
    )
    start_prometheus(processes, tmp_path, targets, alertmanager_port)

    def alert_events() -> list[AlertEvent]:
        return read_events(connection, AlertEvent, connection.topics().alerts)

    def events(status: AlertStatus) -> list[AlertEvent]:
        return [each for each in alert_events() if each.name == "LoanProcessDown" and each.status is status]

    def every_event_is_counted() -> bool:
        """Other alerts may fire too: `LoanNotReady`, where a scrape meets the new worker before it is ready."""
        counts = Counter((each.severity, each.status.lower()) for each in alert_events())
        page = gateway.get("/metrics").text
        return all(
            f'loan_gateway_alerts_total{{severity="{severity}",status="{status}"}} {count:.1f}' in page
            for (severity, status), count in counts.items()
        )

    assert events(AlertStatus.FIRING) == []
    worker.process.kill()
    fired = wait_for(lambda: events(AlertStatus.FIRING), OCCURRENCE_S, "the alert")[0]
    start_worker(processes, scoring_port=worker_port)
    ended = wait_for(lambda: events(AlertStatus.RESOLVED), OCCURRENCE_S, "its end")[0]

    assert (fired.severity, fired.labels["job"], fired.product) == ("critical", "worker", "credit_risk")
    assert fired.runbook == "docs/runbook.md#loanprocessdown"
    assert str(worker_port) in fired.summary
    assert (ended.alert_id, ended.started_at) == (fired.alert_id, fired.started_at)
    assert ended.ended_at is not None
    assert ended.ended_at > fired.started_at
    wait_for(every_event_is_counted, OCCURRENCE_S, "each event's count")
