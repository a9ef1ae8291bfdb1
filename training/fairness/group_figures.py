"""Decisions and figures by group of applicants, each against the field's reference group, with tests.

Pure. The reference is the group that the contract names, else the most approved one. The adverse impact ratio is a
group's approval rate over the reference's; below .8 is the four-fifths rule's alarm (29 CFR 1607.4 D), a custom adopted
from employment. Shares of approved among the repaid and among the defaulted are the true and false positive rates of
approving (Hardt, Price and Srebro, *Equality of opportunity in supervised learning*, 2016). P values are adjusted for
the number of groups (Holm 1979).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.small_groups import is_small
from training.evaluation.discrimination_figures import auc
from training.fairness.applicant_groups import LEAST_COMPARED, ApplicantGroup, Mask, by_field, reference_place
from training.fairness.proportions import Proportion, difference_p, holm, ratio_interval, two_sided_p

Probabilities = npt.NDArray[np.float64]

SURELY: Final = 0.05
"""Adjusted p value below which a ratio is not chance."""
ADJUSTED: Final = ("p", "repaid_p", "defaulted_p", "calibration_p")
"""Fields of `GroupFigures` that are p values, each of its own family of tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """One group of applicants; a figure is NaN where too few people would give it."""

    field: str
    group: str
    approved: Proportion
    approved_repaid: Proportion
    """Of those who repaid."""
    approved_defaulted: Proportion
    """Of those who defaulted."""
    observed: float
    """Share of defaults."""
    stated: float
    """Mean probability."""
    calibration_p: float
    """Of observed against stated defaults, adjusted."""
    auc: float
    reference: str = ""
    """The group of the field that it is compared with; empty where there is none."""
    named: bool = False
    """Whether the contract names it as that group."""
    ratio: float = math.nan
    """Adverse impact ratio."""
    ratio_interval: tuple[float, float] = (math.nan, math.nan)
    p: float = math.nan
    """Of the approval rate against the reference's, adjusted; so are the next two."""
    repaid_p: float = math.nan
    defaulted_p: float = math.nan

    @property
    def name(self) -> str:
        return f"{self.field} {self.group}"

    @property
    def counts(self) -> bool:
        """Whether it has people enough to be compared with, to have the least ratio and to hold a promotion."""
        return self.approved.people >= LEAST_COMPARED


def group_figures(
    groups: Sequence[ApplicantGroup], defaulted: Mask, probability: Probabilities, approved: Mask
) -> tuple[GroupFigures, ...]:
    """Figures of every group that is not too small to be reported.

    Args:
        defaulted: shape (n,).
        probability: calibrated, of a forest that was not fitted to the row; shape (n,).
        approved: shape (n,).
    """
    reported = [each for each in groups if not is_small(int(each.members.sum()))]
    compared = [
        figures
        for together in by_field(reported)
        for figures in _with_reference([_figures(each, defaulted, probability, approved) for each in together])
    ]
    adjusted = zip(*(holm([getattr(each, name) for each in compared]) for name in ADJUSTED), strict=True)
    return tuple(
        replace(each, **dict(zip(ADJUSTED, values, strict=True)))
        for each, values in zip(compared, adjusted, strict=True)
    )


def is_adverse(figures: GroupFigures, floor: float) -> bool:
    """Whether a group of enough people has an impact ratio surely below a floor.

    The whole interval of the ratio is below it. That interval is of one group alone, so that the p value, adjusted for
    the number of groups, must be below `SURELY` too.
    """
    return figures.counts and figures.ratio_interval[1] < floor and figures.p < SURELY


def _figures(group: ApplicantGroup, defaulted: Mask, probability: Probabilities, approved: Mask) -> GroupFigures:
    inside = group.members
    bad, stated, let_in = defaulted[inside], probability[inside], approved[inside]
    few = min(int(bad.sum()), int((~bad).sum()))
    variance = float(np.sum(stated * (1.0 - stated)))
    missed = float(np.sum(bad - stated))
    return GroupFigures(
        field=group.field,
        group=group.name,
        approved=Proportion(int(let_in.sum()), len(bad)),
        approved_repaid=_share(let_in[~bad]),
        approved_defaulted=_share(let_in[bad]),
        observed=float(bad.mean()),
        stated=float(stated.mean()),
        calibration_p=two_sided_p(missed / math.sqrt(variance)) if variance > 0.0 else math.nan,
        auc=math.nan if is_small(few) else auc(bad, stated),
        named=group.reference,
    )


def _share(approved: Mask) -> Proportion:
    """Of nobody where they are too few to be reported."""
    few = is_small(len(approved))
    return Proportion(0, 0) if few else Proportion(int(approved.sum()), len(approved))


def _with_reference(together: list[GroupFigures]) -> list[GroupFigures]:
    large = [each for each in together if each.counts]
    if not large or together == large[:1]:
        return together
    chosen = large[reference_place([each.approved.share for each in large], [each.named for each in large])]
    return [replace(each, reference=chosen.group) if each is chosen else _against(each, chosen) for each in together]


def _against(one: GroupFigures, reference: GroupFigures) -> GroupFigures:
    return replace(
        one,
        reference=reference.group,
        ratio=one.approved.share / reference.approved.share if reference.approved.hits else math.nan,
        ratio_interval=ratio_interval(one.approved, reference.approved),
        p=difference_p(one.approved, reference.approved),
        repaid_p=difference_p(one.approved_repaid, reference.approved_repaid),
        defaulted_p=difference_p(one.approved_defaulted, reference.approved_defaulted),
    )
