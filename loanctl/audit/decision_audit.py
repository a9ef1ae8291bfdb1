"""All that is needed to answer for the decision on one application, and the decision computed again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.query.history import ApplicationHistory
from ledger.settings import LedgerConnection
from loanctl.audit.decision_check import DecisionCheck, DecisionChecker
from loanctl.audit.decision_search import (
    RecordedDecision,
    decision_at,
    first_decision,
)
from loanctl.audit.ledger_record import LedgerRecord, decision_copy, history_facts, ledger_record
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.sealed_records import open_values
from schemas.codec.wire_format import schema_ids
from schemas.errors import RecordError
from schemas.registry_client import WriterSchemas
from schemas.release import code_version
from schemas.timestamps import time_of
from scorecard.decisions.reproduction import differences
from scorecard.policy import Policy
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.topics.topic_reader import Record
from streams.runtime.application_keys import application_keys
from streams.worker.settings import ScoringSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAudit:
    """One decision, answered for."""

    recorded: RecordedDecision
    check: DecisionCheck
    application: Mapping[str, Any] | None
    """As Avro gives it; None where it is gone or cannot be read."""
    champion: RegisteredVersion | None
    """Whose decisions are in force now."""
    policy_in_force: Policy | None
    """The operator's by this environment's settings; None for each scorecard's own."""
    ledger: LedgerRecord

    @property
    def ledger_differences(self) -> tuple[str, ...]:
        """Fields that the ledger has otherwise than the topic; empty where it has no such decision."""
        entries = self.ledger.history.decisions if self.ledger.history else ()
        decision = self.recorded.decision
        entry = next((each for each in entries if each.event.decision_id == decision["decision_id"]), None)
        return differences(decision_copy(entry.event).fields, decision) if entry else ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found that is not as it was when the decision was made."""
        return not (self.check.changes or self.ledger_differences)

    def plain(self) -> dict[str, Any]:
        """As JSON can tell it, but for times and decimals."""
        decision, history = self.recorded.decision, self.ledger.history
        return {
            "application": self._application_facts(),
            "decision": dict(decision),
            "record": _place(self.recorded.record, history),
            "scorecard": {
                "name": decision["scorecard_name"],
                "version": decision["scorecard_version"],
                "digest": decision["scorecard_digest"],
                "family": decision["scorecard_family"],
                "champion_now": self.champion.version if self.champion else None,
                "still_champion": self.champion is not None and self.champion.digest == decision["scorecard_digest"],
            },
            "policy": {
                "version": decision["policy_version"],
                "approve_below": decision["approve_below"],
                "decline_from": decision["decline_from"],
                "set_by_operator_now": self.policy_in_force.version if self.policy_in_force else None,
            },
            "reference_id": decision["reference_id"],
            "code": {"decided_by": decision["code_version"], "computed_by": code_version()},
            "recomputed": self.check.plain(),
            "ledger": {**history_facts(history), "differs": list(self.ledger_differences)} if history else None,
            "ledger_problem": self.ledger.problem,
        }

    def _application_facts(self) -> dict[str, Any]:
        record, decision = self.check.application, self.recorded.decision
        return {
            "topic": decision["source_topic"],
            "partition": decision["source_partition"],
            "offset": decision["source_offset"],
            "schema_id": decision["source_schema_id"],
            "gone": record is None,
            "produced_at": time_of(record.timestamp) if record else None,
            "sha256": hashlib.sha256(record.value or b"").hexdigest() if record else None,
            "fields": None if self.application is None else dict(self.application),
        }


def decision_audit(settings: ScoringSettings, ledger: LedgerConnection, application_id: str) -> DecisionAudit:
    """The first decision on an application, from its topic, or from the ledger where the topic has it no longer.

    Raises:
        UnknownApplicationError: neither has one.
        OutageError: broker, registry or MLflow does not answer.
        SetupError: a topic or the schema of decisions is not there.
    """
    known = ledger_record(ledger, application_id)
    recorded = _recorded_decision(settings, known, application_id)
    [check] = DecisionChecker(settings).checks([recorded])
    return DecisionAudit(
        recorded=recorded,
        check=check,
        application=_application(settings, check.application),
        champion=settings.model_registry().champion(),
        policy_in_force=settings.policy(),
        ledger=known,
    )


def _recorded_decision(settings: ScoringSettings, known: LedgerRecord, application_id: str) -> RecordedDecision:
    topic = settings.topics().decisions.name
    entries = known.history.decisions if known.history else ()
    first = next((entry for entry in entries if entry.topic == topic), None)
    if first is None:
        return first_decision(settings, application_id)
    # The ledger knows the place; what the topic has there is the decision, whatever the ledger says it is.
    found = decision_at(settings, first.partition, first.offset)
    if found is None:
        return RecordedDecision(decision_copy(first.event), None)
    if found.decision["application_id"] != application_id:
        return first_decision(settings, application_id)
    return found


def _application(settings: ScoringSettings, record: Record | None) -> Mapping[str, Any] | None:
    if record is None:
        return None
    writers = WriterSchemas(settings.registry(), record.topic).of(schema_ids([record.value]))
    [value] = open_values([record.value], application_keys(settings))
    if isinstance(value, RecordError):
        return None
    try:
        return EventDecoder(settings.contract().schema).decode(value, writers)
    except RecordError:
        return None


def _place(record: Record | None, history: ApplicationHistory | None) -> dict[str, Any]:
    if record is not None:
        return {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "decided_at": time_of(record.timestamp),
            "gone": False,
        }
    [first, *_] = history.decisions if history else ()
    return {
        "topic": first.topic,
        "partition": first.partition,
        "offset": first.offset,
        "decided_at": first.recorded_at,
        "gone": True,
    }
