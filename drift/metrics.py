"""Metrics of the drift agent. Base units; labels are closed sets: features of the contract, verdicts, topics' roles."""

import math
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from drift.detection.row_expectation import FEW, MANY
from drift.retraining.retrain_policy import Withheld
from schemas.events.decisions import FlagKind
from schemas.events.drift import DriftReport, Verdict
from schemas.events.performance import Figure, PerformanceReport
from schemas.topics import Topics
from streams.kafka.group.offset_metrics import OffsetMetrics

LEVELS: Final = {Verdict.INSUFFICIENT: -1, Verdict.STEADY: 0, Verdict.WATCH: 1, Verdict.DRIFTED: 2}
"""As a number, so that an alert can use `> 1`."""

ALARMS: Final = ("LATE", "AHEAD", "UNREADABLE", FEW, MANY)
"""Kinds, as reports name them; labels are in small letters."""
FIGURES: Final = ("auc", "ks", "brier", "default_rate", "intercept", "slope")


class DriftMetrics:
    """Of one agent. The window owner reports windows, the counting agents report records."""

    def __init__(self, topics: Topics, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, doc: str, *labels: str) -> Counter:
            return Counter(name, doc, labels, registry=registry)

        def gauge(name: str, doc: str, *labels: str) -> Gauge:
            return Gauge(name, doc, labels, registry=registry)

        self._roles = {topics.applications.name: "applications", topics.decisions.name: "decisions"}
        self._psi = gauge("loan_drift_psi", "PSI of the last closed window.", "feature")
        self._critical = gauge("loan_drift_psi_critical", "Critical PSI of the last closed window.", "feature")
        self._score = gauge("loan_drift_score_psi", "PSI of the calibrated probability in the last closed window.")
        self._verdict = gauge("loan_drift_verdict", "Last window: -1 insufficient, 0 steady, 1 watch, 2 drifted.")
        self._n = gauge("loan_drift_window_applications", "Applications counted in the last closed window.")
        self._alarm = gauge("loan_drift_data_alarm", "1 if the last window has a data alarm.", "feature", "kind")
        self._window_alarm = gauge(
            "loan_drift_window_alarm",
            "1 if the last window's share of such records is too large, or its rows are few or many.",
            "kind",
        )
        self._withheld = gauge("loan_drift_withheld", "1 for the reason why the last window gave no command.", "reason")
        self._approval_outside = gauge("loan_drift_approval_outside", "1 if the approval rate left its limits.")
        self._windows = counter("loan_drift_windows_total", "Windows closed, by verdict.", "verdict")
        self._late = counter("loan_drift_late_total", "Applications that arrived after their pane had closed.")
        self._duplicates = counter("loan_drift_duplicates_total", "Redelivered applications, counted once.")
        self._ahead = counter("loan_drift_ahead_total", "Applications with an implausible event time.")
        self._unreadable = counter("loan_drift_unreadable_total", "Records that are no applications.")
        self._commands = counter("loan_drift_commands_total", "Retrain commands issued.")
        self._records = counter("loan_drift_records_total", "Records counted, by topic.", "source")
        self._passed_over = counter(
            "loan_drift_passed_over_total", "Records of this project's topics that cannot be read.", "topic", "reason"
        )
        self.dropped = counter("loan_drift_dropped_total", "Records dropped because their champion was replaced.")
        self.refused = counter("loan_drift_profile_refusals_total", "Champions whose profile cannot be used.")
        self.sessions = counter("loan_drift_sessions_total", "Sessions begun from Kafka's state, including the first.")
        self.outages = counter("loan_drift_outages_total", "Outages begun, by dependency.", "neighbour")
        self.champion = gauge("loan_drift_champion_info", "The monitored champion.", "version", "reference_id")
        self._performance = gauge(
            "loan_drift_performance",
            "Performance of the champion's loans at the last check, with its interval.",
            "figure",
            "of",
            "end",
        )
        self._loans = gauge("loan_drift_loans", "Loans of the champion at the last check.", "kind")
        self._fallen = gauge("loan_drift_performance_fallen", "1 if the observed AUC is surely below its floor.")
        self.offsets = OffsetMetrics(registry)
        self._begin_at_zero()

    def count_skip(self, topic: str, reason: str) -> None:
        """A record of one of this project's topics could not be read."""
        self._passed_over.labels(topic, reason).inc()

    def count_records(self, source: str, records: int) -> None:
        self._records.labels(self._roles[source]).inc(records)

    def record_report(self, report: DriftReport) -> None:
        """A window has closed, and its report is safe."""
        for feature in report.features:
            self._psi.labels(feature.feature).set(feature.psi)
            self._critical.labels(feature.feature).set(feature.psi_critical)
        alarms = {(alarm.feature, alarm.kind) for alarm in report.data_quality}
        for feature in report.features:
            for kind in (FlagKind.MISSING, FlagKind.INVALID, FlagKind.UNSEEN):
                self._alarm.labels(feature.feature, kind.value.lower()).set((feature.feature, kind) in alarms)
        if report.decisions is not None:
            self._score.set(report.decisions.score.psi)
            self._approval_outside.set(report.decisions.approval_outside)
        window_alarms = {alarm.kind for alarm in report.alarms}
        for name in ALARMS:
            self._window_alarm.labels(name.lower()).set(name in window_alarms)
        for reason in Withheld:
            self._withheld.labels(reason.value).set(reason.value == report.withheld)
        self._verdict.set(LEVELS[report.verdict])
        self._n.set(report.n)
        self._windows.labels(report.verdict.value.lower()).inc()
        self._late.inc(report.late)
        self._duplicates.inc(report.duplicates)
        self._ahead.inc(report.ahead)
        self._unreadable.inc(report.unreadable)
        self.record_command(report.command_id)

    def record_performance(self, report: PerformanceReport) -> None:
        """The champion's performance was checked, by this owner or the one before, and the report is committed."""
        found = report.performance
        # A figure that is no longer available must not keep its old value.
        self._performance.clear()
        kinds = {"observed": found.observed, "expected": found.expected, "estimated": found.estimated}
        for of, figures in kinds.items():
            for name in FIGURES:
                self._tell(name, of, getattr(figures, name, None))
        self._tell("approval_rate", "observed", found.approval_rate)
        self._loans.labels("decided").set(found.decided)
        self._loans.labels("scored").set(found.scored)
        self._loans.labels("ended").set(found.with_outcome)
        self._fallen.set(report.fallen)

    def record_command(self, command_id: str) -> None:
        """A report led to this command, or to none where it is empty."""
        self._commands.inc(bool(command_id))

    def clear_windows(self) -> None:
        """Another agent owns the windows and reports the last one."""
        for labelled in (self._psi, self._critical, self._alarm, self._window_alarm, self._withheld):
            labelled.clear()
        for plain in (self._score, self._verdict, self._n, self._approval_outside):
            plain.set(math.nan)
        self._forget_loans()

    def set_champion(self, version: str, reference_id: str) -> None:
        """Another champion is monitored, whose performance was not checked yet."""
        self._forget_loans()
        self.champion.clear()
        self.champion.labels(version, reference_id).set(1)

    def outage_began(self, dependency: str) -> None:
        self.outages.labels(dependency).inc()

    def _tell(self, name: str, of: str, figure: Figure | None) -> None:
        for end in ("value", "low", "high") if figure else ():
            self._performance.labels(name, of, end).set(getattr(figure, end))

    def _forget_loans(self) -> None:
        self._performance.clear()
        self._loans.clear()
        self._fallen.set(math.nan)

    def _begin_at_zero(self) -> None:
        # A counter that first appears with its first event hides that event from `increase()`.
        for verdict in LEVELS:
            self._windows.labels(verdict.value.lower())
        for role in self._roles.values():
            self._records.labels(role)
        for dependency in ("broker", "registry", "mlflow"):
            self.outages.labels(dependency)
