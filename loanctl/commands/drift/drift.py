"""`loanctl drift ...`: what the drift agent found, whether it can be believed, and what a person answers.

All of it is read from the topics. Counting and judging are those of the drift agent (`drift`).
"""

import json
import sys
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table as Lines
from rich.text import Text

from drift.detection.recompute import differences
from drift.settings import DriftSettings
from gateway.desk.drift.drift_series import is_over
from gateway.desk.drift.drift_views import overview, window_view
from loanctl.audit.audit_record import PersonTrail
from loanctl.commands.drift import drift_check, drift_performance
from loanctl.console import FINDING, Console
from loanctl.reports import drift_html
from loanctl.reports import report_recompute as evidence
from loanctl.reports.drift_table import COLOURS, show_report
from loanctl.reports.lineage import Lineage, lineages
from loanctl.reports.performance_table import FIGURES, OF_VINTAGES, console, figures, vintage_row
from schemas.codec.event_codec import as_record
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from schemas.events.drift import DriftAcknowledgement, DriftReport, Season, UsualWeek
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import ChampionAnnouncement, RetrainResult
from streams.kafka.producer.event_publisher import EventPublisher

SOURCE: Final = "/loanctl/drift"
LAST: Final = 20
TIME: Final = "%Y-%m-%d %H:%M:%S"
LED_TO: Final = ("command", "result", "champion now")
OF_WINDOWS: Final = ("window ends (UTC)", "n", "late", "verdict", "PSI", "feature", *LED_TO)
SHOWN: Final = ("decided", "known", "AUC", "Brier", "slope")
OF_LOOKS: Final = ("look", *SHOWN, *LED_TO)
NUMBERS: Final = frozenset({"n", "late", "PSI", *SHOWN})

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show, recompute and acknowledge what the drift agent reports; judge files.",
)

Last = Annotated[int, typer.Option(min=1, help="Number of latest windows.")]
AsJson = Annotated[bool, typer.Option("--json", help="As one line of JSON.")]


app.command()(drift_performance.performance)
app.command()(drift_check.check)


class NoReportError(SetupError):
    """There is no such report."""


class HalfASeasonError(SetupError):
    """A season was declared in part."""


@app.command()
def history(last: Last = LAST, as_json: AsJson = False) -> None:
    """List windows and performance checks with what they led to: command, result, announcement."""
    stories = lineages(DriftSettings.read())
    windows, looks = stories.windows[-last:], stories.looks[-last:]
    if as_json:
        plain = [
            *({"kind": "window", **story.plain()} for story in windows),
            *({"kind": "look", **story.plain()} for story in looks),
        ]
        sys.stdout.write(json.dumps(plain, default=str) + "\n")
        return
    console().print(_table("Windows and what they led to", OF_WINDOWS, map(_row, windows)))
    if looks:
        console().print(_table("Outcomes of the champion's loans", OF_LOOKS, map(_look_row, looks)))
        latest = looks[-1].report
        title = f"Version {latest.champion_version} by month of application, as of {latest.as_of:{TIME}} UTC"
        console().print(_table(title, OF_VINTAGES, map(vintage_row, latest.vintages)))


@app.command()
def report(
    window: Annotated[str, typer.Argument(help="Id of a window; by default the last one.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page.")] = None,
    last: Last = LAST,
    *,
    as_json: AsJson = False,
) -> None:
    """One window in figures; or as a page or as JSON, with figures over time up to it."""
    settings = DriftSettings.read()
    found_so_far = lineages(settings)
    stories = _until(found_so_far.windows, window)[-last:]
    found, looks = stories[-1].report, found_so_far.looks[-last:]
    if as_json:
        windows, checks = ([as_record(story.report) for story in kind] for kind in (stories, looks))
        plain = {**window_view(windows[-1]).plain(), **overview(windows, checks).plain()}
        sys.stdout.write(json.dumps(plain, default=str) + "\n")
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        reigns = drift_performance.windows(story.report for story in stories)
        performance = drift_performance.of(settings, reigns, datetime.now(UTC))
        html.write_text(drift_html.page(stories, performance, looks), encoding="utf-8")
        Console(soft_wrap=True, stderr=as_json).print(f"{html}: {len(stories)} windows")
    if not (as_json or html):
        show_report(Console(), found, f"{found.window_start:{TIME}} to {found.window_end:{TIME}} UTC")


def _until(stories: Sequence[Lineage[DriftReport]], window: str) -> Sequence[Lineage[DriftReport]]:
    """Windows up to the one of this id, itself included; all of them for no id.

    Raises:
        NoReportError: there is none.
    """
    names = [story.report.window_id for story in stories]
    if not names or (window and window not in names):
        raise NoReportError(f"no window {window}" if names else _none())
    return stories[: names.index(window) + 1] if window else stories


@app.command()
def recompute(
    report: Annotated[
        str, typer.Argument(help="Id of a window or of a performance report; by default the last window.")
    ] = "",
) -> None:
    """Read the offsets that a report names again; exit status 3 if the result differs."""
    settings = DriftSettings.read()
    stories = lineages(settings)
    windows = {story.report.window_id: story.report for story in stories.windows}
    looks = {story.report.report_id: story.report for story in stories.looks}
    name = report or next(reversed(windows), "")
    found = windows.get(name) or looks.get(name)
    if found is None:
        raise NoReportError(f"no report {name}" if name else _none())
    again = evidence.again(found, settings)
    differing = list(differences(found, again))
    out = Console(soft_wrap=True, highlight=False)
    if differing:
        out.print(f"{name}: DIFFERENT in {', '.join(differing)}")
        raise typer.Exit(FINDING)
    same = evidence.encode_report(found, settings) == evidence.encode_report(again, settings)
    out.print(f"{name}: the same {'bytes' if same else 'values'} from {evidence.read(again)}")


@app.command()
def acknowledge(  # noqa: PLR0913 - each argument is an option of the command
    why: Annotated[str, typer.Option(help="What is known of the shift: a policy change, a campaign, a season.")],
    hold_until: Annotated[
        datetime | None, typer.Option(help="No command for windows that end before this event time, UTC.")
    ] = None,
    season_from: Annotated[datetime | None, typer.Option(help="A season begins with this event time, UTC.")] = None,
    season_until: Annotated[datetime | None, typer.Option(help="Its end, exclusive.")] = None,
    season_file: Annotated[Path | None, typer.Option(help="Applicants of the same season before: a table.")] = None,
    week_file: Annotated[
        Path | None,
        typer.Option(help="Applicants with event times: windows are compared with their hours of the week."),
    ] = None,
) -> None:
    """Tell the drift agent that a shift is known: restarts the count of drifted windows, and lifts a latch."""
    settings = DriftSettings.read()
    season = _season(season_from, season_until, season_file, settings)
    word = DriftAcknowledgement(
        acknowledgement_id=str(uuid.uuid4()),
        product=settings.contract().product,
        why=why,
        hold_until=hold_until.replace(tzinfo=UTC) if hold_until else None,
        season=season,
        acknowledged_at=_to_the_millisecond(datetime.now(UTC)),
        usual_week=_usual_week(week_file, settings),
    )
    topic = settings.topics().drift_acknowledgements
    PersonTrail(settings, [topic]).record(
        AuditAction.ACKNOWLEDGE, settings.registered_model(), why, after=word.acknowledgement_id
    )
    with EventPublisher(settings, SOURCE) as publisher:
        publisher.publish(topic, word.acknowledgement_id, word)
    held = f"; no command before {hold_until:%Y-%m-%d %H:%M}" if hold_until else ""
    compared = f"; compared with {season_file} until {season.end:%Y-%m-%d %H:%M}" if season else ""
    hourly = f"; windows are compared with their hours of the week in {week_file}" if week_file else ""
    Console(soft_wrap=True).print(f"acknowledged as {word.acknowledgement_id}{held}{compared}{hourly}")


def _usual_week(file: Path | None, settings: DriftSettings) -> UsualWeek | None:
    if file is None:
        return None
    # Pandas is of no use to the other commands.
    from loanctl.reports import season_counts

    return season_counts.week_of_file(file, settings)


def _season(start: datetime | None, end: datetime | None, file: Path | None, settings: DriftSettings) -> Season | None:
    if start is None and end is None and file is None:
        return None
    if start is None or end is None or file is None:
        problem = "a season is declared by --season-from, --season-until and --season-file together"
        raise HalfASeasonError(problem)
    # Pandas is of no use to the other commands.
    from loanctl.reports import season_counts

    return season_counts.of_file(file, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), settings)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Lines:
    lines = Lines(title=title)
    for name in columns:
        # An id that is cut short finds nothing.
        lines.add_column(name, justify="right" if name in NUMBERS else "left", overflow="fold")
    for row in rows:
        lines.add_row(*row)
    return lines


def _row(story: Lineage[DriftReport]) -> tuple[str | Text, ...]:
    found = story.report
    return (
        f"{found.window_end:{TIME}}",
        str(found.n),
        str(found.late),
        _verdict(found),
        _psi(found),
        found.largest_psi_feature,
        found.command_id or found.withheld,
        *_consequence(story.result, story.announcement),
    )


def _psi(found: DriftReport) -> Text:
    """The largest one, marked where it is over its critical value."""
    over = any(each.feature == found.largest_psi_feature and is_over(as_record(each)) for each in found.features)
    return Text(f"{'▲ ' if over else ''}{found.largest_psi:.3f}", "red" if over else "")


def _verdict(found: DriftReport) -> Text:
    return Text(found.verdict.value, COLOURS.get(found.verdict, "dim"))


def _look_row(story: Lineage[PerformanceReport]) -> tuple[str, ...]:
    words = figures(story.report.performance, final=False)
    shown = dict(zip(FIGURES, words, strict=True))
    return (
        story.report.report_id,
        *(shown[name] for name in SHOWN),
        story.report.command_id or story.report.withheld,
        *_consequence(story.result, story.announcement),
    )


def _consequence(result: RetrainResult | None, announcement: ChampionAnnouncement | None) -> tuple[str, str]:
    return result.status.value if result else "", announcement.version if announcement else ""


def _none() -> str:
    return "no report yet: the drift agent tells of a window when it closes"


def _to_the_millisecond(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1_000 * 1_000)
