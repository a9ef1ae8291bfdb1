"""Dead letters and what the topics know of them: a shell around readers without a group.

What is read is what downstream systems see. Used from one thread; each call blocks until it has read to the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from loanctl.dead_letters.redrive_plan import Prospect, RedriveEvidence, RedrivenRecord, application_key
from schemas.applications import Fault, faults
from schemas.codec.application_decoder import ApplicationReader, DecodedBatch
from schemas.codec.wire_format import schema_ids
from schemas.contract.contract import Contract
from schemas.records import RecordBatch, RecordPosition
from schemas.redrive_marker import marker_place
from schemas.registry_client import WriterSchemas
from scorecard.decisions.dead_letter_parser import Letter, OriginalRecord, letter_of
from streams.kafka.topics.record_lookup import records_at
from streams.kafka.topics.topic_reader import (
    PartitionRange,
    Record,
    await_visible,
    batch_of,
    blocks,
    partition_ranges,
)
from streams.runtime.application_keys import application_keys
from streams.runtime.settings import Connection

CLOCKS: Final = timedelta(days=1)
"""Largest difference between the clocks of the topics' writers."""
BLOCK: Final = 1_000


class LetterTopics:
    """The dead-letter topic of a product, and the topics that show what happened to its records."""

    def __init__(self, connection: Connection) -> None:
        """Connects nothing yet."""
        self._connection = connection
        self._topics = connection.topics()
        self._contract = connection.contract()

    def letters(self) -> Iterator[Letter]:
        """Every dead letter, each partition in its order.

        Raises:
            OutageError: the broker does not answer.
        """
        topic = self._topics.dead_letters.name
        for block in blocks(self._connection, partition_ranges(self._connection, [topic])):
            batch = batch_of(topic, block)
            yield from (letter_of(batch, place, self._topics.applications.name) for place in range(len(batch)))

    def application_ranges(self) -> Sequence[PartitionRange]:
        """What the applications topic still holds."""
        return partition_ranges(self._connection, [self._topics.applications.name])

    def evidence(self, letters: Sequence[Letter]) -> RedriveEvidence:
        """What the topics say of these letters.

        Raises:
            OutageError: broker or registry is away, or a transaction stays open.
        """
        if not letters:
            return RedriveEvidence({}, {})
        await_visible(self._connection, [self._topics.applications.name])
        begin = min(letter.timestamp for letter in letters)
        originals = self._originals(letters)
        prospects = self._prospects(originals)
        names = {application_key(originals[place], prospect) for place, prospect in prospects.items()} - {None}
        return RedriveEvidence(
            originals=originals,
            prospects=prospects,
            markers=dict(self._markers(begin)),
            decided_ids=frozenset(
                record.key for record in self._decisions(begin) if record.key in names and record.key
            ),
        )

    def application_ids(self, letters: Sequence[Letter]) -> Mapping[RecordPosition, str | None]:
        """Ids of their applications, by what the letters carry; None where none can be read."""
        found = self._prospects({letter.place: letter.carried for letter in letters})
        return {place: prospect.application_id for place, prospect in found.items()}

    def _originals(self, letters: Sequence[Letter]) -> Mapping[RecordPosition, OriginalRecord]:
        whole = {letter.place: letter.carried for letter in letters if not letter.left}
        sources = {letter.source for letter in letters if letter.left and letter.source}
        found = {
            (record.partition, record.offset): record
            for record in records_at(self._connection, self._topics.applications.name, sources)
        }
        fetched = {
            letter.place: original
            for letter in letters
            if letter.left and letter.source in found
            for record in [found[letter.source]]
            for original in [OriginalRecord(record.key, record.value, record.header_pairs)]
            if letter.is_of(original, record.timestamp)
        }
        return {**whole, **fetched}

    def _prospects(self, originals: Mapping[RecordPosition, OriginalRecord]) -> Mapping[RecordPosition, Prospect]:
        reader = ApplicationReader(self._contract, self._connection.record_limits(), application_keys(self._connection))
        writers = WriterSchemas(self._connection.registry(), self._topics.applications.name)
        places, found = list(originals), dict[RecordPosition, Prospect]()
        for start in range(0, len(places), BLOCK):
            some = places[start : start + BLOCK]
            batch = original_batch(self._topics.applications.name, [originals[place] for place in some])
            decoded = reader.read_batch(batch, writers.of(schema_ids(batch.values)))
            found.update(zip(some, prospects(decoded, self._contract, len(some)), strict=True))
        return found

    def _markers(self, begin: int) -> Iterator[tuple[RecordPosition, RedrivenRecord]]:
        # A record is redriven after it was set aside.
        since = begin - round(CLOCKS.total_seconds() * 1000)
        for record in self._records(self._topics.applications.name, since):
            place = marker_place(record.header_pairs, self._topics.dead_letters.name)
            if place is not None:
                yield place, RedrivenRecord((record.partition, record.offset), record.key)

    def _decisions(self, begin: int) -> Iterator[Record]:
        # The same application may have been sent, and decided, before: as long ago as applications are kept.
        kept = self._topics.applications.kept or timedelta(0)
        yield from self._records(self._topics.decisions.name, begin - round(kept.total_seconds() * 1000))

    def _records(self, topic: str, since: int) -> Iterator[Record]:
        for block in blocks(self._connection, partition_ranges(self._connection, [topic], max(since, 0))):
            yield from block


def original_batch(topic: str, originals: Sequence[OriginalRecord]) -> RecordBatch:
    """Records as a worker would read them; where they will lie is not known yet."""
    nowhere = [0] * len(originals)
    return RecordBatch(
        topic=topic,
        keys=[each.key for each in originals],
        values=[each.value for each in originals],
        partitions=nowhere,
        offsets=nowhere,
        timestamps=nowhere,
        headers=[each.headers for each in originals],
    )


def prospects(decoded: DecodedBatch, contract: Contract, count: int) -> list[Prospect]:
    """What a worker would make of each record of a decoded batch, in order."""
    found = [Prospect(None)] * count
    for item in decoded.unreadable:
        found[item.place] = Prospect(None, item.error.reason)
    codes = faults(contract, decoded.applications.values).codes
    for place, name, code in zip(decoded.places.tolist(), decoded.applications.ids, codes.tolist(), strict=True):
        found[place] = Prospect(name, "" if code == Fault.NONE else Fault(code).reason)
    return found
