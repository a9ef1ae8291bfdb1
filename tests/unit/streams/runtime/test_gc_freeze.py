"""What is held for good."""

import gc
from collections.abc import Iterator

import pytest

from streams.runtime import gc_freeze


@pytest.fixture
def thaw() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.freeze()  # as `tests/conftest.py` has it
    gc.set_threshold(*usual)


@pytest.mark.usefixtures("thaw")
def test_what_is_there_is_not_looked_at_again_and_what_comes_later_is() -> None:
    held = [[] for _ in range(1_000)]

    gc_freeze.freeze()
    later = [[] for _ in range(1_000)]

    looked_at = {id(each) for each in gc.get_objects()}
    assert not looked_at & {id(each) for each in held}
    assert {id(each) for each in later} <= looked_at
    assert gc.get_threshold()[0] == gc_freeze.YOUNG
