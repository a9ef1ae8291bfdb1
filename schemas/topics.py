"""The topics: name, key, retention and compatibility of each.

Pure: `loanctl topics apply` creates or changes them accordingly.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from schemas.contract.contract import Contract
from schemas.events.alerts import AlertEvent
from schemas.events.audit import AuditEvent
from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.drift import DriftAcknowledgement, DriftCounts, DriftReport, DriftState
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.events.reviews import LoanReview


class Compatibility(StrEnum):
    """Compatibility rules of a schema registry that this project uses."""

    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `event` is None where the value is an application or bytes as they came."""

    name: str
    keyed_by: str
    kept: timedelta | None
    """None for a compacted topic."""
    event: type | None = None
    compatibility: Compatibility = Compatibility.BACKWARD_TRANSITIVE
    many_partitions: bool = True
    """False where order across keys matters more than throughput."""

    @property
    def compacted(self) -> bool:
        """Whether only the last record of a key is kept."""
        return self.kept is None

    def configuration(self) -> dict[str, str]:
        """Its properties, by Kafka's names."""
        if self.kept is None:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(round(self.kept.total_seconds() * 1000))}


@dataclass(frozen=True, slots=True)
class Topics:
    applications: Topic
    decisions: Topic
    shadow_decisions: Topic
    dead_letters: Topic
    reviews: Topic
    outcomes: Topic
    drift_reports: Topic
    performance_reports: Topic
    retrain_commands: Topic
    retrain_results: Topic
    champions: Topic
    drift_counts: Topic
    drift_states: Topic
    drift_acknowledgements: Topic
    audit: Topic
    alerts: Topic

    def all(self) -> tuple[Topic, ...]:
        """Every topic, in the order data flows."""
        return tuple(getattr(self, name) for name in self.__slots__)


def scoring_group(topics: Topics) -> str:
    """The consumer group of the workers, unless another is configured."""
    return f"{topics.applications.name}.scoring"


def announcements_group(topics: Topics, instance: str) -> str:
    """The consumer group in which one worker receives the announcements of champions."""
    return f"{topics.champions.name}.{instance}"


def redrive_id(topics: Topics) -> str:
    """The transactional id of every redrive of dead letters: one at a time."""
    return f"{topics.applications.name}.redrive"


def topics_of(contract: Contract, prefix: str = "") -> Topics:
    """The topics of a product, under its own prefix or the one given."""
    at = prefix or contract.topic_prefix
    return Topics(
        applications=Topic(f"{at}.applications.v1", "application_id", timedelta(days=30)),
        decisions=Topic(
            f"{at}.decisions.v1",
            "application_id",
            timedelta(days=400),
            LoanDecision,
            Compatibility.FULL_TRANSITIVE,
        ),
        shadow_decisions=Topic(
            f"{at}.decisions.shadow.v1",
            "application_id",
            timedelta(days=30),
            LoanDecision,
            Compatibility.FULL_TRANSITIVE,
        ),
        dead_letters=Topic(f"{at}.applications.v1.dlq", "as it came", timedelta(days=30)),
        reviews=Topic(f"{at}.reviews.v1", "application_id", timedelta(days=400), LoanReview),
        outcomes=Topic(f"{at}.outcomes.v1", "application_id", timedelta(days=400), LoanOutcome),
        drift_reports=Topic(
            f"{at}.drift-reports.v1", "window_id", timedelta(days=90), DriftReport, many_partitions=False
        ),
        performance_reports=Topic(
            f"{at}.performance-reports.v1",
            "report_id",
            timedelta(days=400),
            PerformanceReport,
            many_partitions=False,
        ),
        retrain_commands=Topic(
            f"{at}.retrain-commands.v1", "command_id", timedelta(days=90), RetrainCommand, many_partitions=False
        ),
        retrain_results=Topic(
            f"{at}.retrain-results.v1", "command_id", timedelta(days=400), RetrainResult, many_partitions=False
        ),
        champions=Topic(f"{at}.champions.v1", "product", None, ChampionAnnouncement, many_partitions=False),
        drift_counts=Topic(
            f"{at}.drift-counts.v1", "source and partition", timedelta(days=7), DriftCounts, many_partitions=False
        ),
        drift_states=Topic(f"{at}.drift-states.v1", "product", None, DriftState, many_partitions=False),
        drift_acknowledgements=Topic(
            f"{at}.drift-acknowledgements.v1",
            "acknowledgement_id",
            timedelta(days=400),
            DriftAcknowledgement,
            many_partitions=False,
        ),
        # As long as an auditor may ask; acts of people are few.
        audit=Topic(f"{at}.audit.v1", "subject", timedelta(days=3_650), AuditEvent, many_partitions=False),
        alerts=Topic(f"{at}.alerts.v1", "alert_id", timedelta(days=90), AlertEvent, many_partitions=False),
    )
