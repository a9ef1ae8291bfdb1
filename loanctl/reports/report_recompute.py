"""A report's records read again, by the offsets that it names. What they give: `drift.detection.recompute`."""

from collections.abc import Iterator

from drift.agent import performance_check
from drift.binning.binner import ApplicationRules, cells_of
from drift.binning.reference import Reference
from drift.detection import usual_week
from drift.detection.recompute import Reread, recomputed_report
from drift.settings import DriftSettings
from drift.windows.window import Window
from loanctl.reports.event_log import RecordDecoder
from schemas.codec.wire_format import schema_ids
from schemas.errors import SetupError
from schemas.events.drift import DriftAcknowledgement, DriftReport, OffsetRange
from schemas.events.performance import PerformanceReport
from schemas.registry_client import EventSerde, WriterSchemas
from schemas.timestamps import millis_of
from scorecard import bundle
from scorecard.scorecard import Scorecard
from streams.kafka.topics.topic_reader import PartitionRange, Record, batch_of, blocks
from streams.kafka.topics.topic_scan import read_topic
from streams.runtime.application_keys import application_keys


class UndeclaredSeasonError(SetupError):
    """What a report was compared with is not there any more."""

    def __init__(self, report: DriftReport, topic: str) -> None:
        super().__init__(
            f"report {report.window_id} was compared with {report.reference_id}: that is not the profile of version "
            f"{report.champion_version}, and no season on {topic} declares it"
        )


def again(report: DriftReport | PerformanceReport, settings: DriftSettings) -> DriftReport | PerformanceReport:
    """The report that the topics give now.

    Raises:
        OutageError: a dependency is away, or the records are gone.
        SetupError: the champion's bundle is not there, or is another; or the season's declaration is gone.
    """
    if isinstance(report, PerformanceReport):
        return performance_check.again(settings, report)
    return _window_again(report, settings)


def read(report: DriftReport | PerformanceReport) -> str:
    if isinstance(report, PerformanceReport):
        return ", ".join(f"{each.topic}-{each.partition} {each.first}-{each.end - 1}" for each in report.offsets)
    return ", ".join(f"{each.topic}-{each.partition} {each.first}-{each.last}" for each in report.offsets)


def _window_again(report: DriftReport, settings: DriftSettings) -> DriftReport:
    reference = reference_of(report.champion_version, report.champion_digest, settings)
    compared_with = _reference_of(report, reference, settings)
    rules = ApplicationRules(
        limits=settings.record_limits(), keys=application_keys(settings), producers=report.rules.producers
    )
    cells = cells_of(settings.contract(), settings.topics(), reference, rules)
    reread = {}
    for stretch in report.offsets:
        batch = batch_of(stretch.topic, _records(stretch, settings))
        counting = cells[stretch.topic]
        writers = WriterSchemas(settings.registry(), stretch.topic).of(schema_ids(batch.values))
        seen = counting.observe(batch, writers)
        reread[stretch.topic, stretch.partition] = Reread(stretch, seen, counting.shape)
    return recomputed_report(report, reread, compared_with, settings.rules().reporting)


def encode_report(report: DriftReport | PerformanceReport, settings: DriftSettings) -> bytes:
    topics = settings.topics()
    topic = topics.performance_reports if isinstance(report, PerformanceReport) else topics.drift_reports
    return EventSerde(settings.registry(), type(report), topic.name).encode(report)


def reference_of(version: str, digest: str, settings: DriftSettings) -> Reference:
    """The profile of a version, its bundle checked.

    Raises:
        OutageError: MLflow is away.
        SetupError: no such version, or another bundle than was named.
    """
    scorecard = scorecard_of(version, digest, settings)
    return Reference.of_scorecard(0, version, scorecard, settings.contract())


def scorecard_of(version: str, digest: str, settings: DriftSettings) -> Scorecard:
    """The scorecard of a version, its bundle checked.

    Raises:
        OutageError: MLflow is away.
        SetupError: no such version, or another bundle than was named.
    """
    registry = settings.model_registry()
    # What the cache has needs no MLflow, whose import alone takes seconds.
    place = settings.bundle_cache().find(digest) or registry.fetch(version)
    return bundle.read(place, settings.contract(), digest)


def _reference_of(report: DriftReport, reference: Reference, settings: DriftSettings) -> Reference:
    """The profile, or the season that was declared of it.

    Raises:
        UndeclaredSeasonError: it is neither.
    """
    if report.reference_id == reference.reference_id:
        return reference
    topic = settings.topics().drift_acknowledgements
    words = RecordDecoder(settings).events(DriftAcknowledgement, read_topic(settings, topic.name).by_time())
    window = Window(start=millis_of(report.window_start), end=millis_of(report.window_end), tallies={}, stretches={})
    declared = (each for word in words for each in _references(word, window, reference, report.rules.minimum_n))
    found = next((each for each in declared if each.reference_id == report.reference_id), None)
    if found is None:
        raise UndeclaredSeasonError(report, topic.name)
    return found


def _references(
    word: DriftAcknowledgement, window: Window, reference: Reference, minimum_n: int
) -> Iterator[Reference]:
    """What an acknowledgement declares a window to be compared with."""
    if word.season is not None:
        yield reference.in_season(word.season)
    yield usual_week.reference_for(window, reference, word.usual_week, minimum_n)


def _records(stretch: OffsetRange, settings: DriftSettings) -> list[Record]:
    """Those of a stretch that are still there, in order."""
    extent = PartitionRange(stretch.topic, stretch.partition, stretch.first, stretch.last + 1)
    return [record for block in blocks(settings, [extent]) for record in block]
