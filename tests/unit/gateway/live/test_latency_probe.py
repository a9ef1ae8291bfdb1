"""Times of sampled decisions, taken from the records of their applications."""

from typing import Any

from confluent_kafka import TopicPartition

from gateway.live.activity import Activity
from gateway.live.latency_probe import EVERY_S, LatencyProbe
from streams.runtime.settings import Connection
from tests.doubles.kafka import Message, failure
from tests.unit.gateway.live_events import a_decision

TOPIC = "loan.applications.v1"


class Applications:
    """A consumer of applications, each produced at a hundred times its offset."""

    def __init__(self) -> None:
        self.assigned: list[tuple[int, int]] = []
        self.fault: Exception | None = None
        self._waiting: list[Message] = []

    def assign(self, places: list[TopicPartition]) -> None:
        if self.fault is not None:
            raise self.fault
        self.assigned += [(each.partition, each.offset) for each in places]
        self._waiting = [
            Message((TOPIC, each.partition, each.offset), None, None, produced_ms=100 * each.offset) for each in places
        ]

    def consume(self, most: int, _timeout_s: float) -> list[Message]:
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        return taken

    def unassign(self) -> None:
        self._waiting = []

    def close(self) -> None:
        self.assigned.clear()


def a_probe(consumer: Applications) -> tuple[LatencyProbe, list[float], Activity]:
    now = [100.0]

    def clock() -> float:
        now[0] += 0.001
        return now[0]

    def make(_properties: dict[str, Any]) -> Applications:
        return consumer

    return LatencyProbe(Connection(), TOPIC, make, clock), now, Activity(clock)


def test_the_time_from_an_application_to_its_decision_is_taken_of_one_a_partition() -> None:
    probe, _, activity = a_probe(consumer := Applications())
    activity.add_sample(a_decision(partition=0, offset=1), 112)
    activity.add_sample(a_decision(partition=0, offset=2), 230)
    activity.add_sample(a_decision(partition=1, offset=3), 320)

    probe.look(activity)

    assert consumer.assigned == [(0, 2), (1, 3)]
    assert activity.figures().latency_ms == (30.0, 30.0)
    assert activity.figures().latencies == 2


def test_it_looks_no_oftener_than_every_so_often() -> None:
    probe, now, activity = a_probe(consumer := Applications())
    activity.add_sample(a_decision(offset=1), 100)
    probe.look(activity)
    activity.add_sample(a_decision(offset=2), 200)
    probe.look(activity)
    early = list(consumer.assigned)
    now[0] += EVERY_S
    probe.look(activity)

    assert early == [(0, 1)]
    assert consumer.assigned == [(0, 1), (0, 2)]


def test_a_broker_that_is_away_costs_a_look_and_nothing_else() -> None:
    probe, now, activity = a_probe(consumer := Applications())
    consumer.fault = failure(-195)
    activity.add_sample(a_decision(offset=1), 100)
    probe.look(activity)
    consumer.fault, now[0] = None, now[0] + EVERY_S
    activity.add_sample(a_decision(offset=2), 205)
    probe.look(activity)

    assert activity.figures().latencies == 1
