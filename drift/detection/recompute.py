"""Evidence: recomputes a report from the records that it names.

A report names topics, partitions and offsets, each partition's watermark, and the rules.
With the champion's profile, or the season declared in its place, that is sufficient: reading those offsets
again gives the same bytes, or someone has altered the report, the topic, the profile, the season or
this code. Whether the report led to a command depends on the windows before it and is copied from the report. Pure.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drift.binning.binned_records import Observations, Shape
from drift.binning.reference import Reference
from drift.detection.drift_report import ReportContext, report_of
from drift.windows.pane_placement import PaneRules
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.window import Window
from schemas.codec.event_codec import as_record
from schemas.events.drift import DriftReport, OffsetRange, PaneCounts
from schemas.events.performance import PerformanceReport
from schemas.records import Partition
from schemas.timestamps import millis_of


@dataclass(frozen=True, slots=True)
class Reread:
    """One stretch of a report, read again."""

    stretch: OffsetRange
    seen: Observations
    shape: Shape


def recomputed_report(
    report: DriftReport, reread: Mapping[Partition, Reread], reference: Reference, reporting: ReportContext
) -> DriftReport:
    """The report that the records give now.

    Args:
        reread: every stretch that it names, by topic and partition; records that are gone are simply absent.
        reference: of the champion that it names, in the season that it was compared with.
        reporting: the topics; the rules are the report's own.
    """
    window = Window(start=millis_of(report.window_start), end=millis_of(report.window_end), tallies={}, stretches={})
    for place in sorted(reread):
        for pane in _panes(reread[place], report):
            window = window.plus(place, pane, too_late=False)
    # Settings and declarations say how many rows are expected, as they do what a window leads to.
    expecting = replace(reference, expected_rows=report.expected_rows)
    found = report_of(window, expecting, replace(reporting, rules=report.rules))
    return replace(
        found,
        offsets=tuple(_with_ends(stretch, window) for stretch in report.offsets),
        command_id=report.command_id,
        withheld=report.withheld,
    )


def differences(report: DriftReport | PerformanceReport, again: DriftReport | PerformanceReport) -> Iterator[str]:
    """The fields in which two reports differ, by name; whether a sequence is a list is no difference."""
    one, other = as_record(report), as_record(again)
    for name in one:
        if _text(one[name]) != _text(other[name]):
            yield name


def _text(value: Any) -> str:
    return json.dumps(value, default=str)


def _panes(reread: Reread, report: DriftReport) -> Iterator[PaneCounts]:
    """The panes of the report's window, counted as its reader counted them."""
    rules, stretch, seen = report.rules, reread.stretch, reread.seen
    pane_rules = PaneRules(
        pane_ms=rules.pane_ms, lateness_ms=rules.lateness_ms, ahead_ms=rules.ahead_ms, producers=rules.producers
    )
    panes = PartitionPanes(
        pane_rules, reread.shape, PanePosition(next_offset=stretch.first, watermark=stretch.watermark)
    )
    for jump in stretch.jumps:
        panes.observe(seen.rows(seen.offsets < jump.offset))
        panes.stand_at(jump.watermark)
    panes.observe(seen.rows(seen.offsets <= stretch.last))
    start, end = max(millis_of(report.window_start), stretch.floor), millis_of(report.window_end)
    return (pane for pane in panes.flush() if start <= pane.start < end)


def _with_ends(stretch: OffsetRange, window: Window) -> OffsetRange:
    """The range with the ends that were found; its watermarks are those of the count."""
    found = window.stretches.get((stretch.topic, stretch.partition))
    return replace(stretch, first=found.first, last=found.last) if found else replace(stretch, first=-1, last=-1)
