"""What the checks of many decisions come to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loanctl.audit.decision_check import Basis, DecisionCheck
from loanctl.audit.decision_search import RecordedDecision
from scorecard.decisions.reproduction import Change

NAMED: Final = 100
"""Decisions that are listed; all are counted."""


@dataclass(slots=True)
class VerificationSummary:
    """Counts of checks, and the first that found something."""

    decisions: int = 0
    same: int = 0
    from_values: int = 0
    """Of the same: by their values alone, since their applications are gone."""
    not_computable: int = 0
    """Their applications are gone, and they hold no values."""
    unreadable: int = 0
    """Records that are no decision."""
    changed: Counter[Change] = field(default_factory=Counter)
    findings: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def different(self) -> int:
        """Decisions that something has changed of."""
        return self.decisions - self.same - self.not_computable

    @property
    def clean(self) -> bool:
        """Whether nothing was found that is not as it was."""
        return not (self.different or self.unreadable)

    def add(self, checked: Iterable[tuple[RecordedDecision, DecisionCheck]]) -> None:
        """Count some more."""
        for recorded, check in checked:
            self.decisions += 1
            self.same += check.same
            self.from_values += check.same and check.basis is Basis.VALUES
            self.not_computable += check.basis is Basis.NOTHING and not check.changes
            self.changed.update(check.changes)
            if check.changes and len(self.findings) < NAMED:
                self.findings.append(_finding_facts(recorded, check))

    def plain(self) -> dict[str, Any]:
        return {
            "decisions": self.decisions,
            "same": self.same,
            "from_values": self.from_values,
            "not_computable": self.not_computable,
            "different": self.different,
            "unreadable": self.unreadable,
            "changed": {change.value: self.changed[change] for change in Change},
            "findings": self.findings,
        }


def _finding_facts(recorded: RecordedDecision, check: DecisionCheck) -> dict[str, Any]:
    record, decision = recorded.record, recorded.decision
    return {
        "partition": record.partition if record else None,
        "offset": record.offset if record else None,
        "application_id": decision["application_id"],
        "decision_id": decision["decision_id"],
        **check.plain(),
    }
