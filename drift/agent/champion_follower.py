"""The champion's reference: the champion announced last, and the profile of its bundle.

A shell: reads the champions topic without a group, so that every agent reads every announcement, and
fetches bundles from the registry's cache by digest. As long as no champion was ever announced, the
registry's alias is used.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from confluent_kafka import OFFSET_BEGINNING

from drift.binning.reference import Reference
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.events.drift import DriftCounts
from schemas.events.retraining import ChampionAnnouncement
from schemas.registry_client import EventSerde
from schemas.timestamps import millis_of
from scorecard import bundle
from scorecard.registry.bundle_cache import BundleCache
from scorecard.registry.model_registry import ModelRegistry
from streams.kafka.topics.messages import Follower, ends
from streams.kafka.topics.skipped_records import SkippedRecords
from streams.runtime.settings import Connection

UNANNOUNCED: Final = -1
"""Generation of a champion that the registry names and no announcement does."""
MOST: Final = 500
AGAIN_S: Final = 10.0
"""How often the champions topic is reread."""
REMEMBERED: Final = 4
"""References kept: the one watched, and those whose counts are still on the way."""
CHAMPIONS: Final = "champions"

log = structlog.get_logger(__name__)


class Announcements:
    """The champions topic, read from its beginning without a group, again and again.

    It is compacted and small. A topic that is deleted and recreated, or restored from a mirror, has other
    offsets, and a reader that waits after them would wait for ever.
    """

    def __init__(self, connection: Connection, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to read."""
        self._topic, self._clock = topic, clock
        self._follower = Follower(connection)
        self._arrived: list[tuple[int, bytes | None]] = []
        self.ended = False
        """Everything on the topic has been read: a champion that is not announced by now never was."""
        self._begin()

    def read(self) -> Iterator[tuple[int, bytes | None]]:
        """Offset and value of the records that have arrived, once the topic is read to its end: the last one counts.

        Raises:
            ReadingError: this reader is of no use any more.
            SetupError: the topic is not there, or not ours to read.
        """
        for message in self._follower.poll(MOST):
            if ends(message):
                self.ended = True
                arrived, self._arrived = self._arrived, []
                yield from arrived
            else:
                self._arrived.append((message.offset() or 0, message.value()))
        if self._clock() - self._began_at >= AGAIN_S:
            self._begin()

    def _begin(self) -> None:
        self._began_at, self._arrived = self._clock(), []
        self._follower.follow({(self._topic, 0): OFFSET_BEGINNING})

    def close(self) -> None:
        self._follower.close()


class Champions:
    def __init__(
        self,
        registry: ModelRegistry,
        cache: BundleCache,
        contract: Contract,
        serde: EventSerde[ChampionAnnouncement],
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Without a champion.

        Args:
            refused: called for a champion whose profile cannot be used.
        """
        self._registry = registry
        self._cache = cache
        self._contract = contract
        self._serde = serde
        self._refused = refused
        self.passed_over = SkippedRecords()
        """Hears of announcements that cannot be read."""
        self._announced: tuple[int, ChampionAnnouncement] | None = None
        self._all_heard = False
        self._generations: dict[tuple[str, int], int] = {}
        """Of each announcement, by digest and time."""
        self._kept: OrderedDict[str, Reference] = OrderedDict()
        """By digest."""
        self._unusable: set[tuple[int, str]] = set()
        self.reference: Reference | None = None
        """Of the champion to watch; None while there is none, or none that can be used."""

    @property
    def settled(self) -> bool:
        """True if no champion must be fetched: the announced one is monitored, cannot be, or may still come."""
        if self._announced is None:
            return self.reference is not None or not self._all_heard
        generation, announced = self._announced
        return self._is_watched(announced.version, announced.digest) or (generation, announced.digest) in self._unusable

    def hear(self, announcements: Announcements) -> bool:
        """Take the announcements, of which the product's last one counts; True if there was a new one."""
        heard = False
        for offset, value in announcements.read():
            announced = self.passed_over.read(partial(self._serde.decode, value), CHAMPIONS, offset)
            if announced is not None and announced.product == self._contract.product:
                before = self._announced
                self._announced = (self._generation_of(announced), announced)
                heard = heard or before != self._announced
        self._all_heard = announcements.ended
        return heard

    def follow(self) -> bool:
        """Watch the champion that was announced last; whether it is another one now.

        Raises:
            OutageError: MLflow does not answer; the monitored champion stays.
        """
        named = self._candidate()
        if named is None:
            return False
        generation, version, digest = named
        if self._is_watched(version, digest) or (generation, digest) in self._unusable:
            return False
        try:
            self.reference = self._reference(generation, version, digest)
        except SetupError as fault:
            self._unusable.add((generation, digest))
            self._refused()
            log.error("champion.unusable", version=version, why=str(fault))  # noqa: TRY400 - a line, no traceback
            return False
        return True

    def of(self, counts: DriftCounts) -> Reference:
        """The reference that a message of partial counts was made with.

        Raises:
            OutageError: MLflow does not answer.
            SetupError: its bundle is damaged, or of another contract.
        """
        return self._reference(counts.generation, counts.champion_version, counts.champion_digest)

    def _candidate(self) -> tuple[int, str, str] | None:
        if self._announced is not None:
            generation, announced = self._announced
            return generation, announced.version, announced.digest
        if self.reference is not None or not self._all_heard:
            return None
        found = self._registry.champion()
        return None if found is None else (UNANNOUNCED, found.version, found.digest)

    def _generation_of(self, announced: ChampionAnnouncement) -> int:
        """Time of its announcement, which survives a topic, unlike an offset; the last plus one if clocks go back."""
        key = (announced.digest, millis_of(announced.announced_at))
        if key not in self._generations:
            self._generations[key] = max(key[1], max(self._generations.values(), default=UNANNOUNCED) + 1)
        return self._generations[key]

    def _is_watched(self, version: str, digest: str) -> bool:
        watched = self.reference
        return watched is not None and (watched.champion_version, watched.champion_digest) == (version, digest)

    def _reference(self, generation: int, version: str, digest: str) -> Reference:
        known = self._kept.get(digest)
        if known is not None:
            return replace(known, generation=generation, champion_version=version)
        # What the cache has needs no MLflow, whose import alone takes seconds.
        place = self._cache.find(digest) or self._registry.fetch(version)
        scorecard = bundle.read(place, self._contract, digest)
        found = Reference.of_scorecard(generation, version, scorecard, self._contract)
        self._kept[digest] = found
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return found
