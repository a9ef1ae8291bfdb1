"""One window's drift as a table in the terminal."""

from typing import Final

from rich.table import Table as Lines
from rich.text import Text

from loanctl.console import Console
from schemas.events.drift import DriftReport, Verdict

COLOURS: Final = {Verdict.STEADY: "green", Verdict.WATCH: "yellow", Verdict.DRIFTED: "red"}


def show_report(out: Console, found: DriftReport, what: str) -> None:
    """Features and the score by their PSI, and the data that are bad.

    Args:
        out: the terminal.
        found: the window.
        what: names it.
    """
    counts = f"{found.n} applications, {found.late} late, {found.duplicates} twice"
    verdict = Text(found.verdict.value, COLOURS.get(found.verdict, "dim"))
    out.print(Text.assemble(f"{what} against {found.champion_version}: {counts}; ", verdict), soft_wrap=True)
    lines = Lines("feature", "PSI", "critical", "KS", "JS", "chi2 p", "largest shift")
    rows = [*found.features, *([found.decisions.score] if found.decisions else [])]
    for feature in sorted(rows, key=lambda each: -each.psi):
        lines.add_row(
            feature.feature,
            f"{feature.psi:.4f}",
            f"{feature.psi_critical:.4f}",
            f"{feature.ks:.3f}",
            f"{feature.js_distance:.3f}",
            f"{feature.chi2_p:.2g}",
            f"{feature.largest_shift:+.3f} {feature.largest_shift_bin}",
        )
    out.print(lines)
    for alarm in found.data_quality:
        out.print(
            f"data: {alarm.kind.value} {alarm.feature} {alarm.share:.1%}, usually {alarm.reference_share:.1%}",
            highlight=False,
        )
