"""A report's records read again, by the offsets that it names. What they give: `drift.evidence`."""

import time
from collections.abc import Iterable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from drift.cells import cells_of
from drift.evidence import Reread, recomputed
from drift.reference import Reference
from drift.settings import DriftSettings
from loanctl.observe import UnreadTopicError, everything
from loanctl.sightings import Decoding
from schemas.codec import schema_ids
from schemas.events import DriftAcknowledgement, DriftReport, OffsetRange
from schemas.faults import SetupError
from schemas.registered import EventSerde, WriterSchemas
from scorecard import bundle
from scorecard.cache import BundleCache
from scorecard.registry import Registry
from streams.batches import records_of

MOST: Final = 2_000
PATIENCE_S: Final = 20.0


class UndeclaredSeasonError(SetupError):
    """What a report was compared with is not there any more."""

    def __init__(self, report: DriftReport, topic: str) -> None:
        super().__init__(
            f"report {report.window_id} was compared with {report.reference_id}: that is not the profile of version "
            f"{report.champion_version}, and no season on {topic} declares it"
        )


def again(report: DriftReport, settings: DriftSettings) -> DriftReport:
    """The report that the topics give now.

    Raises:
        OutageError: a neighbour is away, or the records are gone.
        SetupError: the champion's bundle is not there, or is another; or the season's declaration is gone.
    """
    reference = reference_of(report.champion_version, report.champion_digest, settings)
    compared_with = _compared_with(report, reference, settings)
    cells = cells_of(settings.contract(), settings.topics(), reference)
    writers = WriterSchemas(settings.registry())
    reread = {}
    for stretch in report.offsets:
        batch = records_of(stretch.topic, list(_messages(stretch, settings)))
        counting = cells[stretch.topic]
        seen = counting.observe(batch, writers.of(schema_ids(batch.values)))
        reread[stretch.topic, stretch.partition] = Reread(stretch, seen, counting.shape)
    return recomputed(report, reread, compared_with, settings.rules().reporting)


def encoded(report: DriftReport, settings: DriftSettings) -> bytes:
    """The report as it is published."""
    return EventSerde(settings.registry(), DriftReport, settings.topics().drift_reports.name).encode(report)


def reference_of(version: str, digest: str, settings: DriftSettings) -> Reference:
    """The profile of a version, its bundle checked.

    Raises:
        OutageError: MLflow is away.
        SetupError: no such version, or another bundle than was named.
    """
    registry = Registry(settings.mlflow_uri, settings.registered_model(), settings.cache())
    # What the cache has needs no MLflow, whose import alone takes seconds.
    place = BundleCache(settings.cache(), of=settings.mlflow_uri).find(digest) or registry.fetch(version)
    scorecard = bundle.read(place, settings.contract(), digest)
    return Reference.of(0, version, scorecard.digest, scorecard.profile, settings.contract())


def _compared_with(report: DriftReport, reference: Reference, settings: DriftSettings) -> Reference:
    """The profile, or the season that was declared of it.

    Raises:
        UndeclaredSeasonError: it is neither.
    """
    if report.reference_id == reference.reference_id:
        return reference
    topic = settings.topics().drift_acknowledgements
    words = Decoding(settings).events(DriftAcknowledgement, everything(settings, [topic])[topic.name])
    seasons = (reference.in_season(word.season) for word in words if word.season is not None)
    found = next((each for each in seasons if each.reference_id == report.reference_id), None)
    if found is None:
        raise UndeclaredSeasonError(report, topic.name)
    return found


def _messages(stretch: OffsetRange, settings: DriftSettings) -> Iterable[Any]:
    """The records of a stretch that are still there, in order."""
    consumer = Consumer(
        {
            **settings.kafka(),
            "group.id": "loanctl-drift",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.assign([TopicPartition(stretch.topic, stretch.partition, stretch.first)])
        heard = time.monotonic()
        while time.monotonic() - heard < PATIENCE_S:
            for message in consumer.consume(MOST, 0.1):
                heard, error, offset = time.monotonic(), message.error(), message.offset() or 0
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    return
                if error is None and offset <= stretch.last:
                    yield message
                if error is None and offset >= stretch.last:
                    return
    except KafkaException as cause:
        raise UnreadTopicError(cause.args[0].name()) from cause
    finally:
        consumer.close()
    raise UnreadTopicError(stretch.topic)
