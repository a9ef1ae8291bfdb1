"""Producers whose clocks are known: their skew is theirs, and makes no other's records late."""

from dataclasses import replace

import numpy as np
import pytest

from drift.binning.binned_records import Observations
from drift.binning.binner import ApplicationCells, ApplicationRules
from drift.binning.producer_clocks import PRODUCER_HEADER, parse
from drift.detection.drift_report import report_of
from drift.detection.recompute import Reread, recomputed_report
from drift.settings import DriftSettings
from drift.windows.pane_placement import PaneRules
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.window import Window
from schemas.events.drift import DriftReport, ProducerCount
from tests.builders import CONTRACT, WRITERS, a_batch, application_bytes
from tests.unit.drift.stream import SOURCE, START, a_reference, monitor_rules

MINUTE = 60_000
CLOCKS = parse("branch=1800, mobile=60")
BRANCH, MOBILE, UNLISTED = 0, 1, -1
RULES = PaneRules(pane_ms=MINUTE, lateness_ms=MINUTE, ahead_ms=300_000, producers=CLOCKS)
SHAPE = ApplicationCells(CONTRACT, a_reference()).shape


def stream(*records: tuple[int, int, int]) -> Observations:
    """Records of a producer, produced at some minute and signed so many minutes ahead."""
    producers, produced, ahead = (np.array(column, dtype=np.int64) for column in zip(*records, strict=True))
    n = len(records)
    return Observations(
        offsets=np.arange(n),
        times=START + (produced + ahead) * MINUTE,
        produced=START + produced * MINUTE,
        ids=[str(row) for row in range(n)],
        cells=np.full((n, 1), -1, dtype=np.int64),
        sums=np.zeros((n, 0), dtype=np.int64),
        readable=np.ones(n, dtype=np.bool_),
        producers=producers,
    )


def tallies(seen: Observations, rules: PaneRules = RULES) -> dict[str, int]:
    panes = PartitionPanes(rules, SHAPE, PanePosition())
    panes.observe(seen)
    found = panes.flush()
    return {name: sum(getattr(pane, name) for pane in found) for name in ("n", "late", "ahead")}


def a_window(seen: Observations, batch: int = 1_000) -> Window:
    panes = PartitionPanes(RULES, SHAPE, PanePosition())
    window = Window(start=START, end=START + 120 * MINUTE, tallies={}, stretches={})
    for first in range(0, len(seen.offsets), batch):
        panes.observe(seen.rows((seen.offsets >= first) & (seen.offsets < first + batch)))
        for pane in (*panes.pop_panes(), *panes.flush()):
            window = window.plus((SOURCE, 0), pane, too_late=False)
    return Window.from_dict(window.to_dict())


def by_producer(seen: Observations, batch: int = 1_000) -> tuple[ProducerCount, ...]:
    return a_window(seen, batch).tallies[SOURCE].producers


def report(seen: Observations) -> DriftReport:
    usual = monitor_rules().reporting
    rules = replace(
        usual.rules, pane_ms=MINUTE, lateness_ms=MINUTE, ahead_ms=300_000, stray_share=0.01, producers=CLOCKS
    )
    return report_of(a_window(seen), a_reference(), replace(usual, rules=rules))


def test_a_listed_producer_may_be_as_far_ahead_as_its_clock_is_and_no_other_may():
    seen = stream((BRANCH, 0, 25), (BRANCH, 1, 31), (MOBILE, 1, 2), (UNLISTED, 1, 4), (UNLISTED, 2, 6))

    assert tallies(seen) == {"n": 2, "late": 0, "ahead": 3}
    assert by_producer(seen) == (
        ProducerCount(producer="branch", n=1, late=0, ahead=1),
        ProducerCount(producer="mobile", n=0, late=0, ahead=1),
    )


def test_a_clock_that_is_ahead_makes_no_other_producers_records_late():
    mixed = stream(*[record for minute in range(60) for record in ((BRANCH, minute, 25), (MOBILE, minute, 0))])
    nameless = replace(mixed, producers=np.full(120, UNLISTED))

    assert tallies(mixed) == {"n": 120, "late": 0, "ahead": 0}
    assert tallies(nameless, replace(RULES, ahead_ms=30 * MINUTE))["late"] == 60, "without a name the others are"


@pytest.mark.parametrize("batch", [1, 7, 5_000])
def test_a_producers_late_share_is_told_and_alarmed_though_the_windows_is_small(batch: int) -> None:
    usual = [(UNLISTED, minute, 0) for minute in range(60) for _ in range(20)]
    offline = [(MOBILE, 60, -30), (MOBILE, 60, -31), (MOBILE, 60, 0)]
    seen = stream(*usual, (UNLISTED, 60, 0), *offline)

    assert by_producer(seen, batch) == (ProducerCount(producer="mobile", n=1, late=2, ahead=0),)
    assert [(each.kind, each.producer) for each in report(seen).alarms] == [("LATE", "mobile")]


def test_a_report_with_producers_is_recomputed_to_the_same():
    seen = stream((BRANCH, 0, 25), (MOBILE, 30, 0), (MOBILE, 31, -20), (UNLISTED, 32, 0), (BRANCH, 33, 40))
    first = report(seen)

    again = recomputed_report(
        first, {(SOURCE, 0): Reread(first.offsets[0], seen, SHAPE)}, a_reference(), monitor_rules().reporting
    )

    assert again == first
    assert [each.producer for each in first.producers] == ["branch", "mobile"]


def test_the_header_names_the_producer_and_what_is_not_listed_is_nobodys_name():
    batch = a_batch(*[application_bytes(application_id=str(nth)) for nth in range(4)])
    named, other, bad, empty = (
        ((PRODUCER_HEADER, b"mobile"),),
        (("other", b"mobile"),),
        ((PRODUCER_HEADER, b"\xff"),),
        (),
    )
    cells = ApplicationCells(CONTRACT, a_reference(), ApplicationRules(producers=CLOCKS))

    seen = cells.observe(replace(batch, headers=[named, other, bad, empty]), WRITERS)

    assert seen.producers.tolist() == [MOBILE, UNLISTED, UNLISTED, UNLISTED]
    assert len(ApplicationCells(CONTRACT, a_reference()).observe(batch, WRITERS).producers) == 0


@pytest.mark.parametrize("text", ["branch", "branch=", "=5", "branch=-1", "branch=nan", "branch=inf", "a=1, a=2"])
def test_a_skew_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="clock skew"):
        DriftSettings(producer_clock_skew_s=text)


def test_decisions_name_no_producer_and_are_allowed_the_longest_skew_of_all():
    mixed = stream(*[record for minute in range(60) for record in ((BRANCH, minute, 25), (MOBILE, minute, 0))])
    decisions = replace(mixed, producers=np.zeros(0, dtype=np.int64))

    assert tallies(decisions) == {"n": 120, "late": 0, "ahead": 0}


def test_a_partition_that_begins_with_a_wrong_clock_says_whose_it_is():
    seen = stream((BRANCH, 0, 31), (UNLISTED, 0, 31), (BRANCH, 1, 40), (BRANCH, 2, 25))

    assert tallies(seen) == {"n": 1, "late": 0, "ahead": 3}
    assert by_producer(seen, batch=1)[0] == ProducerCount(producer="branch", n=1, late=0, ahead=2)
