"""Kept sample of decided loans and their outcomes, by champion: what is new is folded in, nothing is read twice.

Of each champion those loans are kept whose id's digest is smallest, a sample that does not depend on order. Of ids
digests alone are kept. Whatever the order of decisions and outcomes, and however often the sample is saved between
them, the figures are those of one reading of all; only an application that two champions decided, the second one
after its outcome was read, counts for the second without it. What a source repeats is counted, and not kept. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import itemgetter
from typing import Any, Final, NamedTuple, Self

import numpy as np

from drift.performance.loan_figures import Loans
from drift.performance.outcome_join import BoundedSample, EndedLoan, EventPosition, ScoredLoan, digest_of
from schemas.events.performance import OutcomeNotes, PerformanceRules

OTHERS: Final = 4
"""Digests of decided applications kept, and outcomes without a decision, in multiples of the loans of a champion."""
MOST_UNDECIDED: Final = 8
"""Outcomes of a loan without a decision that are kept apart: by when it was signed some of them may not count."""
LONGEST_MS: Final = 400 * 86_400_000
"""As long as the topic of decisions has them: loans that have been mature for longer are dropped."""


class KnownOutcome(NamedTuple):
    """One outcome, or several that count alike: the one observed last of them."""

    place: EventPosition
    observed_at: int
    """Milliseconds since 1970."""
    defaulted: bool
    times: int = 1

    def merge(self, other: Self) -> Self:
        latest = max(self, other, key=lambda each: (each.observed_at, each.place))
        return latest._replace(times=self.times + other.times)


@dataclass(slots=True)
class KeptLoan:
    """The decision that counts, the first one of its champion, and the outcomes: one at most of each kind."""

    place: EventPosition
    applied_at: int
    probability: float | None
    approved: bool
    again: int = 0
    outcomes: list[KnownOutcome] = field(default_factory=list)

    def add(self, outcome: KnownOutcome, age_ms: int) -> None:
        """Take an outcome: a source that repeats it each night takes no more room."""
        kind = self._kind(outcome, age_ms)
        for nth, known in enumerate(self.outcomes):
            if self._kind(known, age_ms) == kind:
                self.outcomes[nth] = known.merge(outcome)
                return
        self.outcomes.append(outcome)

    def _kind(self, outcome: KnownOutcome, age_ms: int) -> tuple[bool, bool, bool]:
        """Outcomes of one kind differ in nothing that counts but in which was observed last."""
        age = outcome.observed_at - self.applied_at
        return outcome.defaulted, age < 0, age > age_ms


@dataclass(slots=True)
class _Tally:
    """What is said of outcomes beside loans with one each; see `OutcomeNotes`."""

    contradictory: int = 0
    repeated: int = 0
    before: int = 0
    too_old: int = 0


class LoanSample:
    """Takes decisions and outcomes, and gives loans of each champion that is watched."""

    def __init__(self, most: int, age_ms: int) -> None:
        """Nothing is known.

        Args:
            age_ms: of the rules by which it will be reported.
        """
        self.most = most
        self.age_ms = age_ms
        self._loans: dict[str, BoundedSample[KeptLoan]] = {}
        self._decided: BoundedSample[None] = BoundedSample(OTHERS * most)
        self._unmatched: BoundedSample[list[KnownOutcome]] = BoundedSample(OTHERS * most)
        self._outcomes = 0
        self._unreadable = 0
        self.versions: set[str] = set()
        """All that have decided."""

    @property
    def champions(self) -> Sequence[str]:
        """Versions whose loans are kept, the one watched last at the end."""
        return list(self._loans)

    def watch(self, version: str) -> None:
        """Keep a champion's loans from now on; it has decided nothing that was read."""
        self._loans[version] = self._loans.pop(version, BoundedSample(self.most))

    def forget(self, version: str) -> None:
        """Keep a champion's loans no longer."""
        del self._loans[version]

    def expire(self, rules: PerformanceRules, as_of: int) -> None:
        """Drop loans that were decided too long ago to count."""
        for kept in self._loans.values():
            kept.drop(lambda loan: _is_over(loan, rules, as_of))

    def unreadable(self) -> None:
        """Take a record that is neither decision nor outcome."""
        self._unreadable += 1

    def add_decision(self, decision: ScoredLoan) -> None:
        digest = digest_of(decision.application_id)
        self._decided.put(digest, digest, None)
        self.versions.add(decision.version)
        kept = self._loans.get(decision.version)
        if kept is None or not kept.covers(digest):
            return
        known = kept.get(digest)
        if known is None:
            # The other champion's loan has those that came before either decision, too.
            outcomes = self._of_another(digest) or self._unmatched.get(digest) or ()
            loan = KeptLoan(decision.place, decision.applied_at, decision.probability, decision.approved)
            for outcome in outcomes:
                loan.add(outcome, self.age_ms)
            kept.put(digest, digest, loan)
            return
        known.again += 1
        if decision.place < known.place:
            known.place, known.applied_at = decision.place, decision.applied_at
            known.probability, known.approved = decision.probability, decision.approved

    def add_outcome(self, ended: EndedLoan) -> None:
        self._outcomes += 1
        digest = digest_of(ended.application_id)
        outcome = KnownOutcome(ended.place, ended.observed_at, ended.defaulted)
        found = [loan for kept in self._loans.values() if (loan := kept.get(digest)) is not None]
        for loan in found:
            loan.add(outcome, self.age_ms)
        if not found and digest not in self._decided:
            self._unmatched.put(digest, digest, _with(self._unmatched.get(digest) or (), outcome))

    def share(self, version: str) -> float:
        """Of a champion's loans those that are kept."""
        return self._loans[version].share

    def loans(self, version: str, rules: PerformanceRules, as_of: int) -> Loans:
        """A champion's loans, by the digests of their ids.

        Args:
            version: one that is watched.
            rules: up to which age outcomes count, and from which age on.
            as_of: milliseconds since 1970.
        """
        found = self._in_order(version, rules, as_of)
        ended = [_outcome_of(loan, rules, as_of) for loan in found]
        return Loans(
            probability=np.array([np.nan if loan.probability is None else loan.probability for loan in found]),
            approved=np.array([loan.approved for loan in found], dtype=np.bool_),
            known=np.array([each is not None for each in ended], dtype=np.bool_),
            defaulted=np.array([each is not None and each.defaulted for each in ended], dtype=np.bool_),
            applied_at=np.array([loan.applied_at for loan in found], dtype=np.int64),
        )

    def notes(self, version: str, rules: PerformanceRules, as_of: int) -> OutcomeNotes:
        """What was met beside loans with one outcome each, of all outcomes and of this champion's loans."""
        loans, tally = self._in_order(version, rules, as_of), _Tally()
        for loan in loans:
            _tally(loan, rules, tally)
        return OutcomeNotes(
            outcomes=self._outcomes,
            unknown=self._unknown(),
            contradictory=tally.contradictory,
            repeated=tally.repeated,
            before=tally.before,
            too_old=tally.too_old,
            decided_again=sum(loan.again for loan in loans),
            unreadable=self._unreadable,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` makes this of again."""
        return {
            "most": self.most,
            "age_ms": self.age_ms,
            "loans": [[version, _dump(kept, _loan_row)] for version, kept in self._loans.items()],
            "decided": _dump(self._decided, lambda _: ()),
            "unmatched": _dump(self._unmatched, lambda outcomes: [_outcome_row(each) for each in outcomes]),
            "outcomes": self._outcomes,
            "unreadable": self._unreadable,
            "versions": sorted(self.versions),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any], age_ms: int) -> Self:
        """As it was saved.

        Args:
            saved: by `to_dict`.
            age_ms: of a sample of earlier versions, which kept every outcome.

        Raises:
            KeyError, TypeError, ValueError: it was saved by another version.
        """
        sample = cls(saved["most"], saved.get("age_ms", age_ms))
        loan_of = partial(_loan_of, age_ms=sample.age_ms)
        sample._loans = {version: _load(kept, sample.most, loan_of) for version, kept in saved["loans"]}
        sample._decided = _load(saved["decided"], OTHERS * sample.most, lambda _: None)
        sample._unmatched = _load(
            saved["unmatched"], OTHERS * sample.most, lambda rows: [_known_outcome(row) for row in rows]
        )
        sample._outcomes, sample._unreadable = saved["outcomes"], saved["unreadable"]
        sample.versions = set(saved["versions"])
        return sample

    def _in_order(self, version: str, rules: PerformanceRules, as_of: int) -> list[KeptLoan]:
        # Sums of floats depend on their order: the same loans shall give the same figures.
        kept = sorted(self._loans[version].items(), key=itemgetter(0))
        return [loan for _, loan in kept if not _is_over(loan, rules, as_of)]

    def _of_another(self, digest: int) -> Sequence[KnownOutcome]:
        loans = (kept.get(digest) for kept in self._loans.values())
        return next((loan.outcomes for loan in loans if loan is not None), ())

    def _unknown(self) -> int:
        unmatched = self._unmatched.items()
        return sum(
            sum(each.times for each in outcomes)
            for digest, outcomes in unmatched
            if self._decided.covers(digest) and digest not in self._decided
        )


def _is_over(loan: KeptLoan, rules: PerformanceRules, as_of: int) -> bool:
    return as_of - loan.place[0] > rules.mature_ms + LONGEST_MS


def _outcome_of(loan: KeptLoan, rules: PerformanceRules, as_of: int) -> KnownOutcome | None:
    """The outcome that counts, the one observed last; None before the loan is mature."""
    if as_of - loan.applied_at < rules.mature_ms:
        return None
    within = [each for each in loan.outcomes if 0 <= each.observed_at - loan.applied_at <= rules.age_ms]
    counted = within or [each for each in loan.outcomes if _is_late_repayment(each, loan, rules)]
    return max(counted, key=lambda each: (each.observed_at, each.place), default=None)


def _is_late_repayment(outcome: KnownOutcome, loan: KeptLoan, rules: PerformanceRules) -> bool:
    """True for a loan that ends well after the performance window: it had not defaulted within it."""
    late = outcome.observed_at - loan.applied_at > rules.age_ms
    return late and rules.mature_ms > 0 and not outcome.defaulted


def _tally(loan: KeptLoan, rules: PerformanceRules, tally: _Tally) -> None:
    answers = dict[bool, int]()
    for outcome in loan.outcomes:
        age = outcome.observed_at - loan.applied_at
        tally.before += outcome.times * (age < 0)
        tally.too_old += outcome.times * (age > rules.age_ms and not _is_late_repayment(outcome, loan, rules))
        if 0 <= age <= rules.age_ms:
            answers[outcome.defaulted] = answers.get(outcome.defaulted, 0) + outcome.times
    tally.repeated += sum(times - 1 for times in answers.values())
    tally.contradictory += len(answers) > 1


def _with(known: Sequence[KnownOutcome], outcome: KnownOutcome) -> list[KnownOutcome]:
    """With one more of a loan without a decision yet; of many, one of each answer."""
    if len(known) < MOST_UNDECIDED:
        return [*known, outcome]
    alike = [each for each in (*known, outcome) if each.defaulted == outcome.defaulted]
    return [*(each for each in known if each.defaulted != outcome.defaulted), reduce(KnownOutcome.merge, alike)]


def _outcome_row(outcome: KnownOutcome) -> Sequence[Any]:
    return [*outcome.place, outcome.observed_at, int(outcome.defaulted), outcome.times]


def _known_outcome(row: Sequence[Any]) -> KnownOutcome:
    # Earlier versions counted none: each stood for itself.
    timestamp, partition, offset, observed_at, defaulted, *times = row
    return KnownOutcome((timestamp, partition, offset), observed_at, bool(defaulted), *times)


def _loan_row(loan: KeptLoan) -> Sequence[Any]:
    outcomes = [_outcome_row(each) for each in loan.outcomes]
    return [*loan.place, loan.applied_at, loan.probability, int(loan.approved), loan.again, outcomes]


def _loan_of(row: Sequence[Any], age_ms: int) -> KeptLoan:
    timestamp, partition, offset, applied_at, probability, approved, again, outcomes = row
    loan = KeptLoan((timestamp, partition, offset), applied_at, probability, bool(approved), again)
    for outcome in outcomes:
        loan.add(_known_outcome(outcome), age_ms)
    return loan


def _dump(kept: BoundedSample[Any], row: Any) -> Mapping[str, Any]:
    return {"halvings": kept.halvings, "rows": [[digest, *row(value)] for digest, value in kept.items()]}


def _load(saved: Mapping[str, Any], most: int, value: Any) -> BoundedSample[Any]:
    rows: Iterable[Sequence[Any]] = saved["rows"]
    return BoundedSample.from_items(most, saved["halvings"], ((row[0], value(row[1:])) for row in rows))
