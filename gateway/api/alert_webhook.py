"""`POST /alerts`: Alertmanager's webhook. Each alert becomes an event on `loan.alerts.v1`.

Alertmanager repeats a notification after any answer but 2xx, and again after its repeat interval: the events of a
repeated one have the ids of the first.
"""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.access_guard import require_role
from gateway.access.roles import RAISE_ALERTS, Principal
from gateway.api.request_bodies import body_of, parse_body
from gateway.gateway_parts import Gateway
from gateway.metrics import OTHER, SEVERITIES
from schemas.events.alerts import AlertEvent, AlertStatus
from schemas.timestamps import millis_of

MOST_ALERTS: Final = 100
"""In one notification; `max_alerts` of deploy/alertmanager is the same."""
MOST_CHARACTERS: Final = 1_000
"""Of one label or annotation; a longer one is cut."""

Labels = dict[str, str]


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        problem = "it is no time in UTC"
        raise ValueError(problem) from None


UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]


class WebhookAlert(BaseModel):
    """One alert of a notification; other fields are ignored."""

    status: Literal["firing", "resolved"]
    labels: Labels = Field(max_length=50)
    annotations: Labels = Field(default_factory=dict, max_length=50)
    startsAt: UtcTime  # noqa: N815 - Alertmanager's name
    endsAt: UtcTime | None = None  # noqa: N815 - Alertmanager's name
    fingerprint: str = Field(min_length=1, max_length=64)


class AlertNotification(BaseModel):
    """Alertmanager's webhook, version 4; other fields are ignored."""

    version: Literal["4"]
    alerts: list[WebhookAlert] = Field(max_length=MOST_ALERTS)


def alert_event(alert: WebhookAlert, product: str) -> AlertEvent:
    annotations = {name: text[:MOST_CHARACTERS] for name, text in alert.annotations.items()}
    labels = {name: text[:MOST_CHARACTERS] for name, text in alert.labels.items()}
    resolved = alert.status == "resolved"
    return AlertEvent(
        alert_id=f"{alert.fingerprint}-{millis_of(alert.startsAt)}",
        product=product,
        name=labels.get("alertname", ""),
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        severity=labels.get("severity", ""),
        summary=annotations.get("summary", ""),
        description=annotations.get("description", ""),
        runbook=annotations.get("runbook", ""),
        labels=labels,
        started_at=alert.startsAt,
        # Of a firing alert Alertmanager sends the year 1.
        ended_at=alert.endsAt if resolved else None,
    )


def router(gateway: Gateway) -> APIRouter:
    routes = APIRouter(tags=["operations"])
    caller = Depends(require_role(gateway.guard, RAISE_ALERTS))

    @routes.post("/alerts", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
    async def alerts(request: Request, _: Annotated[Principal, caller]) -> Response:
        """Publishes a notification of Alertmanager; 204 once every alert of it is safe on the topic."""
        body = await body_of(request, gateway.settings)
        notification = parse_body(AlertNotification, body)
        events = [alert_event(alert, gateway.contract.product) for alert in notification.alerts]
        await asyncio.to_thread(_publish, gateway, events)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return routes


def _publish(gateway: Gateway, events: list[AlertEvent]) -> None:
    topic = gateway.settings.topics().alerts
    for event in events:
        gateway.publish_event(topic, event.alert_id, event, f"{event.alert_id}-{event.status.lower()}")
        gateway.metrics.alerts.labels(_severity_label(event.severity), event.status.lower()).inc()


def _severity_label(severity: str) -> str:
    if not severity:
        return "none"
    return severity if severity in SEVERITIES else OTHER
