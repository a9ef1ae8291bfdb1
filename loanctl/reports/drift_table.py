"""One window's drift as a table in the terminal."""

from typing import Final

from rich.table import Table as Lines
from rich.text import Text

from gateway.desk.drift.drift_series import is_over, rank_fields
from loanctl.console import Console
from schemas.codec.event_codec import as_record
from schemas.events.drift import DecisionDrift, DriftReport, Verdict

COLOURS: Final = {Verdict.STEADY: "green", Verdict.WATCH: "yellow", Verdict.DRIFTED: "red"}


def show_report(out: Console, found: DriftReport, what: str) -> None:
    """The score, fields by what they contribute to the drift, approval, and the data that are bad."""
    counts = f"{found.n} applications, {found.late} late, {found.duplicates} twice"
    verdict = Text(found.verdict.value, COLOURS.get(found.verdict, "dim"))
    out.print(Text.assemble(f"{what} against {found.champion_version}: {counts}; ", verdict), soft_wrap=True)
    lines = Lines("feature", "share", "PSI", "critical", "state", "KS", "JS", "chi2 p", "largest shift")
    rank = {each.feature: each for each in rank_fields(as_record(found))}
    by_name = {each.feature: each for each in found.features}
    score = [found.decisions.score] if found.decisions else []
    for feature in [*score, *(by_name[name] for name in rank)]:
        over = is_over(as_record(feature))
        lines.add_row(
            feature.feature,
            f"{rank[feature.feature].contribution:.0%}" if feature.feature in rank else "",
            Text(f"{'▲ ' if over else ''}{feature.psi:.4f}", "red" if over else ""),
            f"{feature.psi_critical:.4f}",
            feature.state.lower(),
            f"{feature.ks:.3f}",
            f"{feature.js_distance:.3f}",
            f"{feature.chi2_p:.2g}",
            f"{feature.largest_shift:+.3f} {feature.largest_shift_bin}",
        )
    out.print(lines)
    out.print("▲ over its critical value; share: of the drift, by PSI and weight in the score", highlight=False)
    if found.decisions:
        out.print(_approval(found.decisions), highlight=False)
    for odd in found.alarms:
        whose = f" of {odd.producer}" if odd.producer else ""
        out.print(Text(f"▲ {odd.kind.lower()}{whose}: {odd.share:.1%}, limit {odd.limit:.1%}", "red"))
    for alarm in found.data_quality:
        out.print(
            f"data: {alarm.kind.value} {alarm.feature} {alarm.share:.1%}, usually {alarm.reference_share:.1%}",
            highlight=False,
        )


def _approval(made: DecisionDrift) -> Text:
    text = f"approved {made.approval_rate:.1%}, limits {made.approval_low:.1%} to {made.approval_high:.1%}"
    return Text(f"▲ {text}", "red") if made.approval_outside else Text(text)
