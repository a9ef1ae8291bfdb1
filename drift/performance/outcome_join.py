"""Decisions joined with loan outcomes, by application id, in bounded memory.

Decisions are read before outcomes. Of an application decided twice the first decision counts; of
outcomes that contradict each other, the one observed last, as for training. Which is first or last
does not depend on the order in which partitions are read.

Memory holds a fixed number of loans. Beyond that, those whose id has the smallest digest are
kept, a sample that does not depend on the order either. Applications of another period or champion than
requested are known by digest alone, so that their outcomes do not count as outcomes without a decision. Pure.
"""

import hashlib
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Generic, NamedTuple, Self, TypeVar

import numpy as np

from drift.performance.loan_figures import Loans

EventPosition = tuple[int, int, int]
"""Timestamp (milliseconds since 1970), partition, offset."""
Value = TypeVar("Value")

DIGEST_BYTES: Final = 8
ALL: Final = 2 ** (8 * DIGEST_BYTES)
NAMED: Final = 10
"""Ids reported of each kind of odd outcome: the smallest, for every order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """What is joined. Times are milliseconds since 1970, `start` is inclusive, `end` exclusive."""

    start: int
    end: int
    """Of event time."""
    age_ms: int
    """An outcome observed longer after the application than this is not waited for, and does not count."""
    as_of: int
    """Records produced later were not known."""
    most: int
    """Loans kept; and digests of other applications, times four."""
    version: str = ""
    """The champion whose decisions are joined, the first of each application by it; all where it is empty."""


class ScoredLoan(NamedTuple):
    """The parts of a decision that performance needs. A tuple: a check makes one of each decision."""

    application_id: str
    applied_at: int
    probability: float | None
    approved: bool
    version: str
    place: EventPosition


class EndedLoan(NamedTuple):
    application_id: str
    defaulted: bool
    observed_at: int
    place: EventPosition


@dataclass(slots=True)
class Odd:
    """Outcomes of one odd kind: how many, and some of whom."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, application_id: str) -> None:
        self.count += 1
        if application_id not in self.ids:
            insort(self.ids, application_id)
            del self.ids[NAMED:]


@dataclass(slots=True, kw_only=True)
class Notes:
    """What was met beside loans with one outcome each."""

    outcomes: int = 0
    """Known as of the requested time."""
    unknown: Odd = field(default_factory=Odd)
    """Of applications that no decision which was read is about."""
    contradictory: Odd = field(default_factory=Odd)
    """Earlier outcomes with the opposite result; the one observed last counts."""
    repeated: int = 0
    """Told before with the same answer."""
    before: Odd = field(default_factory=Odd)
    """Observed before the application was signed: not believed."""
    too_old: int = 0
    """Observed after the age up to which outcomes count."""
    decided_again: int = 0
    """Further decisions on loans that had one; the first counts."""
    unreadable: int = 0
    """Records that are neither decision nor outcome."""


class BoundedSample(Generic[Value]):
    """Values by id, at most so many: those whose id's digest is smallest by halves."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under = ALL
        self._values: dict[str | int, tuple[int, Value]] = {}

    def __len__(self) -> int:
        return len(self._values)

    @property
    def share(self) -> float:
        """Of all ids, those whose values are kept; 1 where all are."""
        return self._under / ALL

    def __contains__(self, key: str | int) -> bool:
        return key in self._values

    def covers(self, digest: int) -> bool:
        """Whether an id of that digest would be kept."""
        return digest < self._under

    def get(self, key: str | int) -> Value | None:
        found = self._values.get(key)
        return found[1] if found else None

    def put(self, key: str | int, digest: int, value: Value) -> None:
        """Keep a value, unless its id is none of the sample."""
        if digest >= self._under:
            return
        self._values[key] = (digest, value)
        while len(self._values) > self._most:
            self._under //= 2
            self._values = {each: kept for each, kept in self._values.items() if kept[0] < self._under}

    def values(self) -> Iterable[Value]:
        return (value for _, value in self._values.values())

    def items(self) -> Iterable[tuple[int, Value]]:
        return self._values.values()

    def drop(self, unwanted: Callable[[Value], bool]) -> None:
        """Without some values; their ids may come again."""
        self._values = {key: kept for key, kept in self._values.items() if not unwanted(kept[1])}

    @property
    def halvings(self) -> int:
        return (ALL // self._under).bit_length() - 1

    @classmethod
    def from_items(cls, most: int, halvings: int, items: Iterable[tuple[int, Value]]) -> Self:
        """A sample by digest, as it was."""
        sample = cls(most)
        sample._under = ALL >> halvings
        sample._values = {digest: (digest, value) for digest, value in items}
        return sample


@dataclass(slots=True)
class _Loan:
    decided: ScoredLoan
    ended: EndedLoan | None = None
    answers: set[bool] = field(default_factory=set)
    again: int = 0
    """Decisions beside the one that counts."""


class OutcomeJoin:
    """Takes decisions, then outcomes, and gives loans."""

    def __init__(self, rules: JoinRules) -> None:
        self._rules = rules
        self._loans: BoundedSample[_Loan] = BoundedSample(rules.most)
        self._elsewhere: BoundedSample[None] = BoundedSample(4 * rules.most)
        self._notes = Notes()

    @property
    def size(self) -> int:
        """Loans and digests in memory."""
        return len(self._loans) + len(self._elsewhere)

    @property
    def share(self) -> float:
        """Of the stretch's loans that are kept: 1 where there is room for all."""
        return self._loans.share

    @property
    def notes(self) -> Notes:
        """What was met beside loans with one outcome each."""
        # Told of the loans that are kept in the end: while they come, it depends on their order which are kept.
        return replace(self._notes, decided_again=sum(loan.again for loan in self._loans.values()))

    def unreadable(self) -> None:
        """Take a record that is neither decision nor outcome."""
        self._notes.unreadable += 1

    def add_decision(self, decision: ScoredLoan) -> None:
        if decision.place[0] > self._rules.as_of:
            return
        name, digest = decision.application_id, digest_of(decision.application_id)
        within = self._rules.start <= decision.applied_at < self._rules.end
        if not within or self._rules.version not in ("", decision.version):
            self._elsewhere.put(digest, digest, None)
            return
        known = self._loans.get(name)
        if known is None:
            self._loans.put(name, digest, _Loan(decision))
            return
        known.again += 1
        if decision.place < known.decided.place:
            known.decided = decision

    def add_outcome(self, outcome: EndedLoan) -> None:
        """Take an outcome; after all decisions."""
        if outcome.place[0] > self._rules.as_of:
            return
        self._notes.outcomes += 1
        loan = self._loans.get(outcome.application_id)
        if loan is not None:
            self._settle(loan, outcome)
            return
        digest = digest_of(outcome.application_id)
        sought = self._loans.covers(digest) and self._elsewhere.covers(digest)
        if sought and digest not in self._elsewhere:
            self._notes.unknown.add(outcome.application_id)

    def versions(self, start: int, end: int) -> list[str]:
        """Of the champions that decided then, the one that decided last at the end."""
        # Version 10 comes after version 9, and after a rollback 9 comes after 10: names say neither.
        latest: dict[str, EventPosition] = {}
        for loan in self._between(start, end):
            made = loan.decided
            latest[made.version] = max(made.place, latest.get(made.version, made.place))
        return sorted(latest, key=lambda version: latest[version])

    def loans(self, start: int, end: int, version: str) -> Loans:
        """The decisions of one champion in a period of event time, within the rules' period."""
        found = [loan for loan in self._between(start, end) if loan.decided.version == version]
        # Sums of floats depend on their order: the same loans shall give the same figures.
        found.sort(key=lambda loan: loan.decided.application_id)
        given = [loan.decided.probability for loan in found]
        return Loans(
            probability=np.array([np.nan if each is None else each for each in given], dtype=np.float64),
            approved=np.array([loan.decided.approved for loan in found], dtype=np.bool_),
            known=np.array([loan.ended is not None for loan in found], dtype=np.bool_),
            defaulted=np.array([loan.ended is not None and loan.ended.defaulted for loan in found], dtype=np.bool_),
        )

    def _settle(self, loan: _Loan, outcome: EndedLoan) -> None:
        age = outcome.observed_at - loan.decided.applied_at
        if age < 0:
            self._notes.before.add(outcome.application_id)
            return
        if age > self._rules.age_ms:
            self._notes.too_old += 1
            return
        if outcome.defaulted in loan.answers:
            self._notes.repeated += 1
        elif loan.answers:
            self._notes.contradictory.add(outcome.application_id)
        loan.answers.add(outcome.defaulted)
        standing = loan.ended
        if standing is None or (outcome.observed_at, outcome.place) >= (standing.observed_at, standing.place):
            loan.ended = outcome

    def _between(self, start: int, end: int) -> Iterable[_Loan]:
        return (loan for loan in self._loans.values() if start <= loan.decided.applied_at < end)


def digest_of(application_id: str) -> int:
    """A number that spreads ids evenly, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(application_id.encode(), digest_size=DIGEST_BYTES).digest(), "big")
