"""Outages are told once, waited out, and never in the way of a stop."""

import threading
from collections.abc import Callable

import pytest

from schemas.errors import OutageError, StoppedError
from streams.runtime.lifecycle import LONGEST_WAIT_S, Backoff, Lifecycle


class AwayError(OutageError):
    """Not there."""


def call_that_fails(times: int) -> Callable[[], str]:
    left = [times]

    def act() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise AwayError
        return "answer"

    return act


def test_an_outage_is_waited_out_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[str] = []
    lifecycle = Lifecycle(began.append)
    monkeypatch.setattr(lifecycle.stopping, "wait", lambda _seconds: False)

    answer = lifecycle.retry("registry", call_that_fails(3))

    assert answer == "answer"
    assert began == ["registry"]
    assert lifecycle.away == {}


def test_while_a_neighbour_is_away_the_situation_says_so() -> None:
    lifecycle = Lifecycle()

    lifecycle.report_outage("mlflow", AwayError("refused"))

    assert lifecycle.away == {"mlflow": "AwayError: refused"}


def test_who_is_told_to_stop_does_not_wait() -> None:
    lifecycle = Lifecycle()
    threading.Timer(0.05, lifecycle.stopping.set).start()

    with pytest.raises(StoppedError):
        lifecycle.retry("registry", call_that_fails(1_000))


def test_what_is_not_worthwhile_any_more_is_given_up() -> None:
    with pytest.raises(StoppedError):
        Lifecycle().retry("registry", call_that_fails(1_000), lambda: False)


def test_waits_double_up_to_a_bound_and_begin_again() -> None:
    waits = Backoff()

    first = [waits.next() for _ in range(8)]
    waits.reset()

    assert first[:3] == [0.2, 0.4, 0.8]
    assert first[-1] == LONGEST_WAIT_S
    assert waits.next() == 0.2
