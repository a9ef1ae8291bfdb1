"""The invariant: what the topics must hold after any fault. Pure.

Each readable application has one decision (at least once: the same bytes again), each unreadable or unscorable record
one dead letter; decisions of one key are in the order of their applications; what was committed has no gap.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from tests.chaos.load import MARKED_INCOME, MARKED_INTENT, Kind, SentRecord

Source = tuple[int, int]
"""Partition and offset of an application."""

LEAK: Final = re.compile(rf"(?<![\w.]){MARKED_INCOME}(?!\w)|{MARKED_INTENT}".encode())
REPEATABLE: Final = frozenset({"decisions_repeated", "letters_repeated"})
"""Findings that at-least-once allows."""
PROMPT_S: Final = 1.0
"""A decision that comes within it has waited for nobody."""


@dataclass(frozen=True, slots=True)
class ObservedDecision:
    """A decision as a reader of committed records sees it."""

    source: Source
    place: tuple[int, int]
    """Partition and offset of the decision."""
    key: str
    version: str
    value: bytes


@dataclass(frozen=True, slots=True)
class ObservedLetter:
    source: Source
    headers: bytes = b""


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """An application by HTTP, and how its caller was answered."""

    DECIDED: ClassVar[int] = 200
    ACCEPTED: ClassVar[frozenset[int]] = frozenset({200, 504})
    """The broker has it; 504: its decision was not there in time."""

    key: str
    status: int
    """0 where the connection broke."""
    decision_id: str = ""


def decision_findings(
    sent: Sequence[SentRecord],
    decisions: Sequence[ObservedDecision],
    gone: Collection[Source],
    again: Collection[Source],
) -> Counter[str]:
    """Violations by name; none counts nothing.

    Args:
        sent: what the broker acknowledged.
        decisions: in the order of each partition.
        gone: deleted by a person or by retention before they could be read: owed nothing.
        again: read a second time because a person set offsets back: may be repeated, with the same bytes.
    """
    owed = {(one.partition, one.offset) for one in sent if one.kind is not Kind.POISON} - set(gone)
    seen = Counter(each.source for each in decisions)
    # A champion that follows while a repetition is under way answers otherwise, under another decision id.
    values: dict[tuple[Source, str], set[bytes]] = defaultdict(set)
    for each in decisions:
        values[each.source, each.version].add(each.value)
    surplus = {source: count - 1 for source, count in seen.items() if count > 1 and source not in again}
    return +Counter(
        decisions_lost=len(owed - seen.keys()),
        decisions_without_application=len(seen.keys() - owed - set(gone)),
        decisions_repeated=sum(surplus.values()),
        decisions_mixed=sum(len(those) > 1 for those in values.values()),
        keys_out_of_order=_keys_out_of_order(decisions),
    )


def letter_findings(
    sent: Sequence[SentRecord], letters: Sequence[ObservedLetter], gone: Collection[Source], again: Collection[Source]
) -> Counter[str]:
    """The same of dead letters."""
    owed = {(one.partition, one.offset) for one in sent if one.kind is not Kind.GOOD} - set(gone)
    seen = Counter(each.source for each in letters)
    return +Counter(
        letters_lost=len(owed - seen.keys()),
        letters_without_record=len(seen.keys() - owed - set(gone)),
        letters_repeated=sum(count - 1 for source, count in seen.items() if source not in again),
    )


def commit_findings(committed: Mapping[int, int], ends: Mapping[int, int]) -> Counter[str]:
    """Partitions whose committed offset is not their end once all is answered."""
    return +Counter(commits_apart=sum(committed.get(partition, -1) != end for partition, end in ends.items()))


def champion_findings(decisions: Iterable[ObservedDecision]) -> Counter[str]:
    """Partitions that go back to a former champion. Where workers keep theirs, and each next one is newer."""
    turns: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for each in decisions:
        turns[each.source[0]].append((each.source[1], int(each.version)))
    versions = [[version for _, version in sorted(those)] for those in turns.values()]
    return +Counter(champions_out_of_order=sum(those != sorted(those) for those in versions))


def report_findings(windows: Sequence[tuple[str, int]], owed: Mapping[str, int]) -> Counter[str]:
    """Windows that are reported twice, or that count other applications than were signed in them.

    Args:
        windows: id and applications (counted, repeated and late) of each report.
        owed: applications of each window that must have been reported.
    """
    told = Counter(window for window, _ in windows)
    counted = dict(windows)
    return +Counter(
        windows_repeated=sum(count - 1 for count in told.values()),
        windows_lost=len(owed.keys() - told.keys()),
        windows_miscounted=sum(counted[window] != count for window, count in owed.items() if window in counted),
    )


def call_findings(
    calls: Sequence[ObservedCall], sources: Mapping[str, Sequence[Source]], decided: Mapping[Source, Collection[str]]
) -> Counter[str]:
    """Accepted applications that are not on their topic, any that is there twice, and answers that no decision has.

    Args:
        calls: of callers that ask once each.
        sources: where the applications lie, by key.
        decided: ids of the decisions of each application.
    """
    told = [call for call in calls if call.status == ObservedCall.DECIDED]
    return +Counter(
        accepted_lost=sum(call.status in ObservedCall.ACCEPTED and not sources.get(call.key) for call in calls),
        accepted_twice=sum(len(those) > 1 for those in sources.values()),
        answers_apart=sum(
            all(call.decision_id not in decided.get(source, ()) for source in sources.get(call.key, ()))
            for call in told
        ),
    )


def result_findings(commands: Sequence[str], results: Sequence[tuple[str, bool]]) -> Counter[str]:
    """Commands without a result of their own, or with two.

    Args:
        commands: the id of each record; one that is sent twice is carried out once and answered twice.
        results: id of each, and whether it says that the command was answered before.
    """
    owed, told = Counter(commands), Counter(name for name, _ in results)
    carried_out = Counter(name for name, duplicate in results if not duplicate)
    return +Counter(
        results_lost=(owed - told).total(),
        results_repeated=max((told - owed).total(), sum(count - 1 for count in carried_out.values())),
    )


def full_rate_s(killed_at: float, waits: Iterable[tuple[float, float]]) -> float:
    """Seconds from a kill until decisions keep up again: until no application has waited over a second for its own.

    Args:
        killed_at: seconds since 1970.
        waits: when each decision was written (seconds since 1970), and how long its application waited (seconds).
    """
    overdue = sorted((at - wait + PROMPT_S, at) for at, wait in waits if wait > PROMPT_S and at > killed_at)
    behind_until = killed_at + PROMPT_S
    for since, at in overdue:
        if since > behind_until + PROMPT_S:
            break
        behind_until = max(behind_until, at)
    return behind_until - killed_at if overdue else 0.0


def leak_findings(places: Mapping[str, bytes]) -> Counter[str]:
    """Places outside values of topics in which an applicant's value stands."""
    return +Counter(values_leaked=sum(len(LEAK.findall(content)) for content in places.values()))


def leak_lines(places: Mapping[str, bytes]) -> list[str]:
    """Each line with an applicant's value, behind the name of its place."""
    lines = ((name, line) for name, content in places.items() for line in content.splitlines())
    return [f"{name}: {line.decode(errors='replace')}" for name, line in lines if LEAK.search(line)]


def violations(found: Counter[str], *, at_least_once: bool) -> dict[str, int]:
    """What the delivery mode does not allow."""
    return {name: count for name, count in found.items() if not (at_least_once and name in REPEATABLE)}


def _keys_out_of_order(decisions: Sequence[ObservedDecision]) -> int:
    """Keys whose decisions, each counted where it stands first, are not in the order of their applications."""
    first: dict[Source, ObservedDecision] = {}
    for each in sorted(decisions, key=lambda seen: seen.place):
        first.setdefault(each.source, each)
    by_key: dict[str, list[ObservedDecision]] = defaultdict(list)
    for each in first.values():
        by_key[each.key].append(each)
    return sum(_disordered(those) for those in by_key.values() if len(those) > 1)


def _disordered(those: Sequence[ObservedDecision]) -> bool:
    # Partitions may have been added in between, and between partitions there is no order.
    by_place: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in those:
        by_place[each.source[0], each.place[0]].append(each.source[1])
    return any(offsets != sorted(offsets) for offsets in by_place.values())
