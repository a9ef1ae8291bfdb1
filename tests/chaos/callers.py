"""Callers of a gateway: applications by HTTP at a steady rate, what was answered, and what became of each."""

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final

from tests.chaos.invariant import ObservedCall
from tests.chaos.lane import Lane
from tests.chaos.load import MARKED_INCOME, UNCOUNTED, Kind, SentRecord
from tests.chaos.topic_tail import TopicTail
from tests.system.gateways import GatewayUnderTest

CALLERS: Final = 4
PAUSE_S: Final = 0.2
"""Between two applications of one caller."""
PATIENCE_S: Final = 15.0
SIGNED: Final = "2030-01-01T00:00:00Z"
"""Long after it is sent, so that no window counts it: what a frozen gateway holds back comes late, and by its true time
some of it would be in a window and some in none."""


@dataclass
class Callers:
    """Some threads, each with one application at a time, under ids of their own."""

    gateway: GatewayUnderTest
    lane: Lane
    calls: list[ObservedCall] = field(default_factory=list)
    _times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Applications for the length of a block; every answer is there at its end."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._call, args=(stop,)) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def sources(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Where each application of a caller lies on its topic; they are owed decisions as all others from now on."""
        load = self.lane.load
        tail = TopicTail(self.lane.connection, load.topic, lambda record: record)
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for record in tail.read_on():
            key = (record.key or b"").decode()
            if key in self._times:
                load.sent.append(
                    SentRecord(UNCOUNTED, Kind.GOOD, key, record.partition, record.offset, self._times[key])
                )
                found[key].append((record.partition, record.offset))
        return found

    def _call(self, stop: threading.Event) -> None:
        while not stop.wait(PAUSE_S):
            name = f"g-{uuid.uuid4()}"
            self._times[name] = time.time()
            self.calls.append(self._predict(name))

    def _predict(self, name: str) -> ObservedCall:
        body = {"application_id": name, "applied_at": SIGNED, "person_income": float(MARKED_INCOME)}
        try:
            answer = self.gateway.predict(PATIENCE_S, **body)
        except (OSError, HTTPException):
            # The gateway died, or froze: nobody knows what it did.
            return ObservedCall(name, 0)
        return ObservedCall(
            name, answer.status, answer.json["decision_id"] if answer.status == ObservedCall.DECIDED else ""
        )
