"""Of fewer than ten people no place tells a mean or a segment; of ten each tells it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from drift.binning.approval_expectation import EXPECTED_SUMS
from drift.detection.drift_report import report_of
from drift.detection.verdict import METHOD
from drift.performance.cox_calibration import calibration_bins
from drift.performance.loan_figures import Loans, performance
from drift.windows.window import TopicCount, Window
from ledger.query import rates
from ledger.query.population_rank import population_rank
from ledger.sql.database import Database
from loanctl.reports.challenger_comparison import Comparison, comparison
from schemas.events.decisions import Contribution, Outcome
from schemas.small_groups import LEAST_PEOPLE, is_small
from scorecard.decisions.scoring import score_batch
from scorecard.policy import Policy
from streams.worker.metrics import WorkerMetrics
from tests.builders import CONTRACT, WRITERS, a_batch, a_champion, a_wire, application_bytes, some_values
from tests.decisions import a_decision
from tests.ledger_databases import sqlite_ledger
from tests.ledger_records import a_review, an_outcome, conclude, decide, review
from tests.unit.drift.stream import START, a_reference, monitor_rules
from tests.unit.loanctl.reports.test_challenger_comparison import a_pair, a_statement
from training.evaluation import segments

FEW, ENOUGH = LEAST_PEOPLE - 1, LEAST_PEOPLE


def training_segments(people: int) -> list[Any]:
    rows = SimpleNamespace(values=some_values(people), defaulted=np.arange(people) % 2 == 0)
    values = rows.values
    values[:] = values[0]
    table = segments.table(CONTRACT, cast("Any", rows), np.full(people, 0.1), Policy(0.2, 0.6))
    return list(table["observed"])


def observed_performance(people: int) -> list[Any]:
    yes = np.ones(people, dtype=bool)
    found = performance(Loans(probability=np.full(people, 0.3), approved=yes, known=yes, defaulted=yes), 1)
    return [figure for figure in (found.approval_rate, found.observed, found.estimated, found.expected) if figure]


def rank_of_a_number(people: int) -> list[Any]:
    found = population_rank("income", 1.0, [float(number) for number in range(people)])
    return [*found.quantiles, *([found.percentile] if found.percentile is not None else [])]


def share_of_a_level(people: int) -> list[Any]:
    found = population_rank("intent", "MEDICAL", ["MEDICAL"] * people + ["VENTURE"] * 100)
    return [] if found.share is None else [found.share]


def challengers_means(people: int) -> list[Any]:
    pairs = [
        a_pair(f"a{place}", a_statement(0.1, income=0.0), a_statement(0.7 if place % 2 else 0.9, income=1.0))
        for place in range(people)
    ]
    found: Comparison = comparison(pairs, {f"a{place}": bool(place % 2) for place in range(people)})
    return [figure for figure in (found.shift, found.right, *found.features) if figure]


def means_of_a_window(people: int) -> list[Any]:
    reference = a_reference()
    layout, usual = reference.decisions, monitor_rules().reporting
    counts = np.zeros(layout.size, dtype=np.int64)
    counts[list(layout.starts)] = people
    tally = TopicCount(n=people, counts=counts, sums=np.ones(len(layout.binned) - 1 + EXPECTED_SUMS, dtype=np.int64))
    window = Window(start=START, end=START + 1, tallies={usual.decisions_topic: tally}, stretches={})
    found = report_of(window, reference, replace(usual, rules=replace(usual.rules, method=METHOD))).decisions
    return [found.approval_rate, found.score.mean] if found else []


def sums_on_a_metrics_page(people: int) -> list[Any]:
    """Of a worker that has just started: one more person's value must not be the difference of two pages either."""
    registry, champion = CollectorRegistry(), a_champion()
    metrics, policy = WorkerMetrics(CONTRACT, registry), champion.scorecard.policy
    for _ in range(people):
        metrics.record_batch(score_batch(a_batch(application_bytes()), WRITERS, champion, policy, a_wire()))
    pages = (sample for metric in registry.collect() for sample in metric.samples)
    of_people = ("loan_request_", "loan_prediction_probability", "loan_approval_rate")
    return [each.value for each in pages if each.name.startswith(of_people) and each.value > 0]


@pytest.mark.parametrize(
    "place",
    [
        training_segments,
        observed_performance,
        rank_of_a_number,
        share_of_a_level,
        challengers_means,
        means_of_a_window,
        sums_on_a_metrics_page,
    ],
)
def test_no_figure_is_told_of_nine_people(place: Callable[[int], list[Any]]) -> None:
    assert place(FEW) == []
    assert place(ENOUGH) != []


def test_each_bin_of_a_calibration_holds_ten_loans() -> None:
    sizes = {
        n: [each.n for each in calibration_bins(np.linspace(0.1, 0.9, n), np.arange(n) % 2 == 0)]
        for n in (10, 29, 75, 500)
    }

    assert {n: len(found) for n, found in sizes.items()} == {10: 1, 29: 2, 75: 7, 500: 10}
    assert not any(is_small(size) for found in sizes.values() for size in found)


@pytest.fixture(params=[FEW, ENOUGH])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Database]]:
    """So many people of one segment, reviewed and concluded."""
    database, people = sqlite_ledger(tmp_path), range(request.param)
    parts = (Contribution(feature="loan_intent", value="MEDICAL", contribution=0.0),)
    decide(database, *(a_decision(f"a-{number}", 0.3, contributions=parts) for number in people))
    review(database, *(a_review(f"a-{number}", Outcome.APPROVE) for number in people))
    conclude(database, *(an_outcome(f"a-{number}") for number in people))
    yield request.param, database
    database.close()


def test_views_and_rates_of_the_ledger_tell_no_mean_and_no_segment_of_nine_people(ledger: tuple[int, Database]) -> None:
    people, database = ledger
    means = {
        "approval_rates": "approval_rate, automatic_approval_rate, mean_probability",
        "override_rates": "override_rate",
        "default_rates": "default_rate, stated_default_rate",
        "segment_approval_rates": "approval_rate",
        "segment_default_rates": "default_rate",
    }

    with database.read_transaction() as connection:
        rows = {
            view: [value for row in connection.exec_driver_sql(f"SELECT {columns} FROM {view}") for value in row]  # noqa: S608 - our own names
            for view, columns in means.items()
        }
        everything = rates.TimeSpan()
        concluded = rates.default_rate(connection, everything)
        asked = [
            rates.approval_rate(connection, everything).rate,
            rates.override_rate(connection, everything).rate,
            concluded.rate,
            concluded.stated,
        ]

    told = {view: [value for value in values if value is not None] for view, values in rows.items()}
    assert (asked == [None] * 4) == (people == FEW)
    assert all(bool(values) == (people == ENOUGH) for values in told.values()), told
    assert bool(rows["segment_approval_rates"]) == (people == ENOUGH)
