"""The matrix that a forest reads: numbers as they are, a category as one column per declared level.

The level columns are those of the contract that enough rows of the training had. A level that the contract has gained
since, or that too few rows had, is unknown to the scorecard, and treated as the contract treats unknown ones.
Pure: the values of `schemas.applications` in, a float32 matrix out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import UNSEEN, Faults, Matrix, computed_ratios, faults
from schemas.contract.contract import Contract, Field, Kind, Role
from schemas.contract.fault_screen import ColumnRatio
from schemas.contract.fields import Unknown
from schemas.small_groups import is_small

Levels = Mapping[str, tuple[str, ...]]
"""By category feature, some of the levels that the contract declares, in its order."""


COMPUTED: Final = "computed"
"""A bundle's word for ratios that are computed from their parts, in features and profile."""


@dataclass(frozen=True)
class FeatureSpace:
    """The features of one scorecard, in the contract's order."""

    fields: tuple[Field, ...]
    positions: tuple[int, ...]
    """Of each feature in `Applications.values`."""
    scored_as: Mapping[str, Mapping[str, str]] = dataclass_field(default_factory=dict)
    """Of some features, levels that are encoded as another."""
    levels: Levels = dataclass_field(default_factory=dict)
    """Those that have a column."""
    ratios: tuple[ColumnRatio, ...] = ()
    """Computed from their parts where they are given, too; none in scorecards of before, which score what is given."""

    @classmethod
    def of(
        cls,
        contract: Contract,
        names: Sequence[str],
        scored_as: Mapping[str, Mapping[str, str]] | None = None,
        columns: Sequence[str] | None = None,
        *,
        exact_ratios: bool = True,
    ) -> Self:
        """The space of the named features.

        Args:
            names: in any order.
            scored_as: of a scorecard that was made before; None for what the contract says now.
            columns: of a scorecard that was made before; None for one of each level that the contract declares.
            exact_ratios: False for a scorecard that scores a given ratio as it is given.

        Raises:
            KeyError: the contract observes no field of that name.
        """
        chosen = set(names)
        unknown = chosen - contract.position.keys()
        if unknown:
            raise KeyError(*sorted(unknown))
        fields = tuple(field for field in contract.observed if field.name in chosen)
        stated = {field.name: dict(field.scored_as) for field in fields if field.scored_as}
        return cls(
            fields=fields,
            positions=tuple(contract.position[field.name] for field in fields),
            scored_as=stated if scored_as is None else scored_as,
            levels={field.name: _levels(field, columns) for field in fields if field.kind is Kind.CATEGORY},
            ratios=contract.screen(with_pricing=True).ratios if exact_ratios else (),
        )

    def with_frequent_levels(self, values: Matrix) -> Self:
        """The same space without levels of which a training has too few people (`schemas.small_groups`).

        Args:
            values: all rows of the training, shape (n, observed fields of the contract).
        """
        return replace(self, levels={name: self._frequent(name, values) for name in self.levels})

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @cached_property
    def with_pricing(self) -> bool:
        return any(field.role is Role.PRICING for field in self.fields)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the encoded columns: `feature`, or `feature=LEVEL`."""
        return tuple(name for field in self.fields for name in self._columns(field))

    @cached_property
    def groups(self) -> npt.NDArray[np.int32]:
        """For each encoded column the place of its feature; shape (columns,)."""
        widths = [len(self._columns(field)) for field in self.fields]
        return np.repeat(np.arange(len(self.fields), dtype=np.int32), widths)

    @cached_property
    def monotone(self) -> tuple[int, ...]:
        """For each encoded column the direction in which risk may move with it: -1, 0 (free) or 1."""
        return tuple(field.monotone for field in self.fields for _ in self._columns(field))

    @cached_property
    def unknown(self) -> Levels:
        """Declared levels that this scorecard does not know, of the features that have any."""
        found = {
            field.name: tuple(level for level in field.levels if self._target(field, level) not in known)
            for field, known in ((field, self.levels[field.name]) for field in self.fields if field.name in self.levels)
        }
        return {name: levels for name, levels in found.items() if levels}

    def recognize(self, values: Matrix) -> Matrix:
        """The values as this scorecard scores them: ratios computed, each level that it does not know as `UNSEEN`.

        Args:
            values: shape (n, observed fields of the contract); returned itself where that changes none.
        """
        values = self.with_computed_ratios(values)
        if not self.unknown:
            return values
        seen = values.copy()
        for field, position in zip(self.fields, self.positions, strict=True):
            codes = [float(field.levels.index(level)) for level in self.unknown.get(field.name, ())]
            seen[np.isin(seen[:, position], codes), position] = UNSEEN
        return seen

    def with_computed_ratios(self, values: Matrix) -> Matrix:
        """The values with their ratios as this scorecard scores them; shape of `values`."""
        return computed_ratios(self.ratios, values)

    def faults(self, contract: Contract, values: Matrix) -> Faults:
        """The fault that keeps this scorecard from scoring an applicant, an unknown level among them.

        Args:
            values: shape (n, observed fields of the contract), ratios computed.
        """
        return faults(contract, self.recognize(values), with_pricing=self.with_pricing)

    def refers(self, values: Matrix) -> npt.NDArray[np.bool_]:
        """Whom the scorecard refers because it does not know a level of theirs; shape (n,)."""
        seen = self.recognize(values)
        unseen = np.zeros(len(values), dtype=np.bool_)
        for field, position in zip(self.fields, self.positions, strict=True):
            if field.kind is Kind.CATEGORY and field.unknown is Unknown.REFER:
                unseen |= seen[:, position] == UNSEEN
        return unseen

    def encode(self, values: Matrix) -> npt.NDArray[np.float32]:
        """The forest's matrix, shape (n, columns): NaN where a number is missing, no level where a category is.

        Args:
            values: shape (n, observed fields of the contract); only finite or missing numbers.
        """
        values = self.with_computed_ratios(values)
        encoded = np.zeros((len(values), len(self.columns)), dtype=np.float32)
        column = 0
        for field, position in zip(self.fields, self.positions, strict=True):
            width = 1
            if field.kind is Kind.NUMBER:
                encoded[:, column] = values[:, position]
            else:
                codes, declared = self._scored_codes(field, values[:, position]), self._codes[field.name]
                width = len(declared)
                encoded[:, column : column + width] = codes[:, None] == declared
            column += width
        return encoded

    def to_dict(self) -> Mapping[str, Any]:
        """Plain data that `of` rebuilds the space from, together with its contract."""
        computed = {"ratios": COMPUTED} if self.ratios else {}
        return {"features": list(self.names), "columns": list(self.columns), "scored_as": self.scored_as, **computed}

    @cached_property
    def _codes(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Of each category, the contract's codes of its columns."""
        return {
            field.name: np.flatnonzero([level in self.levels[field.name] for level in field.levels])
            for field in self.fields
            if field.name in self.levels
        }

    def _columns(self, field: Field) -> tuple[str, ...]:
        if field.kind is Kind.NUMBER:
            return (field.name,)
        return tuple(_column(field, level) for level in self.levels[field.name])

    def _target(self, field: Field, level: str) -> str:
        return self.scored_as.get(field.name, {}).get(level, level)

    def _frequent(self, name: str, values: Matrix) -> tuple[str, ...]:
        place = self.names.index(name)
        field, codes = self.fields[place], values[:, self.positions[place]]
        people = dict.fromkeys(field.levels, 0)
        for code, level in enumerate(field.levels):
            people[self._target(field, level)] += int((codes == code).sum())
        merged = self.scored_as.get(name, {})
        return tuple(level for level in self.levels[name] if level in merged or not is_small(people[level]))

    def _scored_codes(self, field: Field, codes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Codes of levels as they are scored; shape of `codes`."""
        places = {level: float(place) for place, level in enumerate(field.levels)}
        for level, other in self.scored_as.get(field.name, {}).items():
            codes = np.where(codes == places[level], places[other], codes)
        return codes


def _levels(field: Field, columns: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(level for level in field.levels if columns is None or _column(field, level) in columns)


def _column(field: Field, level: str) -> str:
    return f"{field.name}={level}"
