"""Kernels: how a function over arrays becomes machine code.

Machine code is kept on disk beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache, so
that the second process does not compile again; where none of them can be written, every process
compiles for itself. A kernel calls kernels of its own module only: the cache sees a change of that
module and of no other. Sums are never reordered (no `fastmath`), so that a row's numbers do not
depend on its batch.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """The function as machine code, compiled at its first call; it does not hold the interpreter's lock."""
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place for a cache: a read-only home, a zipped install
        compiled = numba.njit(nogil=True)(function)
    return cast("Function", compiled)


def inline(function: Function) -> Function:
    """The function as part of each kernel that calls it: where a call would cost as much as what is called."""
    return cast("Function", numba.njit(inline="always")(function))
