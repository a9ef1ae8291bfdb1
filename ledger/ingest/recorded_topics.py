"""The topics that the ledger records, and how the rows of each are made. Pure."""

from collections.abc import Mapping

from ledger.ingest.bulk_decision_rows import DecisionRowMaker
from ledger.ingest.table_rows import RowMaker, flat_decision, flat_drift_report, flat_performance_report
from ledger.sql import ledger_tables
from schemas.events.audit import AuditEvent
from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.drift import DriftReport
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.events.reviews import LoanReview
from schemas.topics import Topics


def row_makers(topics: Topics) -> Mapping[str, RowMaker]:
    """By topic name, for all topics that the ledger keeps."""
    return {
        topics.decisions.name: DecisionRowMaker(ledger_tables.decisions, LoanDecision, flat_decision),
        topics.reviews.name: RowMaker(ledger_tables.reviews, LoanReview),
        topics.outcomes.name: RowMaker(ledger_tables.outcomes, LoanOutcome),
        topics.drift_reports.name: RowMaker(ledger_tables.drift_reports, DriftReport, flat_drift_report),
        topics.performance_reports.name: RowMaker(
            ledger_tables.performance_reports, PerformanceReport, flat_performance_report
        ),
        topics.retrain_commands.name: RowMaker(ledger_tables.retrain_commands, RetrainCommand),
        topics.retrain_results.name: RowMaker(ledger_tables.retrain_results, RetrainResult),
        topics.champions.name: RowMaker(ledger_tables.champions, ChampionAnnouncement),
        topics.audit.name: RowMaker(ledger_tables.audit_events, AuditEvent),
        topics.dead_letters.name: RowMaker(ledger_tables.dead_letters),
    }
