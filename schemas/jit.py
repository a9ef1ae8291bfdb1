"""Kernels: compilation of functions over arrays to machine code.

Machine code is cached on disk beside the source, or in `NUMBA_CACHE_DIR`, or in the user's cache, so
that the second process does not compile again; if none of them can be written, every process
compiles for itself. A kernel calls kernels of its own module only: numba's cache checks the age of that
module's file and of no other, not even of modules with inlined functions, and would continue to run outdated code.
So the few lines that read an Avro number are repeated in each module that decodes. An array is taken out of a named
tuple before the loop that reads it: taking it out counts references, and so does handing the tuple to another kernel,
which takes longer than writing a number. Sums are never reordered (no
`fastmath`), so that a row's numbers do not depend on its batch.
"""

import pickle
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
from numba.core import caching

UNREADABLE: Final = (ImportError, AttributeError, EOFError, pickle.UnpicklingError)
"""Of a pickle whose class lies elsewhere now, or that is damaged."""

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """The function as machine code, compiled at its first call; it does not hold the interpreter's lock."""
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is no place for a cache: a read-only home, a zipped install
        compiled = numba.njit(nogil=True)(function)
    else:
        if hasattr(compiled, "_cache"):  # numba may be switched off (NUMBA_DISABLE_JIT): the function itself
            _survive_moves(compiled)
    return cast("Function", compiled)


def inline(function: Function) -> Function:
    """The function as part of each kernel that calls it: where a call would cost as much as what is called."""
    return cast("Function", numba.njit(inline="always")(function))


class _CacheFile(caching.IndexDataCacheFile):
    """Unreadable entries are no entries.

    An index is one pickle of the source's stamp and of argument types: numba reads it whole before it compares the
    stamp, so that a cache written before a class moved would end the process.
    """

    def _load_index(self) -> Any:
        try:
            return super()._load_index()  # type: ignore[no-untyped-call]
        except UNREADABLE:
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)  # type: ignore[no-untyped-call]
        except UNREADABLE as cause:
            raise OSError from cause


def _survive_moves(compiled: Any) -> None:
    cache = compiled._cache
    cache._cache_file = _CacheFile(  # type: ignore[no-untyped-call]
        cache_path=cache._cache_path,
        filename_base=cache._impl.filename_base,
        source_stamp=cache._impl.locator.get_source_stamp(),
    )
