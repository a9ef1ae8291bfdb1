"""What every test of `loanctl` has."""

import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """A command adopts the addresses of a local stack into the environment; the tests behind it must not see them."""
    with patch.dict(os.environ):
        yield
