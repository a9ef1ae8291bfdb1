"""Waits for the decisions on some applications: whom the scorecard approved, and whom a person then let in or out."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loanctl.reports.event_log import RecordDecoder
from loanctl.reports.topic_watcher import Watcher
from schemas.events.decisions import LoanDecision
from schemas.events.reviews import LoanReview
from streams.runtime.settings import Connection
from training.rows import identity
from training.rows.admission import Admission, AdmissionJoin

PATIENCE_S: Final = 20.0
"""Without a further decision: a worker that runs decides within a second."""


@dataclass(frozen=True, slots=True)
class KnownDecisions:
    """Application ids; `approved` by the first decision, or by the latest review where there is one."""

    decided: frozenset[str]
    approved: frozenset[str]


def await_decisions(connection: Connection, names: Set[str], patience_s: float = PATIENCE_S) -> KnownDecisions:
    """The decisions on these applications; some may be missing where none came for a while.

    Args:
        names: application ids.
        patience_s: seconds without a further decision after which it waits no longer.

    Raises:
        OutageError: the broker is away.
        NoTopicError: a topic does not exist.
    """
    topics, decoding = connection.topics(), RecordDecoder(connection)
    keys = {name.encode() for name in names}
    with Watcher(connection, (topics.decisions, topics.reviews)) as watcher:

        def count() -> int:
            return len({each.key for each in watcher.records(topics.decisions)} & keys)

        reached = -1
        while reached < len(keys) and watcher.wait_for(lambda: count() > reached, patience_s):  # noqa: B023 - at once
            reached = count()
        records = [each for each in watcher.records(topics.decisions) if each.key in keys]
        reviewed = [each for each in watcher.records(topics.reviews) if each.key in keys]
    return known_decisions(decoding.events(LoanDecision, records), decoding.events(LoanReview, reviewed))


def known_decisions(decisions: Iterable[LoanDecision], reviews: Iterable[LoanReview]) -> KnownDecisions:
    """Who was decided on, and who got a loan, by the rule of training's rows (`training.rows.admission`).

    Args:
        decisions: in the order they came; the first one of an application counts.
        reviews: of these applications; one that sends the case on to another person decides nothing.
    """
    decided: list[Mapping[str, Any]] = [
        {"application_id": each.application_id, "outcome": each.outcome} for each in decisions
    ]
    last_words: list[Mapping[str, Any]] = [
        {"application_id": each.application_id, "outcome": each.outcome, "reviewed_at": each.reviewed_at}
        for each in reviews
    ]
    names = list(dict.fromkeys(each["application_id"] for each in (*decided, *last_words)))
    who = identity.of_ids(names)
    joined = AdmissionJoin(np.unique(who))
    joined.decide(decided)
    joined.review(last_words)
    let_in = np.isin(joined.of(who), [Admission.APPROVED, Admission.BY_PERSON])
    return KnownDecisions(
        decided=frozenset(each["application_id"] for each in decided),
        approved=frozenset(name for name, approved in zip(names, let_in, strict=True) if approved),
    )
