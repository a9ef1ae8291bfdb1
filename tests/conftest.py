"""What every test may ask for."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real rows and golden values beside the project; absent at our users."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real rows and golden values), which is absent here")
    return SHARED
