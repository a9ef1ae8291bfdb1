"""Excludes a process's permanent objects from garbage collection."""

import gc


def freeze() -> None:
    """Call it once all is loaded, before the first record.

    A full collection that looks at the hundreds of thousands of objects of libraries stands still for a fifth of a
    second. What is there now is looked at no more; what comes later is collected as ever.
    """
    gc.freeze()
