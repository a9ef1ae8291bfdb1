"""Questions to the ledger get the same answers from either database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.query import history, population_rank, queries, rates, review_queue
from ledger.query.review_queue import CaseFilter, queue_page
from ledger.sql import ledger_tables
from schemas.events.decisions import Contribution, Outcome
from schemas.events.retraining import ChampionAnnouncement
from tests.decisions import APPLIED_AT, a_decision, contributions, reasons
from tests.drift_events import ANNOUNCEMENT
from tests.ledger_records import TOPICS, a_review, an_outcome, conclude, decide, record, records, review

HOUR_MS = 3_600_000
BASE_MS = 1_772_366_400_000


def waiting_ids(database, **wanted):
    with database.read_transaction() as connection:
        return [case.application_id for case in queue_page(connection, CaseFilter(**wanted)).cases]


def test_the_first_decision_stands(database):
    decide(database, a_decision("a-1", 0.3), a_decision("a-1", 0.1, decision_id="d-second"))

    with database.read_transaction() as connection:
        assert queries.decision(connection, "a-1").event.decision_id == "d-a-1"
        assert [each.event.decision_id for each in queries.decisions_of(connection, "a-1")] == ["d-a-1", "d-second"]


def test_an_application_decided_twice_counts_once_in_every_view(database):
    """Tables keep both decisions; each view that unfolds or counts decisions keeps the first."""
    told = {"contributions": contributions(person_income=0.5, loan_amnt=-0.1), "reasons": reasons("INCOME", "AMOUNT")}
    once = a_decision("a-1", 0.3, **told)
    decide(database, once, a_decision("a-1", 0.7, decision_id="d-second", **told))

    with database.read_transaction() as connection:

        def count(view, what="count(*)"):
            return connection.execute(sa.text(f"SELECT {what} FROM {view}")).scalar_one()  # noqa: S608 - our own names

        assert count("decisions") == 2
        assert {view: count(view) for view in ("first_decisions", "final_decisions")} == {
            "first_decisions": 1,
            "final_decisions": 1,
        }
        assert count("decision_contributions") == len(once.contributions)
        assert count("decision_reasons") == len(once.reasons)
        assert count("reason_counts", "sum(decisions)") == len(once.reasons)
        assert count("approval_rates", "sum(decisions)") == 1


def test_referred_applications_wait_oldest_first_until_a_person_decides(database):
    times = [BASE_MS + 2 * HOUR_MS, BASE_MS, BASE_MS + HOUR_MS]
    decide(database, a_decision("a-1", 0.3), a_decision("a-2", 0.4), a_decision("a-3", 0.1), timestamps=times)

    assert waiting_ids(database) == ["a-2", "a-1"]

    review(database, a_review("a-2", Outcome.REFER), a_review("a-1", Outcome.DECLINE))

    assert waiting_ids(database) == ["a-2"]


def test_a_case_reviewed_before_its_decision_is_recorded_does_not_wait(database):
    review(database, a_review("a-1"))
    decide(database, a_decision("a-1", 0.3))

    assert waiting_ids(database) == []


def test_a_second_decision_neither_waits_nor_waits_twice(database):
    decide(database, a_decision("a-1", 0.1), a_decision("a-2", 0.3))
    decide(database, a_decision("a-1", 0.3), a_decision("a-2", 0.4), first_offset=2)

    with database.read_transaction() as connection:
        (case,) = queue_page(connection).cases
    assert (case.application_id, case.probability) == ("a-2", 0.3)


def test_pages_of_the_queue_hold_every_case_once(database):
    decide(database, *(a_decision(f"a-{number:02d}", 0.3) for number in range(25)))

    seen, after = [], None
    with database.read_transaction() as connection:
        for _ in range(3):
            page = queue_page(connection, after=after, most=10)
            seen += [case.application_id for case in page.cases]
            after = page.following
            assert page.total == 25

    assert after is None
    assert seen == [f"a-{number:02d}" for number in range(25)]


def test_filters_choose_cases(database):
    decide(
        database,
        a_decision("a-1", 0.3),
        a_decision("b-1", 0.5, scorecard_version="2"),
        a_decision("a_1", None),
        timestamps=[BASE_MS, BASE_MS + HOUR_MS, BASE_MS],
    )

    assert waiting_ids(database, fault=True) == ["a_1"]
    assert waiting_ids(database, fault=False) == ["a-1", "b-1"]
    assert waiting_ids(database, least_probability=0.4) == ["b-1"]
    assert waiting_ids(database, most_probability=0.4) == ["a-1"]
    assert waiting_ids(database, scorecard_version="2") == ["b-1"]
    assert waiting_ids(database, application_id="a_") == ["a_1"]
    assert waiting_ids(database, decided_before=APPLIED_AT + timedelta(minutes=1)) == ["a-1", "a_1"]
    with database.read_transaction() as connection:
        assert review_queue.oldest(connection) == datetime.fromtimestamp(BASE_MS / 1000, UTC)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=12), st.sampled_from(["' OR 1=1 --", "%", "_", "'; DROP TABLE decisions; --"])))
def test_no_text_is_taken_for_sql(database, text):
    with database.read_transaction() as connection:
        asked = text
        assert queries.decision(connection, asked) is None
        assert history.application_history(connection, asked) is None
        assert history.drift_report(connection, asked) is None
        assert (
            history.drift_reports_of(connection, asked, 5) == history.performance_reports_of(connection, asked, 5) == []
        )
        assert queue_page(connection, CaseFilter(scorecard_version=asked, application_id=asked)).total == 0
        assert queue_page(connection, after=(APPLIED_AT, asked)).total == 0
        assert rates.approval_rate(connection, rates.TimeSpan(scorecard_version=asked)).decisions == 0
        assert rates.default_rate(connection, rates.TimeSpan(scorecard_version=asked)).loans == 0
        assert rates.override_rate(connection, rates.TimeSpan(scorecard_version=asked)).reviewed == 0


@pytest.mark.parametrize("text", ["\0", "a\0b"])
def test_nul_is_asked_for_as_its_symbol(database, text):
    decide(database, a_decision(text, 0.3))

    with database.read_transaction() as connection:
        assert queries.decision(connection, text).event.application_id == text.replace("\0", "␀")
        assert queue_page(connection, CaseFilter(application_id=text)).total == 1


def test_rates_count_each_application_once_by_the_last_word(database):
    decide(
        database,
        a_decision("a-1", 0.1),
        a_decision("a-1", 0.9),  # decided again: does not count
        a_decision("a-2", 0.3),  # nearer to approval, approved
        a_decision("a-3", 0.5),  # nearer to decline, approved
        a_decision("a-4", 0.7),  # declined, overridden
        a_decision("a-5", 0.4),  # waits
        a_decision("a-6", 0.1, applied_at=APPLIED_AT + timedelta(days=1), scorecard_version="2"),
    )
    review(database, a_review("a-2"), a_review("a-3"), a_review("a-4", Outcome.DECLINE), a_review("a-4"))
    conclude(database, an_outcome("a-1", defaulted=True), an_outcome("a-2"), an_outcome("unknown"))

    with database.read_transaction() as connection:
        everything = rates.TimeSpan()
        approvals = rates.approval_rate(connection, everything)
        overrides = rates.override_rate(connection, everything)
        defaults = rates.default_rate(connection, everything)
        first_day = rates.TimeSpan(since=APPLIED_AT, until=APPLIED_AT + timedelta(hours=1))
        second = rates.TimeSpan(scorecard_version="2")
        days = [
            rates.approval_rate(connection, stretch).decisions
            for stretch in (first_day, rates.TimeSpan(since=APPLIED_AT + timedelta(days=1)), second)
        ]
    assert (approvals.decisions, approvals.approved, approvals.referred, approvals.automatic) == (6, 5, 1, 2)
    assert (overrides.reviewed, overrides.overridden, overrides.against_score) == (3, 1, 1)
    assert (defaults.loans, defaults.defaults) == (2, 1)
    assert days == [5, 1, 1]


def test_rates_of_ten_are_shares_of_them(database):
    decide(database, *(a_decision(f"a-{number}", 0.1 if number % 2 else 0.3) for number in range(10)))
    review(database, *(a_review(f"a-{number}", Outcome.DECLINE) for number in range(10)))
    conclude(database, *(an_outcome(f"a-{number}", defaulted=number < 4) for number in range(10)))

    with database.read_transaction() as connection:
        everything = rates.TimeSpan()
        assert rates.approval_rate(connection, everything).rate == 0.0
        # Five were approved by the scorecard, five leant to approval.
        assert rates.override_rate(connection, everything).rate == 1.0
        assert rates.default_rate(connection, everything).rate == pytest.approx(0.4)
        assert rates.default_rate(connection, everything).stated == pytest.approx(0.2)


def test_nothing_has_no_rate(database):
    with database.read_transaction() as connection:
        assert rates.approval_rate(connection, rates.TimeSpan()).rate is None
        assert rates.override_rate(connection, rates.TimeSpan()).rate is None
        assert rates.default_rate(connection, rates.TimeSpan()).rate is None


def test_a_value_has_its_percentile_among_recent_applicants(database):
    def of(number, income, intent="VENTURE"):
        values = {"person_income": income, "loan_intent": intent, "loan_int_rate": None}
        parts = tuple(Contribution(feature=name, value=value, contribution=0.0) for name, value in values.items())
        return a_decision(f"a-{number}", 0.1, contributions=parts)

    decide(database, *(of(number, 1_000.0 * number, "MEDICAL" if number % 4 else "VENTURE") for number in range(100)))

    with database.read_transaction() as connection:
        income, intent, rate = population_rank.standings(connection, of(0, 25_000.0))
    assert (income.percentile, income.n) == (0.255, 100)
    assert income.quantiles[2] == pytest.approx(49_500, abs=1_000)
    assert (intent.share, intent.percentile) == (0.25, None)
    assert (rate.percentile, rate.n) == (None, 0)


def an_announcement(version: str, day: int) -> ChampionAnnouncement:
    return replace(ANNOUNCEMENT, version=version, digest=version * 64, announced_at=datetime(2026, 1, day, tzinfo=UTC))


def test_an_applications_time_line_tells_all_in_order(database):
    record(database, records(TOPICS.champions.name, [an_announcement("c", 1), an_announcement("d", 2)]))
    decide(database, a_decision("a-1", 0.3))
    review(database, a_review("a-1"))
    conclude(database, an_outcome("a-1"))

    with database.read_transaction() as connection:
        found = history.application_history(connection, "a-1")
    assert found is not None
    assert [moment.kind for moment in history.time_line(found)] == [
        "announced",
        "applied",
        "decided",
        "reviewed",
        "concluded",
    ]
    assert [each.event.version for each in found.scorecards] == ["c"]


def test_every_field_of_a_decision_and_a_review_has_its_column():
    from schemas.events.decisions import LoanDecision
    from schemas.events.reviews import LoanReview

    assert set(LoanDecision.__slots__) <= set(ledger_tables.decisions.columns.keys())
    assert set(LoanReview.__slots__) <= set(ledger_tables.reviews.columns.keys())
