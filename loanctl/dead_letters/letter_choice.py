"""Which dead letters are meant: by reason, place, application and time. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loanctl.reports.decision_log import Span
from schemas.errors import SetupError
from schemas.records import RecordPosition
from scorecard.decisions.dead_letter_parser import Letter

PLACE: Final = re.compile(r"(\d{1,10}):(\d{1,19})", re.ASCII)


class UnknownLetterError(SetupError):
    """There is no such dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterChoice:
    """What a letter must be to be meant; what is empty asks nothing."""

    reasons: frozenset[str] = frozenset()
    places: frozenset[RecordPosition] = frozenset()
    ids: frozenset[str] = frozenset()
    """Of applications. A letter is meant by its place or by its id."""
    span: Span = field(default_factory=Span)
    """Of when it was set aside."""

    def may_mean(self, letter: Letter) -> bool:
        """As far as it can be said before its application is read."""
        return (not self.reasons or letter.reason in self.reasons) and letter.timestamp in self.span

    def letters(self, candidates: Sequence[Letter], ids: Mapping[RecordPosition, str | None]) -> list[Letter]:
        """Those that are meant.

        Args:
            ids: of their applications, where they can be read.

        Raises:
            UnknownLetterError: a place or an id that was named has no letter.
        """
        if not self.places and not self.ids:
            return list(candidates)
        names = {letter.place: names_of(letter, ids.get(letter.place)) for letter in candidates}
        found = [each for each in candidates if each.place in self.places or names[each.place] & self.ids]
        self._require(found, names)
        return found

    def _require(self, found: Sequence[Letter], names: Mapping[RecordPosition, frozenset[str]]) -> None:
        absent = [f"{place[0]}:{place[1]}" for place in sorted(self.places - {letter.place for letter in found})]
        absent += sorted(self.ids - {name for letter in found for name in names[letter.place]})
        if absent:
            problem = f"no such dead letter: {', '.join(absent)}; `loanctl dlq list` names those that there are"
            raise UnknownLetterError(problem)


def names_of(letter: Letter, application_id: str | None) -> frozenset[str]:
    """What a letter may be asked for by: the application's id, and the record's key where it is text."""
    key = (letter.carried.key or b"").decode(errors="replace")
    return frozenset({name for name in (application_id, key) if name})


def place_of(text: str) -> RecordPosition | None:
    """`PARTITION:OFFSET`; None where the text is something else."""
    found = PLACE.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None
