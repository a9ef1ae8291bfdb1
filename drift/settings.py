"""Settings of the drift agent: read once, frozen, refused all at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Self
from zoneinfo import available_timezones

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from drift.binning import producer_clocks, week_hours
from drift.binning.week_hours import UTC_NAME
from drift.detection import field_limit_overrides
from drift.detection.drift_report import ReportContext
from drift.detection.verdict import METHOD
from drift.monitor import MonitorRules
from drift.windows.pane_placement import PaneRules
from drift.windows.window_assembler import WindowRules
from drift.windows.window_grid import PANE_OF_A_CALENDAR_MS, Calendar
from schemas.errors import SetupError
from schemas.events.drift import DriftRules, FieldLimits
from schemas.events.performance import PERFORMANCE_METHOD, PerformanceRules
from streams.runtime.bin_settings import BinSettings
from streams.runtime.cutoff_settings import CutoffSettings
from streams.runtime.health_server import LOOPBACK

PANES_A_WINDOW: Final = 60
"""Of a window by time: at the granularity of a pane records are late, and a silent stream's time is known."""
FINEST_PANE_S: Final = 1.0
MS: Final = 1_000
PANES_ALIGNED: Final = 3_600
DAY_MS: Final = 86_400_000


class UnknownFieldError(SetupError):
    """A setting names a field that the product's contract has not."""


class DriftSettings(BinSettings, CutoffSettings):
    """What an operator may set of a drift agent. Times are event time unless stated otherwise."""

    window_s: PositiveFloat = 3_600.0
    window_count: NonNegativeInt = 0
    """Applications a window; 0 for windows by time."""
    window_calendar: Calendar = Calendar.NONE
    """Windows by time are days, weeks or months of `window_time_zone` instead of `window_s`."""
    window_time_zone: str = UTC_NAME
    minimum_n: PositiveInt = 500
    """No verdict with fewer applications, or loan outcomes: with 100, nearly every healthy window has a PSI over .1."""
    alpha: float = Field(default=0.01, gt=0.0, lt=1.0)
    """Chance, over all features of one undrifted window, that one exceeds its critical PSI."""
    psi_watch: PositiveFloat = 0.1
    """A PSI of at least this, over its critical value, is WATCH."""
    psi_drifted: PositiveFloat = 0.2
    """And of at least this, DRIFTED."""
    psi_development: NonNegativeFloat = 0.2
    """A scored field whose PSI against the development sample is at least this makes a window WATCH; 0 for never."""
    psi_field_limits: str = ""
    """Of single fields, or of the score (`probability`), WATCH and DRIFTED: `person_income=.15:.3, age=.2:.4`."""
    drifted_needed: PositiveInt = 2
    """So many DRIFTED windows ask for a challenger,"""
    drifted_of: PositiveInt = 3
    """of the last so many with a verdict."""
    stray_share: float = Field(default=0.01, ge=0.0, le=1.0)
    """A larger share of late, ahead or unreadable records raises an alarm in the window's report."""
    window_rows: NonNegativeInt = 0
    """Applications expected of a window, or of a part of a file by the calendar; 0 for as many as the usual week, or
    the file compared with, has in the same hours of the week."""
    rows_factor: float = Field(default=2.0, ge=0.0)
    """A window with so many times more applications than expected, or fewer, and not by chance, has an alarm in its
    report; 0 for never."""
    cooldown_s: NonNegativeFloat = 6 * 3_600.0
    """Time from the window that last commanded to the next that may."""
    in_flight_s: NonNegativeFloat = 86_400.0
    """Event time after which a command without the trainer's answer withholds no other; 0 for never."""
    quiet_hours: str = ""
    """Hours of the week, in `window_time_zone`, whose windows are reported and neither confirm nor command:
    `22-6, Sat-Sun`."""
    pane_s: NonNegativeFloat = 0.0
    """Width of a pane; 0: a sixtieth of window_s, a second by count, a quarter of an hour by the calendar."""
    lateness_s: NonNegativeFloat = 60.0
    """How far behind the latest event time of its partition a record may be."""
    max_clock_skew_s: PositiveFloat = 300.0
    """Longest time by which a record's signing time may exceed its production time. Allow as much as clocks differ: one
    record that is ahead makes those behind it late."""
    producer_clock_skew_s: str = ""
    """The same of single producers, as the header `ce_source` of their applications names them: `/branches/7=1800,
    /mobile=60`. Each has its share of late and ahead records in a window's report, and makes no other's late."""
    idle_s: NonNegativeFloat = 0.0
    """A partition idle for this long (wall clock) is not waited for; 0 for a pane and the lateness. Use less for
    streams that run faster than real time."""
    window_idle_s: NonNegativeFloat = 0.0
    """If all partitions are idle for this long (wall clock), the stream has ended, and windows by time close if the
    wall clock is past them. 0 for a live stream, whose time advances with the wall clock: they close when it has
    reached their end."""
    with_decisions: bool = True
    """Count decisions too: score, contributions, reasons, approval rate."""
    performance_every_s: NonNegativeFloat = 3_600.0
    """Seconds (wall clock) between checks of the champion's performance; 0 disables them."""
    performance_age_days: NonNegativeFloat = 365.0
    """An outcome observed longer after the application than this does not count."""
    performance_loans: int = Field(default=50_000, ge=1_000)
    """Loans of each champion in memory during a performance check; beyond that, a sample by the digest of their ids."""
    performance_former: NonNegativeInt = 2
    """So many former champions' loans go on being checked."""
    min_auc: float | None = Field(default=None, ge=0.0, le=1.0)
    """If the AUC of the champion's loans is surely below this, ask for a challenger; 0 for never. Empty: a floor that
    training gives the scorecard, relative to the AUC expected of the same loans."""
    max_level_off: NonNegativeFloat = 0.0
    """If the champion's stated default rate of its loans is surely off by more than this, in log-odds, ask for a
    recalibration; 0 for never."""
    drift_instance_id: str = ""
    """Permanent name of this agent, unique to it. Empty: generated once and kept in the cache folder."""
    batch_records: PositiveInt = 5_000
    champion_poll_s: PositiveFloat = 5.0
    """Time between queries to MLflow while no champion was announced, or a bundle could not be fetched."""
    web_host: str = LOOPBACK
    drift_port: NonNegativeInt = 8102
    """0 for a free one."""

    @model_validator(mode="after")
    def _panes_fit(self) -> Self:
        if self.drifted_needed > self.drifted_of:
            message = f"drifted_needed is at most drifted_of: not {self.drifted_needed} of {self.drifted_of}"
            raise ValueError(message)
        if self.window_calendar and self.window_count:
            message = "window_count and window_calendar exclude each other: windows are by count or by calendar"
            raise ValueError(message)
        if self.window_calendar and PANE_OF_A_CALENDAR_MS % self.pane_ms():
            message = f"pane_s must divide a quarter of an hour, by which time zones differ: not {self.pane_ms()} ms"
            raise ValueError(message)
        if not self.window_calendar and not self.window_count and self.window_ms() % self.pane_ms():
            message = f"pane_s must divide window_s: {self.pane_ms()} ms does not divide {self.window_ms()} ms"
            raise ValueError(message)
        return self

    @field_validator("window_time_zone")
    @classmethod
    def _time_zone_exists(cls, name: str) -> str:
        if name != UTC_NAME and name not in available_timezones():
            message = f"no time zone {name[:40]!r}; a name of the tz database, such as Europe/Berlin"
            raise ValueError(message)
        return name

    @field_validator("rows_factor")
    @classmethod
    def _factor_is_over_one(cls, factor: float) -> float:
        if 0.0 < factor <= 1.0:
            message = f"rows_factor is more than 1, or 0 for never: not {factor:g}"
            raise ValueError(message)
        return factor

    @field_validator("quiet_hours")
    @classmethod
    def _hours_exist(cls, text: str) -> str:
        week_hours.parse(text)
        return text

    @field_validator("producer_clock_skew_s")
    @classmethod
    def _clocks_are_skews(cls, text: str) -> str:
        producer_clocks.parse(text)
        return text

    @field_validator("psi_field_limits")
    @classmethod
    def _limits_are_numbers(cls, text: str) -> str:
        field_limit_overrides.parse(text)
        return text

    def window_ms(self) -> int:
        """Width of a window by time, in milliseconds."""
        return max(1, round(self.window_s * MS))

    def pane_ms(self) -> int:
        if self.pane_s:
            return max(1, round(self.pane_s * MS))
        if self.window_calendar:
            return PANE_OF_A_CALENDAR_MS
        whole = self.window_ms() % PANES_A_WINDOW == 0
        sixtieth = self.window_ms() // PANES_A_WINDOW if whole else self.window_ms()
        return round(FINEST_PANE_S * MS) if self.window_count else sixtieth

    def aligned_ms(self) -> int:
        """How far, in event time, a partition may be ahead of one with a backlog: what waits between them is held."""
        return PANES_ALIGNED * self.pane_ms() if self.window_count else max(DAY_MS, 2 * self.window_ms())

    def silence_s(self) -> float:
        """Idle time (wall clock) after which a partition is not waited for."""
        return self.idle_s or self.pane_ms() / MS + self.lateness_s

    def panes(self) -> PaneRules:
        return PaneRules(
            pane_ms=self.pane_ms(),
            lateness_ms=round(self.lateness_s * MS),
            ahead_ms=round(self.max_clock_skew_s * MS),
            producers=producer_clocks.parse(self.producer_clock_skew_s),
        )

    def sources(self) -> tuple[str, ...]:
        """The topics counted; the first one fills windows by count."""
        topics = self.topics()
        return (topics.applications.name, *([topics.decisions.name] if self.with_decisions else []))

    def rules(self) -> MonitorRules:
        panes, topics = self.panes(), self.topics()
        return MonitorRules(
            windows=WindowRules(
                sources=self.sources(),
                pane_ms=panes.pane_ms,
                lateness_ms=panes.lateness_ms,
                window_ms=self.window_ms(),
                window_count=self.window_count,
                calendar=self.window_calendar,
                time_zone=self.window_time_zone,
                ended_ms=round(self.window_idle_s * MS),
            ),
            reporting=ReportContext(
                product=self.contract().product,
                applications_topic=topics.applications.name,
                decisions_topic=topics.decisions.name,
                rules=DriftRules(
                    pane_ms=panes.pane_ms,
                    lateness_ms=panes.lateness_ms,
                    ahead_ms=panes.ahead_ms,
                    minimum_n=self.minimum_n,
                    alpha=self.alpha,
                    method=METHOD,
                    watch_from=self.psi_watch,
                    drifted_from=self.psi_drifted,
                    stray_share=self.stray_share,
                    field_limits=self._field_limits(),
                    drifted_needed=self.drifted_needed,
                    drifted_of=self.drifted_of,
                    cooldown_ms=round(self.cooldown_s * MS),
                    in_flight_ms=round(self.in_flight_s * MS),
                    quiet_hours=self.quiet_hours,
                    time_zone=self.window_time_zone,
                    development_from=self.psi_development,
                    rows_factor=self.rows_factor,
                    producers=panes.producers,
                ),
            ),
            window_rows=self.window_rows,
        )

    def _field_limits(self) -> Sequence[FieldLimits]:
        limits, contract = field_limit_overrides.parse(self.psi_field_limits), self.contract()
        unknown = field_limit_overrides.unknown(limits, {field.name for field in contract.observed})
        if unknown:
            problem = f"LOAN_PSI_FIELD_LIMITS: {contract.product} has no field {', '.join(unknown)}"
            raise UnknownFieldError(problem)
        return limits

    def performance_rules(self, auc_offset: float | None = None) -> PerformanceRules:
        """Rules by which performance is reported and judged.

        Args:
            auc_offset: of the champion's profile: its floor, where the operator sets none.
        """
        return PerformanceRules(
            age_ms=timedelta(days=self.performance_age_days) // timedelta(milliseconds=1),
            most=self.performance_loans,
            least_auc=self.min_auc or 0.0,
            auc_offset=auc_offset if self.min_auc is None else None,
            minimum_n=self.minimum_n,
            method=PERFORMANCE_METHOD,
            most_level_off=self.max_level_off,
            mature_ms=timedelta(days=self.contract().label.outcome_after_days) // timedelta(milliseconds=1),
        )

    def group(self) -> str:
        return f"{self.topics().applications.name}.drift"
