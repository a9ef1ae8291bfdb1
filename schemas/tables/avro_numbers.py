"""Numbers of a table as an application carries them: whole, to so many decimals, or in single precision. Pure."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

INT_RANGE: Final = (-(2**31), 2**31 - 1)


def value_type(avro_type: Any) -> Any:
    """The type without its null."""
    if not isinstance(avro_type, list):
        return avro_type
    return next(branch for branch in avro_type if branch != "null")


def unwritable(numbers: Floats, bare: Any) -> npt.NDArray[np.bool_]:
    """Numbers that the type cannot hold; shape of `numbers`.

    Args:
        numbers: not NaN where it counts.
        bare: `value_type` of the field.
    """
    if bare in ("double", "float"):
        return np.zeros(len(numbers), dtype=bool)
    if bare in ("int", "long"):
        low, high = INT_RANGE
        return np.asarray((np.floor(numbers) != numbers) | (numbers < low) | (numbers > high))
    most = 10.0 ** (bare["precision"] - bare["scale"])
    return np.asarray(~(np.abs(numbers) < most))


def nearest_writable(numbers: Floats, bare: Any) -> Floats:
    """The numbers after they were written as the type and read back; NaN stays.

    Args:
        numbers: that the type can hold, or NaN.
        bare: `value_type` of the field.
    """
    if bare == "float":
        return numbers.astype(np.float32).astype(np.float64)
    if bare in ("double", "int", "long"):
        return numbers
    scale = 10.0 ** bare["scale"]
    near: Floats = np.rint(numbers * scale) / scale
    # Nearly always a table's amounts have no more decimals; a tie between two of them is rounded as decimals are.
    others = np.flatnonzero((near != numbers) & ~np.isnan(numbers))
    near[others] = [float(f"{number:.{bare['scale']}f}") for number in numbers[others].tolist()]
    return near
