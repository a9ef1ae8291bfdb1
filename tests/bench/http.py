"""The gateway before a worker: decisions over HTTP beside the Kafka path, what-if answers, counterfactuals.

Worker and gateway may use both cores; the broker, who sends and who measures have one of these. Each body is another
made-up applicant; without an id each request is another application.
"""

import itertools
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from loanctl.commands.cluster import schemas
from loanctl.stack.ports import free_ports
from schemas.contract.contract import load
from schemas.events.decisions import Outcome
from tests.bench import latency, models
from tests.bench.http_load import LoadPlan, LoadResult
from tests.bench.measurement import CORES, Line, line
from tests.bench.stage import PATIENCE_S, REPOSITORY, SETTLE_S, Stage, processor_s, stage, unpin
from tests.builders import CONTRACT

OK: Final = 200
RATE: Final = 100
CONNECTIONS: Final = 64
ROUNDS: Final = 3
SECONDS: Final = 15.0
WARM_S: Final = 5.0
BODIES: Final = 2_000
NOT_APPROVED: Final = 300
EXISTING: Final = 140.0
"""Requests a second of the fastest existing system with explanations, on such a machine."""
PROCESSOR_US: Final = 1e6 * len(CORES) / (30 * EXISTING)
"""Of 30 times as many requests, if these two processes had all cores."""
WHAT_IF_MS: Final = 5.0
COUNTERFACTUALS_MS: Final = 50.0
FIFTH: Final = {"person_home_ownership": {"levels": ["MORTGAGE", "OWN"]}}
"""Makes a fifth field of the product actionable: four are."""


def lines() -> Iterator[Line]:
    """p99 of both paths, requests a second, p99 of questions."""
    with stage() as here:
        here.connection = here.connection.model_copy(update={"product": str(five_fields(here.folder))})
        schemas.register(here.connection)
        here.champion(4, 200)
        bodies = _bodies(here.folder)
        with _gateway_and_worker(here) as (port, processes):
            yield line(
                f"/predict at {RATE}/s, p99",
                "ms",
                "Kafka path, p99",
                [_both(here, port, bodies) for _ in range(ROUNDS)],
            )
            plan = _plan(port, "/predict", bodies, CONNECTIONS)
            loads = [_fully(plan, processes) for _ in range(ROUNDS)]
            rates = [(rate, EXISTING) for rate, _ in loads]
            yield line(f"/predict, {CONNECTIONS} connections", "requests/s", "existing system", rates, rate=True)
            spent = [(processor_us, PROCESSOR_US) for _, processor_us in loads]
            yield line("/predict, worker's and gateway's processor time", "us/request", "the target", spent)
            yield _question(_plan(port, "/what-if", bodies, 1), WHAT_IF_MS)
            declined = _bodies_without_approval(port, bodies, here.folder)
            yield _question(_plan(port, "/counterfactuals", declined, 1), COUNTERFACTUALS_MS)


def five_fields(folder: Path) -> Path:
    """The product's contract with `FIFTH`, as a file: its answers are the same."""
    schema = deepcopy(dict(load("credit_risk").schema))
    for field in schema["fields"]:
        if field["name"] in FIFTH:
            field["actionable"] = FIFTH[field["name"]]
    path = folder / "five_application.avsc"
    path.write_text(json.dumps(schema))
    return path


@contextmanager
def _gateway_and_worker(here: Stage) -> Iterator[tuple[int, Sequence[int]]]:
    """The port of a gateway before a worker, both ready, and the two processes."""
    [port] = free_ports(1)
    settings = here.worker_settings(f"bench-{uuid.uuid4().hex[:8]}", delivery="exactly_once")
    gateway_settings = {**settings, "loan_gateway_port": port}
    with here.contender("streams", **settings) as worker, here.contender("gateway", **gateway_settings) as gateway:
        unpin(worker)
        unpin(gateway)
        [body] = applicants_json(1)
        until = time.monotonic() + PATIENCE_S
        while _status(port, body) != OK:
            if time.monotonic() > until:
                problem = "the gateway does not answer"
                raise RuntimeError(problem)
            time.sleep(SETTLE_S)
        yield port, (worker, gateway)


def _status(port: int, body: str) -> int:
    """Of a decision asked for; 0 where nothing answers."""
    try:
        return int(_post(port, "/predict", body).status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


def _post(port: int, path: str, body: str) -> Any:
    url, kind = f"http://127.0.0.1:{port}{path}", {"Content-Type": "application/json"}
    return urllib.request.urlopen(urllib.request.Request(url, body.encode(), kind), timeout=PATIENCE_S)


def applicants_json(count: int) -> list[str]:
    names = {field.name for field in CONTRACT.observed}
    fields = ({name: value for name, value in person.items() if name in names} for person in models.people(count))
    return [json.dumps(each, default=float) for each in fields]


def _bodies(folder: Path) -> Path:
    path = folder / "bodies.jsonl"
    path.write_text("\n".join(applicants_json(BODIES)))
    return path


def _bodies_without_approval(port: int, bodies: Path, folder: Path) -> Path:
    """The first applicants whom the champion does not approve: of the others nothing is searched."""
    declined = (
        body
        for body in bodies.read_text().splitlines()
        if json.load(_post(port, "/what-if", body))["outcome"] != Outcome.APPROVE
    )
    path = folder / "not-approved.jsonl"
    path.write_text("\n".join(itertools.islice(declined, NOT_APPROVED)))
    return path


def _plan(port: int, path: str, bodies: Path, connections: int, rate: float = 0.0) -> LoadPlan:
    return LoadPlan(
        port=port, path=path, bodies=str(bodies), connections=connections, seconds=SECONDS, warm_s=WARM_S, rate=rate
    )


def _load(plan: LoadPlan) -> LoadResult:
    command = [sys.executable, "-m", "tests.bench.http_load", json.dumps(asdict(plan))]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    result = LoadResult(**json.loads(ran.stdout))
    if result.refused:
        problem = f"{result.refused} requests to {plan.path} were not answered 200"
        raise RuntimeError(problem)
    return result


def _both(here: Stage, port: int, bodies: Path) -> tuple[float, float]:
    """p99 in ms of HTTP and of Kafka, one after the other."""
    http = _load(_plan(port, "/predict", bodies, CONNECTIONS, RATE)).latencies
    return float(np.percentile(http, 99)), float(np.percentile(latency.at_rate(here, RATE), 99))


def _fully(plan: LoadPlan, processes: Sequence[int]) -> tuple[float, float]:
    """Requests a second, and microseconds of the processes' processor time for each."""
    before = sum(map(processor_s, processes))
    result = _load(plan)
    answered = len(result.latencies) * (plan.warm_s + plan.seconds) / plan.seconds
    return result.rate(), 1e6 * (sum(map(processor_s, processes)) - before) / answered


def _question(plan: LoadPlan, target_ms: float) -> Line:
    found = [(float(np.percentile(_load(plan).latencies, 99)), target_ms) for _ in range(ROUNDS)]
    return line(f"{plan.path}, one after another, p99", "ms", "the target", found)
