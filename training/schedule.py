"""Scheduled retraining: which due time of a cron expression asks for a challenger now.

Pure: an expression, earlier requests and the time in, a due time or a command out. `training.service.scheduler`
asks. Expressions are Debian cron's five fields (`man 5 crontab`), in UTC, so
that no hour of a summer's night comes twice or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from schemas.errors import SetupError
from schemas.events.retraining import RetrainCause, RetrainCommand

MONDAYS_AT_TWO: Final = "0 2 * * 1"
"""When few apply for loans, and a week's outcomes are in."""
FIELDS: Final = 5
"""The library knows a sixth, seconds; a training takes minutes."""
SOME_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""From which on an expression must come due at least once."""


class ScheduleError(SetupError):
    """An expression that is none, or never due."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due times of one cron expression; they have no end and no beginning."""

    expression: str

    def __post_init__(self) -> None:
        fields = len(self.expression.split())
        if fields != FIELDS:
            raise ScheduleError(_problem(self.expression, f"fields: {fields}"))
        try:
            self.next_after(SOME_DAY)
        except CronSimError as cause:
            raise ScheduleError(_problem(self.expression, str(cause).lower())) from None
        except StopIteration:
            raise ScheduleError(_problem(self.expression, "never due")) from None

    def next_after(self, moment: datetime) -> datetime:
        """The first due time after a moment, UTC."""
        return next(CronSim(self.expression, moment.astimezone(UTC)))

    def last_until(self, moment: datetime) -> datetime:
        """The last due time that is not after a moment, UTC."""
        # The one before the next: cron's "before" leaves the moment itself out.
        return next(CronSim(self.expression, self.next_after(moment), reverse=True))


def due(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """The last due time in (since, now]; None where there is none. Of several that passed only the last one asks.

    Args:
        since: time of the last request, or its substitute; see `last_request`.
        now: UTC.
    """
    last = schedule.last_until(now)
    return last if last > since else None


def last_request(
    commands: Sequence[RetrainCommand], product: str, promoted_at: datetime | None, now: datetime
) -> datetime | None:
    """Time from which due times have not been requested; None if unknown.

    A champion promoted after a due time is as new as the schedule wants it. What is later than now is of a clock that
    was ahead: counted, it would stop the schedule until then. A due time asked for again has the id of before.

    Args:
        commands: those on the topic, from any sender.
        promoted_at: when the champion was promoted, None where there is none.
    """
    asked = [each.issued_at for each in commands if each.product == product and each.cause is RetrainCause.SCHEDULE]
    times = [*asked, *([promoted_at] if promoted_at else [])]
    return max([time for time in times if time <= now], default=None)


def command(schedule: Schedule, product: str, due_at: datetime, now: datetime) -> RetrainCommand:
    """The command of a due time; every sender gives it the same id."""
    return RetrainCommand(
        command_id=f"schedule-{product}-{due_at:%Y-%m-%dT%H:%MZ}",
        product=product,
        cause=RetrainCause.SCHEDULE,
        why=f"due at {due_at:%Y-%m-%d %H:%M} UTC by the schedule {schedule.expression}",
        champion_version="",
        champion_digest="",
        reference_id="",
        window_start=None,
        window_end=None,
        issued_at=now,
    )


def _problem(expression: str, problem: str) -> str:
    return f"{expression!r} is no schedule ({problem}): a cron expression has five fields, as in {MONDAYS_AT_TWO!r}"
