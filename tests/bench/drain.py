"""The worker end to end through real Kafka: how fast it drains applications that wait.

Against the bare floor (its own data plane, echoing bytes) in both delivery modes, and against a Faust
agent and a Quix Streams application that answer event by event with the libraries.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.measurement import BUILD, Line, line
from tests.bench.stage import AnswerCount, DrainRate, RecordCount, Stage, drain_rate, stage

WAITING: Final = 200_000
LONGEST_S: Final = 60.0
ROUNDS: Final = 3
RIVALS_S: Final = 12.0
"""Rivals are watched for so long: a drain would take them minutes, at the same rate."""
SIZES: Final = ((4, 200), (6, 300))
QUIX: Final = BUILD / "quix" / "bin" / "python"
"""Quix Streams wants an older Kafka client than ours: `make bench` gives it an environment of its own."""


def lines() -> Iterator[Line]:
    """All drains, on one stack."""
    with stage() as here:
        here.load(WAITING)
        for depth, trees in SIZES:
            model = here.champion(depth, trees)
            size = f"XGBoost depth {depth} x {trees}"
            for mode in ("exactly_once", "at_least_once"):
                pairs = [(_drain_rate(here, "streams", mode), _floor(here, mode)) for _ in range(ROUNDS)]
                yield from _both(f"worker drain, {mode.replace('_', ' ')}, {size}", "bare floor", pairs)
            yield from _without_attributes(here, size)
            yield from _against_rivals(here, model, size)


def _both(name: str, against: str, pairs: list[tuple[DrainRate, DrainRate]]) -> Iterator[Line]:
    """Throughput, and the processor time that it took, which does not mind what else the machine does."""
    rates = [(ours.per_second, theirs.per_second) for ours, theirs in pairs]
    spent = [(ours.processor_us, theirs.processor_us) for ours, theirs in pairs]
    yield line(name, "applications/s", against, rates, rate=True)
    yield line(f"{name}, processor", "us/application", against, spent)


def _without_attributes(here: Stage, size: str) -> Iterator[Line]:
    """What the six headers of a decision cost the worker."""
    pairs = [
        (
            _drain_rate(here, "streams", "exactly_once", cloudevents="false"),
            _drain_rate(here, "streams", "exactly_once"),
        )
        for _ in range(ROUNDS)
    ]
    yield from _both(f"worker drain, exactly once, {size}, without CloudEvents", "with them", pairs)


def _floor(here: Stage, mode: str) -> DrainRate:
    return _drain_rate(here, "tests.bench.contenders.floor", mode)


def _drain_rate(here: Stage, module: str, mode: str, **settings: str) -> DrainRate:
    group = f"bench-{uuid.uuid4().hex[:8]}"
    with here.contender(module, **here.worker_settings(group, delivery=mode, **settings)) as process:
        return drain_rate([process], AnswerCount(here, group), WAITING, LONGEST_S)


def _against_rivals(here: Stage, model: Path, size: str) -> Iterator[Line]:
    rivals = {"Faust agent, per event": ("tests.bench.contenders.faust_app", None)}
    if QUIX.exists():
        rivals["Quix Streams, per event"] = ("tests.bench.contenders.quix_app", str(QUIX))
    for name, (module, python) in rivals.items():
        pairs = [
            (_drain_rate(here, "streams", "exactly_once"), _rival(here, module, python, model)) for _ in range(ROUNDS)
        ]
        yield from _both(f"worker drain, exactly once, {size}, rival {name}", name, pairs)


def _rival(here: Stage, module: str, python: str | None, model: Path) -> DrainRate:
    sink, group = here.sink(), f"bench-{uuid.uuid4().hex[:8]}"
    settings = {
        "bench_model": model,
        "bench_group": group,
        "bench_folder": here.folder / group,
        "bench_source": here.source,
        "bench_sink": sink,
    }
    with here.contender(module, **({"python": python} if python else {}), **settings) as process:
        return drain_rate([process], RecordCount(here, sink), WAITING, RIVALS_S)
