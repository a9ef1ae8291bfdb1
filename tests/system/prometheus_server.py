"""Debian's Prometheus under test, with the deployed configuration pointed at processes of this machine."""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loanctl.stack.ports import free_ports
from tests.system.processes import Processes
from tests.system.wait import wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
MOST_POINTS = 10_000
START_S = 60


@dataclass(frozen=True)
class PrometheusUnderTest:
    url: str

    def is_ready(self) -> bool:
        try:
            return self._get("/-/ready") is not None
        except OSError:
            return False

    def has_values(self, query: str, begin: float, end: float) -> bool:
        """Whether a query had a finite value at some second of a period.

        Args:
            begin, end: in seconds since 1970.
        """
        step = max(1, math.ceil((end - begin) / MOST_POINTS))
        asked = urllib.parse.urlencode({"query": query, "start": begin, "end": end, "step": step})
        found = json.loads(self._get(f"/api/v1/query_range?{asked}"))["data"]["result"]
        return any(math.isfinite(float(value)) for series in found for _, value in series["values"])

    def up(self) -> set[str]:
        """Jobs that a scrape has reached."""
        found = json.loads(self._get("/api/v1/query?query=up%20%3E%200"))["data"]["result"]
        return {series["metric"]["job"] for series in found}

    def exemplars(self, query: str, begin: float, end: float) -> list[Any]:
        """Exemplars that were scraped within a period."""
        asked = urllib.parse.urlencode({"query": query, "start": begin, "end": end})
        return list(json.loads(self._get(f"/api/v1/query_exemplars?{asked}"))["data"])

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310 - our own
            return bytes(answer.read())


def start_prometheus(
    processes: Processes, folder: Path, targets: Mapping[str, int], alertmanager_port: int = 9
) -> PrometheusUnderTest:
    """A server that scrapes and evaluates each second, by `rules.yml` in the folder if there is one, else as deployed.

    Args:
        targets: ports by the jobs of `deploy/prometheus/prometheus.yml`.
        alertmanager_port: nobody listens at the default.
    """
    (port,) = free_ports(1)
    processes.start_program(
        "prometheus",
        f"--config.file={_configuration(folder, targets, alertmanager_port)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    )
    server = PrometheusUnderTest(f"http://127.0.0.1:{port}")
    wait_for(server.is_ready, START_S, "Prometheus")
    return server


def _configuration(folder: Path, targets: Mapping[str, int], alertmanager_port: int) -> Path:
    told = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    told["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    own = folder / "rules.yml"
    told["rule_files"] = [str(own if own.exists() else DEPLOY / "prometheus" / "rules.yml")]
    told["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]
    told["scrape_configs"] = [each for each in told["scrape_configs"] if each["job_name"] in targets]
    for each in told["scrape_configs"]:
        each["static_configs"] = [{"targets": [f"127.0.0.1:{targets[each['job_name']]}"]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path
