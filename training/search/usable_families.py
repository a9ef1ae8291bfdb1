"""The families that this machine can fit. A shell around imports of their libraries."""

from functools import lru_cache
from importlib import import_module

import structlog

from training.families.family import Family
from training.families.family_registry import BY_NAME, USUAL

log = structlog.get_logger(__name__)


@lru_cache(maxsize=4)
def usable_families(names: tuple[str, ...] = USUAL) -> tuple[Family, ...]:
    """Those of the named families whose library can be loaded here, in order; the others are one warning each.

    LightGBM needs a system's OpenMP (`libgomp1` on Debian), which small images lack. Machines that differ in this
    come to different searches of the same rows; the run's trials show what was tried.
    """
    return tuple(family for family in (BY_NAME[name] for name in names) if _loads(family))


def _loads(family: Family) -> bool:
    try:
        import_module(family.models[0].partition(".")[0])
    except (ImportError, OSError) as fault:
        log.warning("family.unusable", family=family.name, library=family.library, error=type(fault).__name__)
        return False
    return True
