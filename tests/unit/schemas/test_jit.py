"""Kernels compile whether or not machine code can be kept."""

import pickle
from pathlib import Path

import numba
import pytest
from numba.core import caching

from schemas.jit import kernel


def twice(number: int) -> int:
    return 2 * number


def test_without_a_place_for_the_cache_a_kernel_compiles_for_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])

    assert kernel(twice)(21) == 42


@pytest.mark.parametrize(
    "entries", [b"cno_such_module\nNoSuchClass\n.", b"cschemas.jit\nNoSuchClass\n.", b"damaged", b""]
)
def test_a_cache_that_names_a_class_of_another_version_is_no_cache(entries: bytes):
    first = kernel(twice)
    assert first(1) == 2
    index = Path(first._cache._cache_file._index_path)  # type: ignore[attr-defined]  # numba's own
    index.write_bytes(pickle.dumps(numba.__version__) + entries)

    assert kernel(twice)(21) == 42
    assert kernel(twice)(21) == 42
