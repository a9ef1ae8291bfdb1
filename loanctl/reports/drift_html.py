"""One self-contained page of drift: no script, no style sheet, no font from elsewhere. Pure: stories in, HTML out."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from drift.detection.verdict import QUALITY_BINS
from loanctl.reports.champion_performance import PerformanceSummary
from loanctl.reports.lineage import Lineage
from loanctl.reports.performance_table import COLUMNS, FIGURES, figures, remarks, row
from schemas.events.drift import DriftReport, FeatureDrift, Verdict
from schemas.events.performance import PerformanceReport

COLOURS: Final = {Verdict.STEADY: "#2a7", Verdict.WATCH: "#c90", Verdict.DRIFTED: "#c33"}
QUIET: Final = "#999"
WATCH_FROM: Final = 0.1
"""Opens a quantity of a report that says no state."""
WIDTH: Final = 900
HEIGHT: Final = 220
MARGIN: Final = 40
BAR: Final = 14
STYLE: Final = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 960px; color: #222; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; } th, td { padding: .2em .6em; text-align: right; }
th:first-child, td:first-child { text-align: left; } tr { border-bottom: 1px solid #ddd; }
.verdict { color: white; border-radius: 3px; padding: 0 .5em; } svg { display: block; } details { margin: .5em 0; }
.reference { fill: #bbb; } .window { fill: #47a; } text { font-size: 11px; fill: #444; } .quiet { color: #777; }
"""


def page(
    stories: Sequence[Lineage[DriftReport]],
    performance: PerformanceSummary | None = None,
    looks: Sequence[Lineage[PerformanceReport]] = (),
) -> str:
    """The page of some windows, the last one in full.

    Args:
        stories: of the windows, at least one.
        performance: in the same windows, where it was asked for.
        looks: at what became of the champion's loans.
    """
    latest = stories[-1].report
    parts = [_heading(latest), _over_time(stories), _windows(stories), _performance(performance), _looks(looks)]
    body = "\n".join([*parts, _features(latest), _decisions(latest)])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Drift of '
        f"{escape(latest.product)}</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _heading(report: DriftReport) -> str:
    return (
        f"<h1>Drift of {escape(report.product)}</h1><p>Champion {escape(report.champion_version)}, reference "
        f"<code>{escape(report.reference_id)}</code>. Last window: {report.window_start:%Y-%m-%d %H:%M:%S} to "
        f"{report.window_end:%Y-%m-%d %H:%M:%S} UTC, {report.n} applications. {_badge(report.verdict)}</p>"
    )


def _over_time(stories: Sequence[Lineage[DriftReport]]) -> str:
    """Largest PSI of each window, with the two cut-offs."""
    found = [story.report for story in stories]
    rules = found[-1].rules
    top = max([rules.drifted_from * 1.5, *(report.largest_psi for report in found)])
    step = (WIDTH - 2 * MARGIN) / max(1, len(found) - 1)
    points = [
        (MARGIN + nth * step, _height(report.largest_psi, top), report.verdict) for nth, report in enumerate(found)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS.get(verdict, QUIET)}"/>' for x, y, verdict in points
    )
    limits = "".join(
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{_height(limit, top):.1f}" y2="{_height(limit, top):.1f}" '
        f'stroke="#aaa" stroke-dasharray="4"/><text x="4" y="{_height(limit, top):.1f}">{limit:g}</text>'
        for limit in (rules.watch_from, rules.drifted_from)
    )
    return (
        f'<h2>Largest PSI over time</h2><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{limits}'
        f'<polyline points="{line}" fill="none" stroke="#47a" stroke-width="2"/>{dots}</svg>'
    )


def _windows(stories: Sequence[Lineage[DriftReport]]) -> str:
    head = "<tr><th>window ends (UTC)</th><th>n</th><th>late</th><th>verdict</th><th>PSI</th><th>feature</th>"
    rows = "".join(_window_row(story) for story in stories)
    return f"<h2>Windows</h2><table>{head}<th>command</th><th>result</th><th>champion</th></tr>{rows}</table>"


def _window_row(story: Lineage[DriftReport]) -> str:
    report = story.report
    cells = (
        f"{report.window_end:%Y-%m-%d %H:%M:%S}",
        str(report.n),
        str(report.late),
        _badge(report.verdict),
        f"{report.largest_psi:.3f}",
        escape(report.largest_psi_feature),
        escape(report.command_id or report.withheld),
        escape(story.result.status.value) if story.result else "",
        escape(story.announcement.version) if story.announcement else "",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _performance(found: PerformanceSummary | None) -> str:
    if found is None or not any(told.performance.decided for told in found.told):
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row(told)) + "</tr>"
        for told in found.told
        if told.performance.decided
    )
    said = "".join(f"<p>{escape(line)}</p>" for line in remarks(found))
    return (
        "<h2>Performance</h2><p>est.: estimated from calibrated probabilities, not observed. Figures are told with "
        f"their 95 % intervals, that of KS an approximate one.</p><table><tr>{head}</tr>{rows}</table>{said}"
    )


def _looks(stories: Sequence[Lineage[PerformanceReport]]) -> str:
    if not stories:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in ("as of (UTC)", "champion", *FIGURES, "command", "result"))
    return (
        "<h2>What became of the champion's loans</h2><p>All that it has decided, as known when the drift agent "
        f"looked.</p><table><tr>{head}</tr>{''.join(map(_look_row, stories))}</table>"
    )


def _look_row(story: Lineage[PerformanceReport]) -> str:
    report = story.report
    cells = (
        f"{report.as_of:%Y-%m-%d %H:%M:%S}",
        report.champion_version,
        *figures(report.performance, final=False),
        report.command_id or report.withheld,
        story.result.status.value if story.result else "",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _features(report: DriftReport) -> str:
    ordered = sorted(report.features, key=lambda feature: -feature.psi)
    alarms = "".join(
        f"<p>Data: {escape(alarm.kind.value)} {escape(alarm.feature)} is {alarm.share:.1%}, "
        f"usually {alarm.reference_share:.1%}.</p>"
        for alarm in report.data_quality
    )
    return "<h2>Features in the last window</h2>" + alarms + "".join(map(_quantity, ordered))


def _decisions(report: DriftReport) -> str:
    made = report.decisions
    if made is None:
        return ""
    outside = "outside" if made.approval_outside else "within"
    estimate = (
        "" if made.estimated_default_rate is None else f" Estimated default rate {made.estimated_default_rate:.1%}."
    )
    rate = (
        f"<p>{made.n} decisions; approved {made.approval_rate:.1%}, {outside} "
        f"{made.approval_low:.1%} to {made.approval_high:.1%}.{estimate}</p>"
    )
    quantities = (made.score, *sorted(made.contributions, key=lambda each: -each.psi), made.reasons)
    return "<h2>Decisions in the last window</h2>" + rate + "".join(map(_quantity, quantities))


def _quantity(quantity: FeatureDrift) -> str:
    """Distributions side by side."""
    mean = "" if quantity.mean is None else f", mean {quantity.mean:.4g}"
    told = (
        f"<summary><b>{escape(quantity.feature)}</b> PSI {quantity.psi:.4f} "
        f'<span class="quiet">(critical {quantity.psi_critical:.4f}, KS {quantity.ks:.3f}, JS '
        f"{quantity.js_distance:.3f}, chi-square p {quantity.chi2_p:.2g}{mean})</span></summary>"
    )
    opened = " open" if quantity.state in ("WATCH", "DRIFTED") or quantity.psi >= WATCH_FROM else ""
    return f"<details{opened}>{told}{_bars(quantity)}</details>"


def _bars(quantity: FeatureDrift) -> str:
    window, reference = _shares(quantity.counts), _shares(quantity.reference_counts)
    top = max([*window, *reference, 1e-9])
    room = WIDTH - 300
    rows = []
    for nth, name in enumerate(_bin_names(quantity)):
        y = nth * (2 * BAR + 6)
        rows.append(f'<text x="0" y="{y + BAR}">{escape(name)}</text>')
        for kind, share, shift in (("reference", reference[nth], 0), ("window", window[nth], BAR)):
            rows.append(
                f'<rect class="{kind}" x="200" y="{y + shift}" width="{share / top * room:.1f}" height="{BAR - 2}"/>'
                f'<text x="{205 + share / top * room:.1f}" y="{y + shift + BAR - 3}">{share:.1%}</text>'
            )
    height = len(quantity.counts) * (2 * BAR + 6)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(rows)}</svg>'


def _bin_names(quantity: FeatureDrift) -> Iterator[str]:
    if quantity.levels:
        yield from quantity.levels
    else:
        ends = [float("-inf"), *quantity.edges, float("inf")]
        yield from (
            f"{high:g}" if f"{low:g}" == f"{high:g}" else f"{low:g} to {high:g}" for low, high in pairwise(ends)
        )
    yield from (kind.value for kind in QUALITY_BINS)


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]


def _badge(verdict: Verdict) -> str:
    return f'<span class="verdict" style="background:{COLOURS.get(verdict, QUIET)}">{escape(verdict.value)}</span>'


def _height(psi: float, top: float) -> float:
    return HEIGHT - MARGIN / 2 - psi / top * (HEIGHT - MARGIN)
