"""What a report is compared with when it is had again."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from drift.binning.reference import Reference
from drift.settings import DriftSettings
from loanctl.reports import report_recompute
from loanctl.reports.report_recompute import UndeclaredSeasonError
from schemas.events.drift import DriftAcknowledgement, DriftReport, Season
from streams.kafka.topics.topic_scan import WholeTopic
from tests.builders import some_values
from tests.drift_events import a_report
from tests.unit.drift.detection.test_seasons import a_season
from tests.unit.drift.stream import NOW, a_reference

PROFILE = a_reference()
SEASON = a_season(some_values(200, seed=9), PROFILE)


@pytest.fixture
def compared_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reference]:
    """What a report of no records is compared with, where these seasons are declared."""

    def run(report: DriftReport, *seasons: Season) -> Reference:
        words = [
            DriftAcknowledgement(
                acknowledgement_id="a", product="p", why="", hold_until=None, season=each, acknowledged_at=NOW
            )
            for each in seasons
        ]

        class DecoderDouble:
            def __init__(self, _settings: DriftSettings) -> None:
                pass

            def events(self, _event: type, _records: Sequence[object]) -> list[DriftAcknowledgement]:
                return words

        found: list[Reference] = []

        def recompute(report: DriftReport, _reread: object, reference: Reference, _reporting: object) -> DriftReport:
            found.append(reference)
            return report

        monkeypatch.setattr(report_recompute, "RecordDecoder", DecoderDouble)
        monkeypatch.setattr(report_recompute, "read_topic", lambda *_: WholeTopic((), ()))
        monkeypatch.setattr(report_recompute, "recomputed_report", recompute)
        monkeypatch.setattr(report_recompute, "reference_of", lambda *_: PROFILE)
        report_recompute.again(replace(report, offsets=()), DriftSettings(_env_file=None))
        return found[0]

    return run


def test_a_report_is_had_again_with_the_profile_or_the_season_that_it_names(
    compared_with: Callable[..., Reference],
) -> None:
    of_season = PROFILE.in_season(SEASON).reference_id

    assert compared_with(replace(a_report(), reference_id=PROFILE.reference_id), SEASON) is PROFILE
    assert compared_with(replace(a_report(), reference_id=of_season), SEASON).reference_id == of_season


def test_a_report_whose_season_is_declared_no_more_is_not_compared_with_the_profile(
    compared_with: Callable[..., Reference],
) -> None:
    of_season = PROFILE.in_season(SEASON).reference_id

    with pytest.raises(UndeclaredSeasonError, match=r"no season on .* declares it"):
        compared_with(replace(a_report(), reference_id=of_season))
