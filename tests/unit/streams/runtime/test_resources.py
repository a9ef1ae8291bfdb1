"""A process ends before a limit leaves it neither working nor ending."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.runtime import resources
from streams.runtime.hang_guard import GuardedThread, HungError, at_most, hung_calls
from streams.runtime.resources import ExhaustedError, require_room
from tests.system.wait import wait_for

LOW_LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from streams.runtime.resources import require_room
require_room()
held = [open("/dev/null") for _ in range(50)]
require_room()
"""


@pytest.fixture
def release_of_calls() -> Iterator[threading.Event]:
    """Calls that wait for this hang; all of them have returned before the next test counts."""
    before, released = hung_calls(), threading.Event()
    yield released
    released.set()
    wait_for(lambda: hung_calls() == before, 10, "the return of all calls")


def test_open_files_near_their_limit_end_the_process_with_the_figures() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOW_LIMIT], cwd=Path(__file__).parents[4], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "of 64 files are open: this process ends before none is left" in ended.stderr.splitlines()[-1]


def test_calls_that_hang_are_counted_until_they_return(release_of_calls: threading.Event) -> None:
    before = hung_calls()
    hand = GuardedThread("hand")

    with pytest.raises(HungError):
        hand.do(release_of_calls.wait, 0.01)
    assert not at_most(release_of_calls.wait, 0.01, "farewell")
    assert at_most(lambda: None, 10, "quick")

    assert hung_calls() == before + 2
    hand.close()


def test_too_many_of_them_end_the_process(release_of_calls: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MOST_LEFT_BEHIND", hung_calls() + 1)
    require_room()
    for _ in range(2):
        at_most(release_of_calls.wait, 0.01, "farewell")

    with pytest.raises(ExhaustedError, match="clients of an unreachable broker hang"):
        require_room()
