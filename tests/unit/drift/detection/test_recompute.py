"""A report can be had again from the records that it names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from drift.binning.binned_records import Observations
from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.recompute import Reread, differences, recomputed_report
from schemas.events.drift import DriftReport
from tests.builders import CONTRACT, some_values
from tests.unit.drift.stream import (
    Counter,
    a_reference,
    applicants,
    between,
    interleave,
    logs,
    monitor_rules,
    run_monitor,
)


def again(report: DriftReport, cut: Sequence[Observations], reference: Reference) -> DriftReport:
    shape = ApplicationCells(CONTRACT, reference).shape
    reread = {
        (stretch.topic, stretch.partition): Reread(
            stretch, between(cut[stretch.partition], stretch.first, stretch.last + 1), shape
        )
        for stretch in report.offsets
    }
    return recomputed_report(report, reread, reference, monitor_rules().reporting)


@pytest.mark.parametrize("rules", [{"window_count": 600}, {"window_count": 0, "window_ms": 7_000}])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_report_is_had_again_from_its_offsets_disorder_doubles_and_crashes_or_not(seed, rules):
    reference, stream = a_reference(), applicants(some_values(3_000, seed=2))
    rng = np.random.default_rng(seed)
    order = np.argsort(np.array([a.time for a in stream]) + rng.integers(0, 3_000, len(stream)), kind="stable")
    mixed = [stream[place] for place in [*order, *order[-30:]]]
    mixed[700] = replace(mixed[700], readable=False)
    mixed[0] = replace(mixed[0], time=mixed[0].time + 31_536_000_000)
    mixed[900] = replace(mixed[900], time=mixed[900].time + 31_536_000_000)
    cut = logs(mixed, 3, reference)
    counters = [Counter(place, log, 3, reference) for place, log in enumerate(cut)]

    reports, _ = run_monitor(interleave(counters, seed, crashes=True), monitor_rules(**rules), [reference])

    assert len(reports) >= 4
    for report in reports:
        assert list(differences(report, again(report, cut, reference))) == []


def test_reports_are_had_again_though_silence_closed_panes_and_rejected_others():
    reference, stream = a_reference(), applicants(some_values(3_000, seed=2))
    cut = logs(stream, 2, reference)
    prompt, slow = (Counter(place, log, 2, reference) for place, log in enumerate(cut))

    def messages():
        slow.read(100)
        yield slow.silent()
        prompt.read(800)
        yield prompt.tell()
        slow.read(10_000)
        yield slow.tell()
        prompt.read(10_000)
        yield prompt.tell()
        for counter in (slow, prompt):
            yield counter.silent()

    reports, _ = run_monitor(messages(), monitor_rules(), [reference])

    assert any(stretch.jumps for report in reports for stretch in report.offsets)
    assert sum(report.late for report in reports) > 0
    for report in reports:
        assert list(differences(report, again(report, cut, reference))) == []


def test_an_altered_count_is_noticed():
    reference, stream = a_reference(), applicants(some_values(1_300, seed=2))
    cut = logs(stream, 1, reference)
    reports, _ = run_monitor(interleave([Counter(0, cut[0], 1, reference)], 1), monitor_rules(), [reference])
    altered = replace(reports[0], n=reports[0].n + 1)

    assert list(differences(altered, again(altered, cut, reference))) == ["n"]
