"""One self-contained page of drift: no script, nothing from elsewhere; the figures and drawings of the desk."""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

import jinja2

import gateway.desk
from gateway.desk.drift.drift_views import overview, window_view
from gateway.desk.drift.report_text import FILTERS, FILTERS_OF_ROWS
from gateway.desk.page_templates import environment_of
from loanctl.reports.champion_performance import PerformanceSummary
from loanctl.reports.lineage import Lineage
from loanctl.reports.performance_table import COLUMNS, FIGURES, OF_VINTAGES, figures, remarks, row, vintage_row
from schemas.codec.event_codec import as_record
from schemas.events.drift import DriftReport
from schemas.events.performance import PerformanceReport

DESK: Final = Path(gateway.desk.__file__).parent
PAGE: Final = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drift of {{ latest.product }}</title><style>{{ style|safe }}</style></head><body><main>
<h1>Drift of {{ latest.product }}</h1>
{% include "drift_overview.html" %}
{{ tables|safe }}
<h1>The latest window</h1>
{% include "drift_report.html" %}
</main></body></html>
"""


def page(
    stories: Sequence[Lineage[DriftReport]],
    performance: PerformanceSummary | None = None,
    looks: Sequence[Lineage[PerformanceReport]] = (),
    *,
    of_rows: bool = False,
) -> str:
    """The page of some windows, the last one in full.

    Args:
        stories: of the windows, at least one.
        performance: in the same windows, where it was asked for.
        looks: performance checks of the champion's loans.
        of_rows: whether they are parts of a file without times.
    """
    windows = [as_record(story.report) for story in stories]
    return _template(of_rows=of_rows).render(
        latest=windows[-1],
        found=overview(windows, [as_record(story.report) for story in looks]),
        view=window_view(windows[-1]),
        tables="".join([_windows(stories), _performance(performance), _looks(looks), _vintages(looks)]),
        style=(DESK / "static" / "desk.css").read_text(encoding="utf-8"),
        # An event has the names of fields; their labels are the contract's, which no report carries.
        labels={},
        address="",
    )


@cache
def _template(*, of_rows: bool) -> jinja2.Template:
    return environment_of(FILTERS_OF_ROWS if of_rows else FILTERS).from_string(PAGE)


def _windows(stories: Sequence[Lineage[DriftReport]]) -> str:
    """Windows that commanded, and what came of it."""
    head = ("window ends (UTC)", "verdict", "largest PSI", "field", "command", "result", "champion")
    rows = [_window_cells(story) for story in stories if story.report.command_id]
    return _table("What windows led to", "", head, rows)


def _window_cells(story: Lineage[DriftReport]) -> Sequence[str]:
    report = story.report
    return (
        f"{report.window_end:%Y-%m-%d %H:%M:%S}",
        report.verdict.value.lower(),
        f"{report.largest_psi:.3f}",
        report.largest_psi_feature,
        report.command_id,
        story.result.status.value if story.result else "",
        story.announcement.version if story.announcement else "",
    )


def _performance(found: PerformanceSummary | None) -> str:
    performances = [each for each in found.performances if each.performance.decided] if found else []
    if found is None or not performances:
        return ""
    hint = (
        "est.: estimated from calibrated probabilities, not observed. Figures with their 95 % intervals; that of KS is "
        f"approximate. {' '.join(remarks(found))}"
    )
    return _table("Performance", hint, COLUMNS, map(row, performances))


def _looks(stories: Sequence[Lineage[PerformanceReport]]) -> str:
    head = ("as of (UTC)", "champion", *FIGURES, "command", "result")
    hint = "All that it has decided, as known when the drift agent looked."
    return _table("Outcomes of the champion's loans", hint, head, map(_look_cells, stories))


def _vintages(stories: Sequence[Lineage[PerformanceReport]]) -> str:
    """Of the latest look."""
    hint = "Default rates by month of application, with 95 % intervals; those of young months are not final."
    rows = map(vintage_row, stories[-1].report.vintages) if stories else ()
    return _table("Vintages", hint, OF_VINTAGES, rows)


def _look_cells(story: Lineage[PerformanceReport]) -> Sequence[str]:
    report = story.report
    return (
        f"{report.as_of:%Y-%m-%d %H:%M:%S}",
        report.champion_version,
        *figures(report.performance, final=False),
        report.command_id or report.withheld,
        story.result.status.value if story.result else "",
    )


def _table(title: str, hint: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A section; empty for no rows."""
    body = "".join(f"<tr>{_cells('td', cells)}</tr>" for cells in rows)
    if not body:
        return ""
    return (
        f'<section class="card"><h2>{escape(title)}</h2><p class="hint">{escape(hint)}</p><div class="wide"><table>'
        f"<thead><tr>{_cells('th', head)}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
