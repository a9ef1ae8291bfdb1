"""The fairness of one scorecard, as a reviewer reads it: group figures, proxies, and what holds a promotion. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from training.fairness.group_figures import GroupFigures, is_adverse
from training.fairness.proportions import Proportion
from training.fairness.proxies import TOLD_FEATURES, Proxy

NOTHING: Final = "The contract marks no field as watched, or its groups are too small to be reported."


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """Of one scorecard on all rows that can be scored by a forest that was not fitted to them."""

    rows: int
    figures: tuple[GroupFigures, ...] = ()
    proxies: tuple[Proxy, ...] = ()

    @property
    def least(self) -> GroupFigures | None:
        """The group of the least impact ratio, of those of `LEAST_COMPARED` people; None where none is compared."""
        compared = [each for each in self.figures if each.counts and not math.isnan(each.ratio)]
        return min(compared, key=lambda each: each.ratio, default=None)

    @property
    def least_ratio(self) -> float:
        """The least impact ratio; NaN where no group is compared."""
        return math.nan if self.least is None else self.least.ratio

    def doubts(self, floor: float) -> tuple[str, ...]:
        """Groups whose ratio is surely under the floor, in words.

        Args:
            floor: 0 for none.
        """
        return tuple(
            f"adverse impact: {_ratio_words(each)}, under the floor {floor:g}"
            for each in self.figures
            if is_adverse(each, floor)
        )

    def summary(self) -> tuple[str, ...]:
        """The least impact ratio in a sentence; none where no group is compared."""
        return () if self.least is None else (f"least adverse impact ratio {_ratio_words(self.least)}",)


def _ratio_words(one: GroupFigures) -> str:
    low, high = one.ratio_interval
    return (
        f"{one.ratio:.3f} of {one.name} against {one.reference}"
        f" (95 % interval {low:.3f} to {high:.3f}, adjusted p {one.p:.3g}, {one.approved.people} people)"
    )


def group_table(figures: Sequence[GroupFigures]) -> pd.DataFrame:
    """One line for each group, every figure with its interval and test."""
    return pd.DataFrame([dict(_columns(each)) for each in figures])


def _columns(one: GroupFigures) -> Iterator[tuple[str, Any]]:
    yield from (("field", one.field), ("group", one.group), ("people", one.approved.people))
    yield from _share_columns("approval_rate", one.approved)
    yield from (("reference", one.reference), ("adverse_impact_ratio", one.ratio))
    yield from zip(("adverse_impact_ratio_low", "adverse_impact_ratio_high"), one.ratio_interval, strict=True)
    yield "p", one.p
    yield from _share_columns("approved_of_repaid", one.approved_repaid)
    yield "approved_of_repaid_p", one.repaid_p
    yield from _share_columns("approved_of_defaulted", one.approved_defaulted)
    yield "approved_of_defaulted_p", one.defaulted_p
    yield from (("observed", one.observed), ("stated", one.stated), ("calibration_p", one.calibration_p))
    yield "auc", one.auc


def _share_columns(name: str, share: Proportion) -> Iterator[tuple[str, float]]:
    low, high = share.interval()
    yield from ((name, share.share), (f"{name}_low", low), (f"{name}_high", high))


def proxy_table(proxies: Sequence[Proxy]) -> pd.DataFrame:
    """One line for each group that the features may tell."""
    return pd.DataFrame(
        [
            {
                "field": each.field,
                "group": each.group,
                "people": each.people,
                "auc": each.auc,
                "r_squared": each.r_squared,
                "features": _features(each),
            }
            for each in proxies
        ]
    )


def _features(one: Proxy) -> str:
    return ", ".join(f"{name} {loss:.3f}" for name, loss in one.features[:TOLD_FEATURES])


def card_section(report: FairnessReport, floor: float) -> str:
    """The report for a model card, in Markdown."""
    if not report.figures:
        return f"## Fairness\n\n{NOTHING}"
    head = (
        f"## Fairness\n\nWatched, never scored. All {report.rows} rows that a forest not fitted to them scores;"
        " intervals of 95 %, p values adjusted for the number of groups (Holm). "
        + (f"A ratio surely under {floor:g} holds the promotion." if floor else "No ratio holds the promotion.")
    )
    parts = (head, _group_lines(report.figures, floor), _quality_lines(report.figures), _proxy_lines(report.proxies))
    return "\n\n".join(part for part in parts if part)


def _group_lines(figures: Sequence[GroupFigures], floor: float) -> str:
    lines = ["| field | group | people | approved | impact ratio | p |", "| --- | --- | --- | --- | --- | --- |"]
    for one in figures:
        flag = " (!)" if is_adverse(one, floor) else ""
        ratio = "reference" if one.group == one.reference else f"{_number(one.ratio)} {_span(one.ratio_interval)}{flag}"
        lines.append(
            f"| {one.field} | {one.group} | {one.approved.people} | {_share_text(one.approved)} | {ratio} |"
            f" {_number(one.p)} |"
        )
    return "\n".join(lines)


def _quality_lines(figures: Sequence[GroupFigures]) -> str:
    lines = [
        "| field | group | approved of repaid (TPR) | p | approved of defaulted (FPR) | p |"
        " observed | stated | p | AUC |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.field} | {one.group} | {_share_text(one.approved_repaid)} | {_number(one.repaid_p)} |"
        f" {_share_text(one.approved_defaulted)} | {_number(one.defaulted_p)} | {one.observed:.3f} | {one.stated:.3f} |"
        f" {_number(one.calibration_p)} | {_number(one.auc)} |"
        for one in figures
    ]
    return "\n".join(lines)


def _proxy_lines(proxies: Sequence[Proxy]) -> str:
    if not proxies:
        return "Proxies: no watched group has enough people to be predicted from the scored features."
    lines = [
        "How well the scored features predict a watched field, out of sample (AUC .5: not at all), and which do:",
        "",
        "| field | group | AUC | R squared | features, by the AUC lost without |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.field} | {one.group} | {one.auc:.3f} | {_number(one.r_squared)} | {_features(one)} |"
        for one in proxies
    ]
    return "\n".join(lines)


def _share_text(share: Proportion) -> str:
    return f"{share.share:.3f} {_span(share.interval())}" if share.people else ""


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return "" if math.isnan(low) else f"({low:.3f} to {high:.3f})"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
