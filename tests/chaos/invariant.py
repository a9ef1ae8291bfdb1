"""The invariant: what the topics must hold after any fault. Pure.

Each readable application has one decision (at least once: the same bytes again), each unreadable or unscorable record
one dead letter; decisions of one key are in the order of their applications; what was committed has no gap.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.load import MARKED_INCOME, MARKED_INTENT, Kind, Sent

Source = tuple[int, int]
"""Partition and offset of an application."""

LEAK: Final = re.compile(rf"(?<![\w.]){MARKED_INCOME}(?!\w)|{MARKED_INTENT}".encode())
REPEATABLE: Final = frozenset({"decisions_repeated", "letters_repeated"})
"""Findings that at-least-once allows."""


@dataclass(frozen=True, slots=True)
class DecisionSeen:
    """A decision as a reader of committed records sees it."""

    source: Source
    place: tuple[int, int]
    """Partition and offset of the decision."""
    key: str
    version: str
    value: bytes


@dataclass(frozen=True, slots=True)
class LetterSeen:
    """A dead letter."""

    source: Source
    headers: bytes = b""


def decision_findings(
    sent: Sequence[Sent], decisions: Sequence[DecisionSeen], gone: Collection[Source], again: Collection[Source]
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
    sent: Sequence[Sent], letters: Sequence[LetterSeen], gone: Collection[Source], again: Collection[Source]
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


def champion_findings(decisions: Iterable[DecisionSeen]) -> Counter[str]:
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


def leak_findings(places: Mapping[str, bytes]) -> Counter[str]:
    """Places outside values of topics in which an applicant's value stands."""
    return +Counter(values_leaked=sum(len(LEAK.findall(content)) for content in places.values()))


def violations(found: Counter[str], *, at_least_once: bool) -> dict[str, int]:
    """What the delivery mode does not allow."""
    return {name: count for name, count in found.items() if not (at_least_once and name in REPEATABLE)}


def _keys_out_of_order(decisions: Sequence[DecisionSeen]) -> int:
    """Keys whose decisions, each counted where it stands first, are not in the order of their applications."""
    first: dict[Source, DecisionSeen] = {}
    for each in sorted(decisions, key=lambda seen: seen.place):
        first.setdefault(each.source, each)
    by_key: dict[str, list[DecisionSeen]] = defaultdict(list)
    for each in first.values():
        by_key[each.key].append(each)
    return sum(_disordered(those) for those in by_key.values() if len(those) > 1)


def _disordered(those: Sequence[DecisionSeen]) -> bool:
    # Partitions may have been added in between, and between partitions there is no order.
    by_place: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in those:
        by_place[each.source[0], each.place[0]].append(each.source[1])
    return any(offsets != sorted(offsets) for offsets in by_place.values())
