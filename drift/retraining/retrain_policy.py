"""Whether a finding asks for a challenger: hysteresis, one at a time, cooldown, latch.

A finding is a window that has drifted, or a champion whose ranking has fallen or whose level is off
(`drift.retraining.performance_floor`). A loop that retrains on its own alarm can run away. These guards prevent that:

| guard | reason, or what it waits for |
| --- | --- |
| two of three | one window may be a campaign, or chance; how many of how many is a rule |
| quiet hours | windows within them are skipped, like those that are INSUFFICIENT |
| in flight | the trainer's answer to the last command, for as long as the rules say |
| cooldown | event time since the last command, whether or not a promotion followed |
| latch | after a rejected or held challenger: a steady window, a new champion, or an acknowledgement |
| hold | a person knows of the shift (a declared policy change, a season) |
| asked | for performance: the number of known outcomes passes the next power of two |

Performance needs no second check: its whole interval is beyond the limit. Windows that are INSUFFICIENT
are skipped: they neither confirm nor deny. Time is event time, so a replay gives the same commands.
The rules are the report's own. Pure.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from drift.binning import week_hours
from drift.binning.binned_records import NO_TIME
from drift.retraining import performance_floor
from schemas.events.drift import DriftAcknowledgement, DriftReport, DriftRules, Verdict
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCause, RetrainCommand, RetrainResult, RetrainStatus
from schemas.timestamps import millis_of

LATCHING: Final = frozenset({RetrainStatus.REJECTED, RetrainStatus.HELD})
"""Answers after which the same command would get the same answer."""


class Withheld(StrEnum):
    """Why a finding led to no command. Published."""

    UNCONFIRMED = "unconfirmed"
    IN_FLIGHT = "in_flight"
    LATCHED = "latched"
    COOLDOWN = "cooldown"
    ACKNOWLEDGED = "acknowledged"
    ASKED = "asked"
    QUIET_HOURS = "quiet_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    drifted: tuple[bool, ...] = ()
    """The last windows with a verdict, newest last."""
    in_flight: str = ""
    """The command that no result has answered."""
    commanded_at: int | None = None
    """Event time of the last command, milliseconds since 1970: the end of its window."""
    latched: bool = False
    hold_until: int | None = None
    fallen: str = ""
    """The last command that performance led to, a ranking that has fallen or a level that is off."""
    failed: int = 0
    """How many of those the trainer answered FAILED: each gives the next one another name."""

    def after_result(self, result: RetrainResult) -> "PolicyState":
        """The trainer has answered. A DUPLICATE counts too: another sender asked the same, and was answered earlier."""
        if result.command_id != self.in_flight:
            return self
        answered = replace(self, in_flight="", latched=self.latched or result.status in LATCHING)
        if result.command_id == self.fallen and result.status is RetrainStatus.FAILED:
            return replace(answered, fallen="", failed=self.failed + 1)
        return answered

    def after_champion(self) -> "PolicyState":
        """Another champion decides: findings on the last one do not apply to it."""
        return replace(self, drifted=(), in_flight="", latched=False)

    def after_acknowledgement(self, acknowledged: DriftAcknowledgement) -> "PolicyState":
        """A person knows the cause: start afresh, without a command in flight; hold for as long as requested."""
        held = acknowledged.hold_until
        hold_until = None if held is None else millis_of(held)
        return replace(self, drifted=(), in_flight="", latched=False, hold_until=hold_until)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` makes this of again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        return cls(**{**saved, "drifted": tuple(saved["drifted"])})


def decide(memory: PolicyState, report: DriftReport) -> tuple[PolicyState, DriftReport]:
    """The state after a window, and its report with the command that follows or the reason why none does."""
    if report.verdict is Verdict.INSUFFICIENT:
        return memory, report
    if memory.in_flight and memory.commanded_at is None:
        # Fallen performance commanded before the first window: its wait begins with this one.
        memory = replace(memory, commanded_at=millis_of(report.window_end))
    rules, drifted = report.rules, report.verdict is Verdict.DRIFTED
    if _is_quiet(report):
        return memory, replace(report, withheld=Withheld.QUIET_HOURS.value if drifted else "")
    latched = memory.latched and report.verdict is not Verdict.STEADY
    seen = replace(memory, drifted=(*memory.drifted, drifted)[-rules.drifted_of :], latched=latched)
    if not drifted:
        return seen, report
    held = Withheld.UNCONFIRMED if sum(seen.drifted) < rules.drifted_needed else None
    withheld = held or _guard(seen, millis_of(report.window_end), rules)
    if withheld is not None:
        return seen, replace(report, withheld=withheld.value)
    name = command_id(report)
    commanded = replace(seen, drifted=(), in_flight=name, commanded_at=millis_of(report.window_end))
    return commanded, replace(report, command_id=name)


def judged_performance(
    memory: PolicyState, report: PerformanceReport, event_time: int, rules: DriftRules
) -> tuple[PolicyState, PerformanceReport]:
    """The same for a performance check.

    Args:
        event_time: of now, milliseconds since 1970: no window that ends before is open any more. `NO_TIME` before
            the first window.
    """
    if performance_floor.scope_of(report) is None:
        return memory, report
    name = performance_floor.finding_id(report, memory.failed)
    asked = Withheld.ASKED if name == memory.fallen else None
    withheld = asked or _guard(memory, event_time, rules)
    if withheld is not None:
        return memory, replace(report, withheld=withheld.value)
    # Before the first window the event time is unknown.
    commanded_at = memory.commanded_at if event_time == NO_TIME else event_time
    commanded = replace(memory, drifted=(), in_flight=name, commanded_at=commanded_at, fallen=name)
    return commanded, replace(report, command_id=name)


def command_id(report: DriftReport) -> str:
    """Id of the finding: the same champion, reference and window command once, however often it is found."""
    finding = "\x1f".join((report.champion_digest, report.reference_id, report.window_id))
    return f"drift-{hashlib.sha256(finding.encode()).hexdigest()[:24]}"


def command_of(report: DriftReport, now: datetime) -> RetrainCommand:
    moved = [feature for feature in report.features if feature.psi == report.largest_psi]
    where = f", mostly in {moved[0].largest_shift_bin}" if moved else ""
    return RetrainCommand(
        command_id=report.command_id,
        product=report.product,
        cause=RetrainCause.DRIFT,
        why=f"PSI of {report.largest_psi_feature} is {report.largest_psi:.3f} over {report.n} applications{where}",
        champion_version=report.champion_version,
        champion_digest=report.champion_digest,
        reference_id=report.reference_id,
        window_start=report.window_start,
        window_end=report.window_end,
        issued_at=now,
    )


def _is_quiet(report: DriftReport) -> bool:
    """True if the whole window is within quiet hours."""
    rules = report.rules
    if not rules.quiet_hours:
        return False
    hours = week_hours.hours_between(millis_of(report.window_start), millis_of(report.window_end), rules.time_zone)
    return hours <= week_hours.parse(rules.quiet_hours)


def _guard(memory: PolicyState, event_time: int, rules: DriftRules) -> Withheld | None:
    since = None if memory.commanded_at is None else event_time - memory.commanded_at
    cooling = since is not None and since < rules.cooldown_ms
    # A trainer that never answers, or whose answer was lost, holds back for so long only.
    lost = since is not None and 0 < rules.in_flight_ms <= since
    held = memory.hold_until is not None and event_time < memory.hold_until
    guards = {
        Withheld.IN_FLIGHT: bool(memory.in_flight) and not lost,
        Withheld.LATCHED: memory.latched,
        Withheld.COOLDOWN: cooling,
        Withheld.ACKNOWLEDGED: held,
    }
    return next((guard for guard, closed in guards.items() if closed), None)
