"""The thread `live`: follows this project's topics and the dead letters, and measures the latency of sampled decisions.

One `read_committed` consumer without a group. No error in it stops the gateway from answering.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import structlog
from confluent_kafka import Consumer

from gateway.live.activity import Activity
from gateway.live.latency_probe import LatencyProbe
from gateway.live.recent_events import EventList, RecentEvents
from schemas.codec.event_codec import avro_schema
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import schema_ids
from schemas.errors import OutageError, SetupError, StoppedError
from schemas.events.drift import DriftReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.registry_client import WriterSchemas
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.kafka.topics.topic_tail import TopicTail
from streams.runtime.settings import Connection

POLL_S: Final = 0.5
AGAIN_S: Final = 1.0
MOST: Final = 200
BACK: Final = 200
"""Offsets of this project's topics that are reread at the start."""
REASON: Final = "reason"

log = structlog.get_logger(__name__)


class EventFollower:
    """Reads from `start` to `close`."""

    def __init__(self, connection: Connection, activity: Activity, events: RecentEvents) -> None:
        """Connects nothing yet."""
        topics = connection.topics()
        self._activity = activity
        self._dead_letters = topics.dead_letters.name
        kinds: list[tuple[str, type, EventList]] = [
            (topics.drift_reports.name, DriftReport, events.reports),
            (topics.retrain_commands.name, RetrainCommand, events.commands),
            (topics.retrain_results.name, RetrainResult, events.results),
            (topics.champions.name, ChampionAnnouncement, events.champions),
        ]
        self._kinds: Mapping[str, tuple[WriterSchemas, EventDecoder, EventList]] = {
            name: (WriterSchemas(connection.registry(), name), EventDecoder(avro_schema(event)), kept)
            for name, event, kept in kinds
        }
        self._tail = TopicTail(connection, {**dict.fromkeys(self._kinds, BACK), self._dead_letters: 0})
        self._probe = LatencyProbe(connection, topics.applications.name, Consumer)
        self._passed_over = SkippedRecords()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Follow from now on; a broker that is away is waited for in the thread."""
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._patiently(self._tail.open)
            while not self._stopped.is_set():
                for message in self._tail.poll(MOST, POLL_S):
                    self._take(message)
                self._probe.look(self._activity)
        except StoppedError:
            pass
        except SetupError as fault:
            # The page shows less; decisions continue.
            log.warning("live_page.stopped", error=type(fault).__name__, why=str(fault))
        finally:
            self._tail.close()
            self._probe.close()

    def _take(self, message: Any) -> None:
        topic = message.topic()
        if topic == self._dead_letters:
            reason = dict(message.headers() or ()).get(REASON, b"")
            self._activity.set_aside((reason or b"").decode("ascii", "replace") or "unknown")
            return
        record = self._passed_over.read(partial(self._record, topic, message.value()), topic, message.offset())
        if record is not None:
            self._kinds[topic][2].add(record)

    def _record(self, topic: str, value: bytes | None) -> Mapping[str, Any]:
        writers, decoder, _ = self._kinds[topic]
        ids = schema_ids([value])
        return decoder.decode(value, self._patiently(partial(writers.of, ids)))

    def _patiently(self, act: Callable[[], Any]) -> Any:
        """Like `Lifecycle.retry`, without a report of the outage: the parts that need the dependency report it."""
        while not self._stopped.is_set():
            try:
                return act()
            except OutageError:
                self._stopped.wait(AGAIN_S)
        raise StoppedError
