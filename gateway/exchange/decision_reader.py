"""One reader of all decisions for a whole gateway: `read_committed`, without a group, from the end.

A thread reads `streams.kafka.topics.topic_tail.TopicTail`. A record whose key no request waits for is dropped without
decoding, except for the few that the live page samples: reading costs the gateway little, and the broker one fetch a
decision.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import schema_ids
from schemas.errors import StoppedError
from schemas.events.decisions import LoanDecision
from schemas.registry_client import WriterSchemas
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_tail import TopicTail
from streams.runtime.lifecycle import Lifecycle
from streams.runtime.settings import Connection

POLL_S: Final = 0.5
MOST: Final = 1_000

Decisions = Sequence[Mapping[str, Any]]


class Observer:
    """Hears of every decision that is read; this one takes no notice."""

    def read(self, _count: int) -> int:
        """So many decisions were read; how many of them are to be decoded for `add_sample`."""
        return 0

    def add_sample(self, _decision: Mapping[str, Any], _produced_ms: int) -> None:
        """One of those, and when it was produced: milliseconds since 1970."""


class DecisionReader:
    """Reads from `open` to `close` in a thread `decisions`.

    `positioned` is true from the moment on at which no later decision can be missed.
    """

    def __init__(  # noqa: PLR0913 - the last four are hooks, given by name
        self,
        connection: Connection,
        lifecycle: Lifecycle,
        *,
        wants: Callable[[bytes | None], bool],
        decided: Callable[[Decisions], None],
        failed: Callable[[Exception], object],
        observer: Observer | None = None,
    ) -> None:
        """Connects nothing before `open`.

        Args:
            lifecycle: waits for the registry where a schema is new.
            wants: True for the key of a decision that is waited for.
            decided: takes decisions of wanted keys, in the reading thread, on their way to
                `PendingDecisions.add_decisions`.
            failed: called in the reading thread with the fault that ends it: nobody hears of a decision any more.
            observer: called in the reading thread.
        """
        self._lifecycle = lifecycle
        self._wants, self._decided, self._failed = wants, decided, failed
        self._observer = observer or Observer()
        self._topic = connection.topics().decisions.name
        self._tail = TopicTail(connection, {self._topic: 0})
        self._writers = WriterSchemas(connection.registry(), self._topic)
        self._decoder = EventDecoder(avro_schema(LoanDecision))
        self._passed_over = SkippedRecords()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
        self.positioned = False

    def open(self, writer_ids: frozenset[int]) -> None:
        """Take position at the end of every partition, and read from now on.

        Args:
            writer_ids: schema ids that decisions are known to be written with: asked for now, so that the registry may
                be away later.

        Raises:
            OutageError: broker or registry do not answer.
            SetupError: a topic is not there, or not ours to read.
        """
        self._writers.of(writer_ids)
        self._tail.open()
        self.positioned = True
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._tail.close()

    @property
    def reading(self) -> bool:
        return self.positioned and self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._take(self._tail.poll(MOST, POLL_S))
            except StoppedError:
                return
            except Exception as fault:  # noqa: BLE001 - handed to the process, which ends
                self._failed(fault)
                return

    def _take(self, messages: Sequence[Any]) -> None:
        if not messages:
            return
        wanted = {nth: self._read(message) for nth, message in enumerate(messages) if self._wants(message.key())}
        if wanted:
            self._decided([record for record in wanted.values() if record is not None])
        for nth in range(len(messages) - self._observer.read(len(messages)), len(messages)):
            record = wanted[nth] if nth in wanted else self._read(messages[nth])
            if record is not None:
                self._observer.add_sample(record, messages[nth].timestamp()[1])

    def _read(self, message: Any) -> Mapping[str, Any] | None:
        return self._passed_over.read(partial(self._record, message.value()), self._topic, message.offset())

    def _record(self, value: bytes | None) -> Mapping[str, Any]:
        ids = schema_ids([value])
        # A schema that a newer worker writes is asked for once; the registry may be away meanwhile.
        writers = self._lifecycle.retry("registry", lambda: self._writers.of(ids), lambda: not self._stopped.is_set())
        return self._decoder.decode(value, writers)
