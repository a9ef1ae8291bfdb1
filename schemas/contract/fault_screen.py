"""A quick check of rows: most applications have no fault, and need not be searched for one field by field.

One pass over bounds that are worked out once for a contract. It names no fault: a row that does not pass is judged by
`schemas.applications.faults`, whose answer on a row that passes would be none. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from schemas.contract.fields import Field, Kind, Unknown

UNSEEN: Final = -1.0
"""A category's code where its level is not declared; real codes begin at 0."""

LARGEST: Final = (2.0 - 2.0**-23) * 2.0**127
"""Of 32-bit floats, which forests compare: a larger magnitude is infinity to them, so it is out of any range."""

INFINITE: Final = float("inf")
NAN: Final = float("nan")


class ColumnRatio(NamedTuple):
    """A column that is the ratio of two others."""

    column: int
    numerator: int
    denominator: int
    tolerance: float
    """Infinite for a column that is not scored."""


@dataclass(frozen=True, slots=True)
class FaultScreen:
    """Bounds of each observed column, in schema order; what is not scored is bounded by nothing."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    optional: tuple[bool, ...]
    """Columns that may be missing (NaN)."""
    ratios: tuple[ColumnRatio, ...]
    at_most: tuple[tuple[int, int], ...]
    """A column, and the one that it may not exceed."""
    conversions: tuple[tuple[str, Callable[[Any], float]], ...]
    """Name of each column's field, and how its value becomes a number; see `schemas.applications`."""

    @classmethod
    def of(cls, observed: Sequence[Field], scored: Sequence[Field]) -> Self:
        """The screen of a scorecard that uses these fields.

        Args:
            scored: those of them that can be at fault.
        """
        place = {field.name: column for column, field in enumerate(observed)}
        names = {field.name for field in scored}
        bounds = [_bounds(field) if field.name in names else (-INFINITE, INFINITE, True) for field in observed]
        low, high, optional = zip(*bounds, strict=True)
        return cls(
            low=low,
            high=high,
            optional=optional,
            ratios=tuple(_ratio(field, place, scored=field.name in names) for field in observed if field.ratio_of),
            at_most=tuple((place[field.name], place[field.at_most]) for field in scored if field.at_most is not None),
            conversions=tuple((field.name, conversion(field)) for field in observed),
        )

    def passes(self, record: Any) -> bool:
        """True if the application certainly has no fault; False if it may have one.

        Args:
            record: value of each field by its name, as Avro gives them.
        """
        row = [convert(record[name]) for name, convert in self.conversions]
        for ratio in self.ratios:
            denominator = row[ratio.denominator]
            if not denominator:
                return False
            exact = row[ratio.numerator] / denominator
            if row[ratio.column] != row[ratio.column]:
                row[ratio.column] = exact
            elif abs(row[ratio.column] - exact) > ratio.tolerance:
                return False
        for value, low, high, optional in zip(row, self.low, self.high, self.optional, strict=True):
            if not (low <= value <= high or (optional and value != value)):
                return False
        return not any(row[column] > row[other] for column, other in self.at_most)


def conversion(field: Field) -> Callable[[Any], float]:
    """A value of the field as a number: a level's code, or the number itself, NaN if missing."""
    return _code_of(field) if field.kind is Kind.CATEGORY else _number


def _ratio(field: Field, place: Mapping[str, int], *, scored: bool) -> ColumnRatio:
    assert field.ratio_of is not None  # noqa: S101 - for the type checker: callers have looked
    numerator, denominator = field.ratio_of
    return ColumnRatio(place[field.name], place[numerator], place[denominator], field.tolerance if scored else INFINITE)


def _bounds(field: Field) -> tuple[float, float, bool]:
    if field.kind is Kind.NUMBER:
        return max(field.low, -LARGEST), min(field.high, LARGEST), field.missing
    return 0.0 if field.unknown is Unknown.REFER else UNSEEN, INFINITE, field.missing


def _number(value: Any) -> float:
    if value is None:
        return NAN
    number = float(value)
    return INFINITE if number != number else number


def _code_of(field: Field) -> Callable[[Any], float]:
    codes: dict[str | None, float] = {level: float(place) for place, level in enumerate(field.levels)}
    codes[None] = NAN

    def code(value: str | None) -> float:
        return codes.get(value, UNSEEN)

    return code
