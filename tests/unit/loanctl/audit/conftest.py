"""Topics and scorecards in memory."""

import pytest

from tests.unit.loanctl.audit.topics import Shelf, Topics, lay


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> Topics:
    made = Topics()
    lay(monkeypatch, made, shelf)
    return made
