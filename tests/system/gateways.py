"""Gateways under test, and requests to them."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.system.workers import READY_S, Worker
from tests.unit.gateway.calls import a_body


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class GatewayUnderTest(Worker):
    def post(self, path: str, body: Any, timeout_s: float = 30.0, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._request(path, data, {"Content-Type": "application/json", **named}, timeout_s)

    def get(self, path: str, timeout_s: float = 30.0, **headers: str) -> Answer:
        return self._request(path, None, {name.replace("_", "-"): value for name, value in headers.items()}, timeout_s)

    def predict(self, timeout_s: float = 30.0, **fields: Any) -> Answer:
        return self.post("/predict", a_body(**fields), timeout_s)

    def _request(self, path: str, data: bytes | None, headers: Mapping[str, str], timeout_s: float) -> Answer:
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=dict(headers))  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - our own
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, dict(refusal.headers), refusal.read().decode())


def start_gateway(processes: Processes, *, ready: bool = True, **settings: object) -> GatewayUnderTest:
    """A gateway on a free port, its cache the test's own, waited for until it is ready."""
    own: dict[str, Any] = {
        "gateway_port": 0,
        "cache_dir": processes.folder / "gateway-cache",
        "champion_poll_s": 1,
        **settings,
    }
    gateway = GatewayUnderTest(processes.start("gateway", **own))
    if ready:
        wait_for(gateway.is_ready, READY_S, "the gateway")
    return gateway
