"""Which release of this code runs."""

from functools import lru_cache
from importlib import metadata
from typing import Final

DISTRIBUTION: Final = "loan-decisions"


@lru_cache(maxsize=1)
def code_version() -> str:
    return metadata.version(DISTRIBUTION)
