"""Kernels compile whether or not machine code can be kept."""

import pytest
from numba.core import caching

from schemas.jit import kernel


def twice(number: int) -> int:
    return 2 * number


def test_without_a_place_for_the_cache_a_kernel_compiles_for_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])

    assert kernel(twice)(21) == 42
