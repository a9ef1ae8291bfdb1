"""Numbered applications at a steady rate, poison and faulty ones among them; what the broker acknowledged of each."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from confluent_kafka import Producer

from schemas.registry_client import registered_id
from streams.runtime.settings import Connection
from tests.builders import APPLIED_AT, application_bytes

TICK_S: Final = 0.02
SPACING: Final = timedelta(seconds=3)
"""Of event time: a window of five minutes holds a hundred applications."""
UNCOUNTED: Final = -1
POISON_EVERY, FAULTY_EVERY, TWICE_EVERY = 31, 37, 41
MARKED_INCOME: Final = "73913"
"""In the income of each applicant: whoever finds it outside values of topics has found a leak."""
MARKED_INTENT: Final = "YACHTSMAN"
"""The loan's intent of those that cannot be scored."""


class Kind(StrEnum):
    """What a record is owed."""

    GOOD = "good"
    """One decision."""
    FAULTY = "faulty"
    """One decision and one dead letter."""
    POISON = "poison"
    """One dead letter."""


@dataclass(frozen=True, slots=True)
class SentRecord:
    number: int
    """In the order of play, from which its event time follows; `UNCOUNTED` for one that no window counts."""
    kind: Kind
    key: str
    partition: int
    offset: int
    at: float
    """When it was produced; seconds since 1970."""


@dataclass
class Load:
    """Plays applications to one product's topic. One thread sends; `sent` may be read by any."""

    connection: Connection
    rate: float
    chance: random.Random
    sent: list[SentRecord] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Errors of records that the broker did not take; there must be none."""

    def __post_init__(self) -> None:
        self.topic = self.connection.topics().applications.name
        self._schema_id = registered_id(
            self.connection.registry(), f"{self.topic}-value", self.connection.contract().schema
        )
        # Longer than any fault: what upstream gives up is upstream's loss.
        self._producer = Producer({**self.connection.producer(), "delivery.timeout.ms": 600_000})
        self._number = 0
        self._stop, self._going = threading.Event(), threading.Event()
        self._lock = threading.Lock()

    def play(self, kind: Kind | None = None, partition: int = -1) -> None:
        """The next application; of this kind, or of the kind that is its number's turn."""
        with self._lock:
            number, self._number = self._number, self._number + 1
            chosen = kind or kind_of(number)
            # An application that is sent again: the same id, another amount.
            name = f"a-{number - 1 if number % TWICE_EVERY == 1 else number}"
            value = self._value(number, name, chosen)
            self._producer.produce(
                self.topic,
                value,
                key=name.encode(),
                partition=partition,
                on_delivery=self._delivery_callback(number, chosen, name),
            )
            self._producer.poll(0)

    def burst(self, count: int) -> None:
        """So many at once."""
        for _ in range(count):
            self.play()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Applications at the rate, for the length of a block."""
        self._stop.clear()
        thread = threading.Thread(target=self._stream)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self.flush()

    def flush(self) -> None:
        """Wait until the broker has all that was played."""
        assert self._producer.flush(180) == 0

    def _stream(self) -> None:
        began, played = time.monotonic(), 0
        while not self._stop.wait(TICK_S):
            due = int((time.monotonic() - began) * self.rate)
            for _ in range(due - played):
                self.play()
            self._producer.poll(0)
            played = due

    def _value(self, number: int, name: str, kind: Kind) -> bytes | None:
        ratio = 0.3 if number % 3 == 0 else 0.1
        fields: dict[str, Any] = {
            "application_id": name,
            "applied_at": APPLIED_AT + number * SPACING,
            "person_income": Decimal(f"{MARKED_INCOME}.{number % 100:02}"),
            "loan_percent_income": ratio,
            "loan_amnt": Decimal(f"{73_913 * ratio:.2f}"),
            **({"loan_intent": MARKED_INTENT} if kind is Kind.FAULTY else {}),
        }
        good = application_bytes(self._schema_id, **fields)
        return poison(number, good) if kind is Kind.POISON else good

    def _delivery_callback(self, number: int, kind: Kind, key: str) -> Any:
        at = time.time()

        def note(fault: Any, message: Any) -> None:
            if fault is not None:
                self.failed.append(fault.name())
            else:
                self.sent.append(SentRecord(number, kind, key, message.partition(), message.offset(), at))

        return note


def kind_of(number: int) -> Kind:
    """By turns."""
    if number % POISON_EVERY == POISON_EVERY - 1:
        return Kind.POISON
    return Kind.FAULTY if number % FAULTY_EVERY == FAULTY_EVERY - 1 else Kind.GOOD


def poison(number: int, good: bytes) -> bytes | None:
    """What nobody can read, of eight kinds in turn."""
    kinds: list[bytes | None] = [
        None,
        b"",
        good[:-9],
        b"\x01" + good[1:],
        good[:5] + b"\xff" * 40,
        b"\x00" + (987_654).to_bytes(4, "big") + good[5:],
        b'{"person_income": 73913}',
        bytes(70_000),
    ]
    return kinds[number % len(kinds)]
