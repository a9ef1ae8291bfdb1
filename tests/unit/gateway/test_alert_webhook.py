"""Alertmanager's notifications become events, each occurrence under one id, and only Alertmanager may send them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import key_line, new_key, read_keys
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import CallerRole
from gateway.api.alert_webhook import MOST_ALERTS
from schemas.events.alerts import AlertEvent, AlertStatus
from streams.kafka.kafka_errors import BrokerAwayError
from tests.doubles.gateway import a_gateway
from tests.unit.gateway.calls import client_of


def an_alert(status: str = "firing", **other: Any) -> dict[str, Any]:
    usual = {
        "status": status,
        "labels": {"alertname": "LoanProcessDown", "severity": "critical", "job": "worker"},
        "annotations": {"summary": "worker is down", "description": "No answer.", "runbook": "docs/runbook.md"},
        "startsAt": "2026-03-02T10:00:00.250+01:00",
        "endsAt": "2026-03-02T09:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": "8f1f",
        "generatorURL": "http://prometheus:9090",
    }
    return usual | other


def a_notification(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "gateway", "alerts": list(alerts)}


async def post_alerts(double: Any, body: Any, **headers: str) -> int:
    async with client_of(double.app, **headers) as client:
        answer = await client.post("/alerts", json=body)
    assert answer.content == b"" or answer.status_code != 204
    return int(answer.status_code)


async def events_of(*alerts: dict[str, Any]) -> list[tuple[str, str, AlertEvent, str]]:
    """Topic, key, event and id of each event that a notification becomes."""
    published = []

    def publish(topic: Any, key: str, event: AlertEvent, event_id: str) -> None:
        published.append((topic.name, key, event, event_id))

    assert await post_alerts(a_gateway(publish_event=publish), a_notification(*alerts)) == 204
    return published


async def test_a_notification_becomes_an_event_for_each_alert() -> None:
    published = await events_of(an_alert(), an_alert("resolved"))

    (topic, key, firing, firing_id), (_, resolved_key, resolved, resolved_id) = published
    assert topic == "loan.alerts.v1"
    assert key == resolved_key == firing.alert_id == "8f1f-1772442000250"
    assert (firing_id, resolved_id) == (f"{key}-firing", f"{key}-resolved")
    assert (firing.name, firing.severity, firing.status) == ("LoanProcessDown", "critical", AlertStatus.FIRING)
    assert (firing.summary, firing.runbook) == ("worker is down", "docs/runbook.md")
    assert (firing.started_at, firing.ended_at) == (datetime(2026, 3, 2, 9, 0, 0, 250_000, UTC), None)
    assert (resolved.status, resolved.ended_at) == (AlertStatus.RESOLVED, datetime(2026, 3, 2, 9, 5, tzinfo=UTC))


async def test_what_no_rule_of_ours_says_is_empty_and_long_text_is_cut() -> None:
    published = await events_of(an_alert(labels={}, annotations={"summary": "x" * 5_000}))

    event = published[0][2]
    assert (event.name, event.severity, event.runbook, len(event.summary)) == ("", "", "", 1_000)


async def test_severities_of_others_are_one_label_of_the_metric() -> None:
    double = a_gateway()

    for severity in ("critical", "page", "info", ""):
        await post_alerts(double, a_notification(an_alert(labels={"severity": severity})))

    counted = {
        sample.labels["severity"]: sample.value
        for metric in double.gateway.metrics.alerts.collect()
        for sample in metric.samples
        if sample.name == "loan_gateway_alerts_total" and sample.value
    }
    assert counted == {"critical": 1.0, "other": 2.0, "none": 1.0}


async def test_a_broker_that_is_away_is_503_so_that_alertmanager_sends_again() -> None:
    def away(*_: object) -> None:
        raise BrokerAwayError

    assert await post_alerts(a_gateway(publish_event=away), a_notification(an_alert())) == 503


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (a_notification(*[an_alert()] * MOST_ALERTS), 204),
        (a_notification(*[an_alert()] * (MOST_ALERTS + 1)), 422),
        (a_notification(), 204),
        (a_notification(an_alert(startsAt="yesterday")), 422),
        (a_notification(an_alert(startsAt="2026-03-02T10:00:00")), 422),
        (a_notification(an_alert(startsAt="0001-01-01T00:00:00+01:00")), 422),
        (a_notification(an_alert(status="loud")), 422),
        (a_notification(an_alert(fingerprint="")), 422),
        (a_notification(an_alert(labels={"alertname": 7})), 422),
        ({"version": "3", "alerts": []}, 422),
        ([], 422),
    ],
)
async def test_what_is_no_notification_is_refused(body: Any, status: int) -> None:
    assert await post_alerts(a_gateway(), body) == status


@pytest.mark.parametrize("role", CallerRole)
async def test_only_alertmanager_may_report_alerts_and_it_may_do_nothing_else(tmp_path: Path, role: CallerRole) -> None:
    path, key = tmp_path / "keys", new_key()
    path.write_text(key_line("caller", frozenset({role}), key))
    double = a_gateway(lambda: AccessGuard(read_keys(path), None, RateLimiter(0)))
    # Alertmanager sends its key as bearer token.
    headers = {"Authorization": f"Bearer {key}"}

    async with client_of(double.app, **headers) as client:
        statuses = [(await client.get(path)).status_code for path in ("/model-info", "/drift", "/decisions/a-1")]

    is_alertmanager = role is CallerRole.ALERTMANAGER
    assert await post_alerts(double, a_notification(an_alert()), **headers) == (204 if is_alertmanager else 403)
    assert (set(statuses) == {403}) is is_alertmanager
