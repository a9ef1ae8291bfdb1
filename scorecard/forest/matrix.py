"""The one matrix layout that the forest kernels are compiled for, and its check."""

import numpy as np
import numpy.typing as npt

from schemas.errors import SetupError


class MatrixError(SetupError):
    """A matrix that no forest reads: another type, shape or number of columns than it was made for."""


def readable(matrix: npt.NDArray[np.float32], columns: int) -> npt.NDArray[np.float32]:
    """The matrix in the layout that kernels are compiled for.

    Raises:
        MatrixError: it is not float32 of shape (n, columns).
    """
    if not isinstance(matrix, np.ndarray) or matrix.dtype != np.float32:
        kind = getattr(matrix, "dtype", type(matrix).__name__)
        problem = f"a forest reads float32, not {kind}"
        raise MatrixError(problem)
    if matrix.shape[1:] != (columns,):
        problem = f"this forest reads {columns} columns a row, not an array of shape {matrix.shape}"
        raise MatrixError(problem)
    return np.require(matrix, np.float32, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])
