"""What a replay comes to: verdicts counted, and how they differ from those recorded. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scorecard.decisions.reproduction import Change, Decision, DecisionCopy, changes


class AnswerChange(StrEnum):
    """How far an answer goes from one to another: the first of these that differs."""

    OUTCOME = "outcome"
    REASONS = "reasons"
    """The same outcome, for other reasons."""
    PROBABILITY = "probability"
    """The same outcome for the same reasons, by another probability."""
    NONE = "none"


@dataclass(slots=True)
class ReplayCount:
    applications: int = 0
    unreadable: int = 0
    """Applications that no decision can be made on."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of the decisions made now."""
    compared: int = 0
    undecided: int = 0
    """Decided now, and without a decision to compare with."""
    same_bytes: int = 0
    answers: Counter[AnswerChange] = field(default_factory=Counter)
    swaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Outcome before and after, where they differ."""
    causes: Counter[Change] = field(default_factory=Counter)

    def add(self, recorded: DecisionCopy | None, made: DecisionCopy | None, application: bytes | None) -> None:
        """Count one application.

        Args:
            recorded: the decision to compare with; None where there is none.
            made: the decision made now; None where the application cannot be read.
            application: its framed bytes; None where it has none.
        """
        self.applications += 1
        if made is None:
            self.unreadable += 1
            return
        self.outcomes[str(made.fields["outcome"])] += 1
        if recorded is None:
            self.undecided += 1
            return
        self.compared += 1
        self.same_bytes += recorded.value is not None and recorded.value == made.value
        self._compare(recorded, made, application)

    def plain(self) -> dict[str, Any]:
        return {
            "applications": self.applications,
            "unreadable": self.unreadable,
            "outcomes": dict(sorted(self.outcomes.items())),
            "compared": self.compared,
            "undecided": self.undecided,
            "same_bytes": self.same_bytes,
            "answers": {change.value: self.answers[change] for change in AnswerChange},
            "swaps": [
                {"from": before, "to": after, "count": count} for (before, after), count in self.swaps.most_common()
            ],
            "changed": {change.value: self.causes[change] for change in Change},
        }

    def _compare(self, recorded: DecisionCopy, made: DecisionCopy, application: bytes | None) -> None:
        answer = answer_change(recorded.fields, made.fields)
        self.answers[answer] += 1
        if answer is AnswerChange.OUTCOME:
            self.swaps[str(recorded.fields["outcome"]), str(made.fields["outcome"])] += 1
        self.causes.update(changes(recorded, made, application))


def answer_change(recorded: Decision, made: Decision) -> AnswerChange:
    """How far two decisions on one application differ for the applicant."""
    if recorded["outcome"] != made["outcome"]:
        return AnswerChange.OUTCOME
    if _codes(recorded) != _codes(made):
        return AnswerChange.REASONS
    return AnswerChange.NONE if recorded["probability"] == made["probability"] else AnswerChange.PROBABILITY


def _codes(decision: Decision) -> list[str]:
    return [reason["code"] for reason in decision["reasons"]]
