"""The matrix that a forest reads: numbers as they are, a category as one column per declared level.

The level columns come from the contract and not from the rows of one training, so that two
scorecards of one contract agree on columns, and the whole declared domain can be scored.
Pure: the values of `schemas.applications` in, a float32 matrix out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract.contract import Contract, Field, Kind, Role


@dataclass(frozen=True)
class FeatureSpace:
    """The features of one scorecard, in the contract's order."""

    fields: tuple[Field, ...]
    positions: tuple[int, ...]
    """Of each feature in `Applications.values`."""
    scored_as: Mapping[str, Mapping[str, str]] = dataclass_field(default_factory=dict)
    """Of some features, levels that are encoded as another."""

    @classmethod
    def of(
        cls, contract: Contract, names: Sequence[str], scored_as: Mapping[str, Mapping[str, str]] | None = None
    ) -> Self:
        """The space of the named features.

        Args:
            contract: what they mean.
            names: in any order.
            scored_as: of a scorecard that was made before; None for what the contract says now.

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
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def with_pricing(self) -> bool:
        """Whether prices are scored."""
        return any(field.role is Role.PRICING for field in self.fields)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the encoded columns: `feature`, or `feature=LEVEL`."""
        return tuple(name for field in self.fields for name in _columns(field))

    @cached_property
    def groups(self) -> npt.NDArray[np.int32]:
        """For each encoded column the place of its feature; shape (columns,)."""
        widths = [len(_columns(field)) for field in self.fields]
        return np.repeat(np.arange(len(self.fields), dtype=np.int32), widths)

    @cached_property
    def monotone(self) -> tuple[int, ...]:
        """For each encoded column the direction in which risk may move with it: -1, 0 (free) or 1."""
        return tuple(field.monotone for field in self.fields for _ in _columns(field))

    def encode(self, values: Matrix) -> npt.NDArray[np.float32]:
        """The forest's matrix, shape (n, columns): NaN where a number is missing, no level where a category is.

        Args:
            values: shape (n, observed fields of the contract); only finite or missing numbers.
        """
        encoded = np.zeros((len(values), len(self.columns)), dtype=np.float32)
        column = 0
        for field, position in zip(self.fields, self.positions, strict=True):
            width = len(_columns(field))
            if field.kind is Kind.NUMBER:
                encoded[:, column] = values[:, position]
            else:
                codes = self._scored_codes(field, values[:, position])
                encoded[:, column : column + width] = codes[:, None] == np.arange(width)
            column += width
        return encoded

    def to_dict(self) -> Mapping[str, Any]:
        """Plain data that `of` rebuilds the space from, together with its contract."""
        return {"features": list(self.names), "columns": list(self.columns), "scored_as": self.scored_as}

    def _scored_codes(self, field: Field, codes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Codes of levels as they are scored; shape of `codes`."""
        places = {level: float(place) for place, level in enumerate(field.levels)}
        for level, other in self.scored_as.get(field.name, {}).items():
            codes = np.where(codes == places[level], places[other], codes)
        return codes


def _columns(field: Field) -> tuple[str, ...]:
    if field.kind is Kind.NUMBER:
        return (field.name,)
    return tuple(f"{field.name}={level}" for level in field.levels)
