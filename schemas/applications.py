"""Applications as columns, and which of them the contract allows to be scored.

One matrix for a batch: a number as itself, a category as the index of its level. Missing values,
undeclared levels and non-finite numbers are distinguished by value:

| value      | meaning |
| ---------- | --- |
| `NaN`      | missing |
| `UNSEEN`   | a category that the contract does not declare |
| `±inf`     | not a finite number on the wire (NaN there becomes `+inf`) |

Pure: records and tables in, arrays out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.contract.contract import Contract, Field, Kind, Unknown
from schemas.contract.fault_screen import LARGEST as LARGEST
from schemas.contract.fault_screen import UNSEEN as UNSEEN
from schemas.contract.fault_screen import ColumnRatio, FaultScreen
from schemas.timestamps import millis_of

Matrix = npt.NDArray[np.float64]


class Fault(IntEnum):
    """Why a readable application cannot be scored. The names, in lower case, are published."""

    NONE = 0
    MISSING = 1
    NOT_FINITE = 2
    OUT_OF_RANGE = 3
    CONTRADICTORY = 4
    UNKNOWN_LEVEL = 5

    @property
    def reason(self) -> str:
        """The published word."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Applications:
    """A batch of readable applications.

    `values` has shape (n, len(contract.observed)), columns in schema order; `applied_at` is
    milliseconds since 1970, UTC, shape (n,).
    """

    ids: Sequence[str]
    applied_at: npt.NDArray[np.int64]
    values: Matrix

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Faults:
    """The first fault of each application, by schema order of fields.

    `codes` holds `Fault` values, shape (n,); `columns` the observed column at fault, -1 where none.
    """

    codes: npt.NDArray[np.int8]
    columns: npt.NDArray[np.int64]


def from_records(contract: Contract, records: Sequence[Mapping[str, Any]]) -> Applications:
    """Columns of decoded records; computes the ratios that were not given."""
    values = np.empty((len(records), len(contract.observed)))
    for column, (name, convert) in enumerate(contract.screen().conversions):
        values[:, column] = [convert(record[name]) for record in records]
    return Applications(
        ids=[record[contract.id_field] for record in records],
        applied_at=np.array([_millis(record[contract.time_field]) for record in records], dtype=np.int64),
        values=with_ratios(contract, values),
    )


def with_ratios(contract: Contract, values: Matrix) -> Matrix:
    """The same matrix, its absent ratios computed in place where both parts are usable."""
    for column, field in enumerate(contract.observed):
        if field.ratio_of is None:
            continue
        absent = np.isnan(values[:, column])
        values[absent, column] = _ratio(contract, field, values[absent])
    return values


def computed_ratios(ratios: Sequence[ColumnRatio], values: Matrix) -> Matrix:
    """The values with each given ratio as its parts give it; returned itself where that changes none.

    Files and people round a ratio, streams leave it out: computed, it is one number on every path. A ratio beyond its
    tolerance stays as it is given, and is at fault.

    Args:
        ratios: the columns, as the contract's screen names them.
        values: shape (n, observed fields of the contract).
    """
    found = values
    for ratio in ratios:
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = values[:, ratio.numerator] / values[:, ratio.denominator]
            gap = np.abs(values[:, ratio.column] - exact)
        rounded = np.isfinite(exact) & (gap > 0.0) & (gap <= ratio.tolerance)
        if rounded.any():
            found = found.copy() if found is values else found
            found[rounded, ratio.column] = exact[rounded]
    return found


def faults(contract: Contract, values: Matrix, *, with_pricing: bool = False) -> Faults:
    """The fault that prevents each application's scoring; a watched field prevents none.

    Args:
        values: as in `Applications`, ratios computed.
        with_pricing: the scorecard uses prices, so that a price can be at fault, too.
    """
    codes = np.zeros(len(values), dtype=np.int8)
    columns = np.full(len(values), -1, dtype=np.int64)
    # Most are at fault in nothing, and one applicant alone pays for every operation on the batch.
    doubtful = np.flatnonzero(~_passing(contract.screen(with_pricing=with_pricing), values))
    if len(doubtful):
        codes[doubtful], columns[doubtful] = _first_faults(contract, values[doubtful], with_pricing=with_pricing)
    return Faults(codes=codes, columns=columns)


def _passing(screen: FaultScreen, values: Matrix) -> npt.NDArray[np.bool_]:
    """Rows that `FaultScreen` would pass, shape (n,); ratios are computed."""
    present = (values >= screen.low) & (values <= screen.high)
    passing: npt.NDArray[np.bool_] = np.all(present | (np.isnan(values) & screen.optional), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        for ratio in screen.ratios:
            exact = values[:, ratio.numerator] / values[:, ratio.denominator]
            passing &= ~(np.abs(values[:, ratio.column] - exact) > ratio.tolerance)
    for column, other in screen.at_most:
        passing &= ~(values[:, column] > values[:, other])
    return passing


def _first_faults(
    contract: Contract, values: Matrix, *, with_pricing: bool
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    codes = np.zeros(len(values), dtype=np.int8)
    columns = np.full(len(values), -1, dtype=np.int64)
    for field in contract.scored(with_pricing=with_pricing):
        for fault, wrong in _wrong(contract, field, values):
            first = wrong & (codes == Fault.NONE)
            codes[first], columns[first] = fault, contract.position[field.name]
    return codes, columns


def invalid(contract: Contract, values: Matrix) -> npt.NDArray[np.bool_]:
    """Cells that are present but not finite or out of range, of every observed field; shape of `values`."""
    low = np.array([max(field.low, -LARGEST) for field in contract.observed])
    high = np.array([min(field.high, LARGEST) for field in contract.observed])
    number = np.array([field.kind is Kind.NUMBER for field in contract.observed])
    outside = (values < low) | (values > high) | np.isinf(values)
    return np.asarray(outside & number)


def _wrong(contract: Contract, field: Field, values: Matrix) -> list[tuple[Fault, npt.NDArray[np.bool_]]]:
    column = values[:, contract.position[field.name]]
    found: list[tuple[Fault, npt.NDArray[np.bool_]]] = []
    if not field.missing:
        found.append((Fault.MISSING, np.isnan(column)))
    if field.kind is Kind.NUMBER:
        low, high = max(field.low, -LARGEST), min(field.high, LARGEST)
        found.append((Fault.NOT_FINITE, np.isinf(column)))
        found.append((Fault.OUT_OF_RANGE, (column < low) | (column > high)))
    elif field.unknown is Unknown.REFER:
        found.append((Fault.UNKNOWN_LEVEL, column == UNSEEN))
    if field.ratio_of is not None:
        with np.errstate(invalid="ignore"):
            gap = np.abs(column - _ratio(contract, field, values))
        found.append((Fault.CONTRADICTORY, gap > field.tolerance))
    if field.at_most is not None:
        found.append((Fault.CONTRADICTORY, column > values[:, contract.position[field.at_most]]))
    return found


def _ratio(contract: Contract, field: Field, values: Matrix) -> npt.NDArray[np.float64]:
    assert field.ratio_of is not None  # noqa: S101 - for the type checker: callers have looked
    numerator, denominator = (values[:, contract.position[name]] for name in field.ratio_of)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: npt.NDArray[np.float64] = numerator / denominator
    return ratio


def _millis(value: Any) -> int:
    return value if isinstance(value, int) else millis_of(value)
