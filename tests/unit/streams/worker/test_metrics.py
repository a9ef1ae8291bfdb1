"""The worker in numbers, counted in arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from schemas.small_groups import LEAST_PEOPLE
from scorecard.decisions.scoring import score_batch
from streams.worker.metrics import ArrayHistogram, SmallGroupHistogram, WorkerMetrics, series
from tests.builders import CONTRACT, WRITERS, a_batch, a_champion, a_wire, application_bytes

KNOWN: Mapping[int, Any] = WRITERS


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_an_array_is_counted_in_the_buckets_that_hold_it(registry: CollectorRegistry) -> None:
    tally = ArrayHistogram("loan_seconds", "Seconds.", (1.0, 2.0), registry)

    tally.observe([0.5, 1.0, 1.5, 9.0, np.nan, np.inf])

    assert registry.get_sample_value("loan_seconds_bucket", {"le": "1.0"}) == 2
    assert registry.get_sample_value("loan_seconds_bucket", {"le": "2.0"}) == 3
    assert registry.get_sample_value("loan_seconds_count") == 4
    assert registry.get_sample_value("loan_seconds_sum") == 12.0


def test_values_of_people_wait_until_they_are_ten(registry: CollectorRegistry) -> None:
    incomes, seen = SmallGroupHistogram("loan_income", "Income.", (1.0, 2.0), registry), []

    for batch in ([1.0] * 9, [np.nan] * 5, [1.0], [5.0], [5.0] * 8, [5.0] * 30):
        incomes.observe(batch)
        seen.append((registry.get_sample_value("loan_income_count"), registry.get_sample_value("loan_income_sum")))

    assert seen == [(0, 0), (0, 0), (10, 10), (10, 10), (10, 10), (49, 205)]


def test_a_batch_is_counted_by_outcome_reason_and_what_was_asked_for(registry: CollectorRegistry) -> None:
    metrics = WorkerMetrics(CONTRACT, registry)
    champion = a_champion()
    batch = a_batch(
        *[application_bytes(loan_percent_income=0.2)] * LEAST_PEOPLE,
        *[application_bytes(person_emp_length=float("nan"))] * LEAST_PEOPLE,
        b"rubbish",
    )

    metrics.record_batch(score_batch(batch, KNOWN, champion, champion.scorecard.policy, a_wire()))

    assert registry.get_sample_value("loan_predictions_total", {"result": "approve"}) == LEAST_PEOPLE
    assert registry.get_sample_value("loan_predictions_total", {"result": "refer"}) == LEAST_PEOPLE
    assert registry.get_sample_value("loan_dead_letters_total", {"reason": "not_framed"}) == 1
    assert registry.get_sample_value("loan_dead_letters_total", {"reason": "not_finite"}) == LEAST_PEOPLE
    assert registry.get_sample_value("loan_prediction_probability_count") == LEAST_PEOPLE
    assert registry.get_sample_value("loan_request_income_sum") == 2 * LEAST_PEOPLE * 50_000.0
    assert registry.get_sample_value("loan_approval_rate") == 0.5


def test_the_approval_rate_forgets_what_is_more_than_a_hundred_decisions_ago(registry: CollectorRegistry) -> None:
    metrics = WorkerMetrics(CONTRACT, registry)
    champion = a_champion()
    policy, wire = champion.scorecard.policy, a_wire()
    approved = a_batch(*[application_bytes()] * 60)
    referred = a_batch(*[application_bytes(person_emp_length=float("inf"))] * 75)

    metrics.record_batch(score_batch(approved, KNOWN, champion, policy, wire))
    metrics.record_batch(score_batch(referred, KNOWN, champion, policy, wire))

    assert registry.get_sample_value("loan_approval_rate") == 0.25


def test_one_champion_is_named_at_a_time(registry: CollectorRegistry) -> None:
    metrics = WorkerMetrics(CONTRACT, registry)

    metrics.record_champion_event("installed", a_champion("1"))
    metrics.record_champion_event("installed", a_champion("2"))
    metrics.record_champion_event("bundle", a_champion("2"))

    text = generate_latest(registry).decode()
    assert text.count("loan_champion_info{") == 1
    assert 'version="2"' in text
    assert registry.get_sample_value("loan_champion_swaps_total") == 2
    assert registry.get_sample_value("loan_champion_refusals_total", {"alias": "champion", "reason": "bundle"}) == 1


def test_counters_begin_at_zero_so_that_their_first_event_is_seen(registry: CollectorRegistry) -> None:
    WorkerMetrics(CONTRACT, registry)

    assert registry.get_sample_value("loan_dead_letters_total", {"reason": "undecodable"}) == 0
    assert registry.get_sample_value("loan_dead_letters_total", {"reason": "contradictory"}) == 0
    assert registry.get_sample_value("loan_outages_total", {"neighbour": "broker"}) == 0


def test_buckets_of_a_field_follow_its_range() -> None:
    income = next(field for field in CONTRACT.observed if field.name == "person_income")

    edges = series(income)

    assert (edges[0], edges[-1]) == (100.0, 10_000_000.0)
    assert list(edges) == sorted(set(edges))
