"""Memory that a step has freed, given back to the system.

Threads of the families' libraries leave what they freed in arenas of the C library, and Arrow in a pool of its own.
Both keep it for themselves, and the next step's peak comes on top.
"""

import ctypes
from contextlib import suppress

import pyarrow as pa


def release_memory() -> None:
    """Gives free memory back, where the C library can (glibc)."""
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
