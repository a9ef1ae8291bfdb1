"""Compiled kernels: how a function over arrays becomes machine code, and what such a function may be given.

Machine code is kept on disk beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache, so
that the second process does not compile again. Where none of them can be written, every process
compiles for itself. Sums are never reordered (no `fastmath`): a row's numbers do not depend on its batch.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from schemas.faults import SetupError

Function = TypeVar("Function", bound=Callable[..., Any])

TWO_DIMENSIONS: Final = 2


class MatrixError(SetupError):
    """A matrix that no forest reads: another type, shape or number of columns than it was made for."""


def kernel(function: Function) -> Function:
    """The function as machine code, compiled at its first call; it does not hold the interpreter's lock."""
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place for a cache: a read-only home, a zipped install
        compiled = numba.njit(nogil=True)(function)
    return cast("Function", compiled)


def inlined(function: Function) -> Function:
    """The function as part of each kernel that calls it: where a call would cost as much as what is called."""
    return cast("Function", numba.njit(inline="always")(function))


def readable(matrix: npt.NDArray[np.float32], columns: int) -> npt.NDArray[np.float32]:
    """The matrix in the one layout that kernels are compiled for.

    Raises:
        MatrixError: it is not float32 of shape (n, columns).
    """
    if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float32:
        kind = getattr(matrix, "dtype", type(matrix).__name__)
        problem = f"a forest reads float32, not {kind}"
        raise MatrixError(problem)
    if matrix.ndim != TWO_DIMENSIONS or matrix.shape[1] != columns:
        problem = f"this forest reads {columns} columns a row, not an array of shape {matrix.shape}"
        raise MatrixError(problem)
    return np.require(matrix, np.float32, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
