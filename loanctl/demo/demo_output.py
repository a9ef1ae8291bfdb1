"""What the demo shows: headings, a decision with its reasons, windows of drift, and the closing tables.

Renders values that others computed; a console that is no terminal gets the same as plain text.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import ConsoleRenderable, Group
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from loanctl.console import Console
from loanctl.demo.checks import Check
from schemas.events.decisions import Contribution, LoanDecision, Outcome
from schemas.events.drift import DriftReport, Verdict
from schemas.events.retraining import RetrainResult

COLOURS: Final = {
    Outcome.APPROVE: "green",
    Outcome.REFER: "yellow",
    Outcome.DECLINE: "red",
    Verdict.STEADY: "green",
    Verdict.WATCH: "yellow",
    Verdict.DRIFTED: "red",
}
BAR: Final = 14
"""Characters of the longest bar to either side of zero."""
PSI_BAR: Final = 40
PSI_FULL: Final = 1.0
"""A PSI that fills its bar."""
WIDTH: Final = 100
"""Of the panels; a file that is read on a phone wraps less."""


def a_console() -> Console:
    """Standard output; as wide as a terminal is, or as our panels are."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


def heading(console: Console, what: str) -> None:
    """The next part of the story."""
    console.print()
    console.print(Rule(Text(what, "bold"), align="left"), width=min(WIDTH, console.width))


def print_line(console: Console, line: str | Text) -> None:
    console.print(Text.assemble("  ", line), soft_wrap=True)


def decision(console: Console, shown: LoanDecision) -> None:
    """A decision as one would tell it to a credit officer."""
    colour = COLOURS.get(shown.outcome, "white")
    title = Text.assemble((shown.outcome.value, f"bold {colour}"), f" {shown.application_id}")
    parts: list[ConsoleRenderable] = [_probability(shown), _contributions(shown)]
    if shown.reasons:
        parts.append(_reasons(shown))
    parts.append(Text(f"decided by {shown.scorecard_name} {shown.scorecard_version} ({shown.scorecard_family})", "dim"))
    console.print(Panel(Group(*parts), title=title, title_align="left", border_style=colour, width=_width(console)))


def window(console: Console, report: DriftReport) -> None:
    colour = COLOURS.get(report.verdict, "white")
    filled = min(PSI_BAR, round(PSI_BAR * report.largest_psi / PSI_FULL))
    print_line(
        console,
        Text.assemble(
            f"{report.window_start:%d %b %H:%M} n={report.n:>5,}  PSI {report.largest_psi:5.2f} ",
            ("█" * filled, colour),
            f"{'·' * (PSI_BAR - filled)} ",
            (f"{report.verdict.value:<8}", colour),
            f" {report.largest_psi_feature}",
        ),
    )


def promotion(console: Console, result: RetrainResult) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("status", Text(result.status.value, "bold"))
    grid.add_row("why", result.why)
    grid.add_row("rows", f"{result.rows:,}")
    for name, value in sorted(result.metrics.items()):
        grid.add_row(name, f"{value:.4f}")
    title = Text(f"version {result.champion_version} -> version {result.challenger_version or '-'}")
    console.print(Panel(grid, title=title, title_align="left", border_style="cyan", width=_width(console)))


def print_summary(console: Console, summary: Mapping[str, Any], found: Sequence[Check]) -> None:
    """Every claim, whether it holds, and the numbers read back from the topics."""
    claims = Table(box=None, padding=(0, 1), show_header=False)
    for check in found:
        claims.add_row(
            Text("✓", "green") if check.holds else Text("✗", "bold red"), check.claim, Text(check.seen, "dim")
        )
    console.print(claims, width=min(WIDTH, console.width))
    numbers = Table(box=None, padding=(0, 2), show_header=False)
    for name in ("applications", "decisions", "missing", "duplicates", "dead_letters", "decisions_per_s"):
        numbers.add_row(name, f"{summary[name]:,}")
    latency = summary["latency_ms"]
    numbers.add_row("latency_ms", ", ".join(f"{name} {value}" for name, value in latency.items()) or "-")
    versions = " then ".join(champion["version"] for champion in summary["champions"])
    numbers.add_row("champions", versions or "-")
    console.print()
    console.print(numbers)


def _probability(shown: LoanDecision) -> Text:
    if shown.probability is None:
        return Text(f"not scored: {shown.fault}")
    limits = f"approve below {shown.approve_below:.3f}, decline from {shown.decline_from:.3f}"
    return Text.assemble("probability of default ", (f"{shown.probability:.1%}", "bold"), (f"   {limits}", "dim"))


def _contributions(shown: LoanDecision) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    largest = max((abs(item.contribution) for item in shown.contributions), default=0.0) or 1.0
    table.add_column(no_wrap=True)
    for item in sorted(shown.contributions, key=lambda item: -abs(item.contribution)):
        table.add_row(item.feature, _value(item), f"{item.contribution:+.3f}", _bar(item.contribution / largest))
    table.add_row(Text("base value", "dim"), "", Text(f"{shown.base_value or 0.0:+.3f}", "dim"), "")
    space = Text(shown.contribution_space, "dim")
    table.add_row(Text("margin", "bold"), "", Text(f"{shown.margin or 0.0:+.3f}", "bold"), space)
    return table


def _bar(share: float) -> Text:
    length = max(1, round(BAR * abs(share)))
    if share > 0:
        return Text.assemble(" " * BAR, "│", ("█" * length, "red"))
    return Text.assemble(" " * (BAR - length), ("█" * length, "green"), "│")


def _value(item: Contribution) -> str:
    if item.value is None:
        return "-"
    return item.value if isinstance(item.value, str) else f"{item.value:,.6g}"


def _reasons(shown: LoanDecision) -> Text:
    lines: list[Any] = [("Reasons", "bold")]
    for number, reason in enumerate(shown.reasons, start=1):
        lines.extend([f"\n  {number}. {reason.text} ", (f"({reason.code})", "dim")])
    return Text.assemble(*lines)


def _width(console: Console) -> int:
    return min(WIDTH, console.width)
