"""A process seen from outside."""

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.runtime import health_server
from streams.runtime.health_server import Health, PortTakenError


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def test_a_process_that_is_not_ready_lives_and_says_why() -> None:
    with health_server.serve(0, health=lambda: Health(live=True, ready=False, facts={"stage": "waiting"})) as server:
        alive, _ = get(f"{server.url}/health")
        status, body = get(f"{server.url}/ready")

    assert alive == 200
    assert status == 503
    assert json.loads(body) == {"live": True, "ready": False, "stage": "waiting"}


def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Counter("loan_seen_total", "Seen.", registry=registry).inc(3)

    with health_server.serve(0, registry=registry) as server:
        status, body = get(f"{server.url}/metrics?x=1")

    assert status == 200
    assert b"loan_seen_total 3.0" in body


@pytest.mark.parametrize("ready", [True, False])
def test_prometheus_hears_what_ready_tells_while_it_is_served(ready: bool) -> None:
    registry = CollectorRegistry()

    with health_server.serve(0, health=lambda: Health(live=True, ready=ready), registry=registry):
        told = registry.get_sample_value("loan_ready")

    assert told == ready
    assert registry.get_sample_value("loan_ready") is None


def test_there_is_nothing_else() -> None:
    with health_server.serve(0) as server:
        assert get(f"{server.url}/applicants")[0] == 404


def test_it_listens_on_loopback_and_a_taken_port_is_a_set_up_fault() -> None:
    with health_server.serve(0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        with pytest.raises(PortTakenError, match=str(server.port)):
            health_server.serve(server.port)
