import pytest

from schemas.errors import OutageError
from streams.runtime.lifecycle import STUCK_S, Lifecycle


@pytest.mark.parametrize(("busy_s", "live"), [(0.0, True), (STUCK_S - 1, True), (STUCK_S, False)])
def test_a_process_is_live_as_long_as_no_act_takes_minutes(busy_s: float, live: bool) -> None:
    assert Lifecycle().is_live(busy_s) is live


def test_a_process_that_waits_for_a_dependency_is_live_however_long_that_takes() -> None:
    lifecycle = Lifecycle()
    lifecycle.report_outage("broker", OutageError())

    assert lifecycle.is_live(10 * STUCK_S)
