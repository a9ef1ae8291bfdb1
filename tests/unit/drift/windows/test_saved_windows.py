"""What an owner saves: bounded by windows, enough to go on from with the log, and readable from versions before."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from drift.windows.window import Window
from drift.windows.window_assembler import WindowAssembler
from schemas.events.drift import DriftCounts
from scorecard import profile
from tests.builders import some_values
from tests.unit.drift.stream import START, Counter, a_reference, applicants, logs, monitor_rules

DATA = Path(__file__).parent / "data"
KINDS = {"count": {"window_count": 600}, "time": {"window_count": 0, "window_ms": 7_000}}
REFERENCE = a_reference()


def backlog(partitions: int = 3) -> list[DriftCounts]:
    """One partition after the other is read to its end, in pieces: the worst order."""
    stream = applicants(some_values(6_000, seed=2))
    counters = [
        Counter(place, log, partitions, REFERENCE) for place, log in enumerate(logs(stream, partitions, REFERENCE))
    ]
    messages = []
    for counter in counters:
        while not counter.done:
            counter.read(300)
            messages.append(counter.tell())
    return messages


def pop_windows(assembler: WindowAssembler, message: DriftCounts, offset: int) -> list[Window]:
    assembler.hear(message, START)
    assembler.add(message, offset)
    return list(assembler.pop_windows())


def to_dicts(windows: list[Window]) -> list[dict[str, object]]:
    return [window.to_dict() for window in windows]


@pytest.mark.parametrize("kind", KINDS)
def test_a_successor_has_the_same_windows_wherever_it_takes_over(kind: str) -> None:
    rules, messages = monitor_rules(**KINDS[kind]).windows, backlog()
    whole = WindowAssembler(rules)
    calm = [window for offset, message in enumerate(messages) for window in pop_windows(whole, message, offset)]
    assembler, windows = WindowAssembler(rules), []

    for offset, message in enumerate(messages):
        windows += pop_windows(assembler, message, offset)
        saved, resume_at = json.loads(json.dumps(assembler.to_dict())), assembler.resume_at
        assembler = WindowAssembler.from_dict(rules, saved)
        for earlier in range(resume_at if resume_at is not None else offset + 1, offset + 1):
            assembler.add_again(messages[earlier], earlier)

    assert len(calm) >= 8
    assert to_dicts(windows) == to_dicts(calm)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_does_not_grow_with_what_waits(kind: str) -> None:
    rules, messages = monitor_rules(**KINDS[kind]).windows, backlog(2)
    assembler, sizes = WindowAssembler(rules), []

    for offset, message in enumerate(messages):
        pop_windows(assembler, message, offset)
        sizes.append(len(json.dumps(assembler.to_dict())))

    assert max(sizes) < 6_000


def deciles(values: npt.NDArray[np.float64], _bins: int = 10) -> tuple[float, ...]:
    """The edges that profiles had when those windows were saved."""
    present = values[~np.isnan(values)]
    return tuple(np.unique(np.quantile(present, np.arange(1, 10) / 10)).tolist()) if len(present) else ()


@pytest.mark.parametrize("kind", KINDS)
def test_windows_that_a_version_before_saved_are_gone_on_with(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "_edges", deciles)
    reference = a_reference.__wrapped__()  # what is kept has the edges of today
    rules = monitor_rules(**KINDS[kind]).windows
    stream = applicants(some_values(1_500, seed=2))
    counters = [Counter(place, log, 2, reference) for place, log in enumerate(logs(stream, 2, reference))]
    assembler = WindowAssembler.from_dict(rules, json.loads((DATA / f"state_of_before_{kind}.json").read_text()))
    # Where those of before had read to.
    for counter, offset in zip(counters, (800, 400), strict=True):
        counter.read(offset)
        counter.tell()

    windows = []
    for counter in counters:
        counter.read(10_000)
        windows += pop_windows(assembler, counter.tell(), 3)
    for counter in counters:
        windows += pop_windows(assembler, counter.silent(), 4)
    windows += list(assembler.silent(START + 1_000_000_000))

    # By hand: a hundred applicants a second, fifteen seconds, panes of a second.
    numbers = [window.tallies["loan.applications.v1"].n for window in windows]
    assert numbers == ([600, 600] if kind == "count" else [700, 700, 100])
    assert sum(tally.late for window in windows for tally in window.tallies.values()) == 0
