"""Lag while no broker answers."""

from streams.kafka.group.lag_monitor import UNKNOWN_AFTER_S, Backlog, LagMonitor
from streams.runtime.settings import Connection


class LagMonitorDouble(LagMonitor):
    """A monitor whose looks a test makes."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(Connection(_env_file=None), "applications", "readers", clock=lambda: self.now)

    def saw(self, waiting: Backlog) -> None:
        self._seen, self._seen_at = waiting, self.now


def test_nothing_is_told_before_the_first_look() -> None:
    assert (LagMonitorDouble().records(), LagMonitorDouble().seconds()) == (0.0, 0.0)


def test_the_oldest_record_that_waits_ages() -> None:
    monitor = LagMonitorDouble()
    monitor.saw(Backlog(3, since=990.0))

    monitor.now += 5

    assert (monitor.records(), monitor.seconds()) == (3.0, 15.0)


def test_a_broker_that_answers_no_more_counts_as_a_lag_of_its_silence() -> None:
    monitor = LagMonitorDouble()
    monitor.saw(Backlog())

    monitor.now += UNKNOWN_AFTER_S
    assert monitor.seconds() == 0.0
    monitor.now += 60
    assert monitor.seconds() == UNKNOWN_AFTER_S + 60
