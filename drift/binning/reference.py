"""The reference of a window: the champion's profile, and the position of its bins among the counts. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from drift.binning.approval_expectation import ApprovalExpectation
from drift.binning.binned_records import Integers
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.events.drift import Season
from scorecard.policy import OUTCOMES
from scorecard.profile import BinnedQuantity, Profile

if TYPE_CHECKING:
    from scorecard.scorecard import Scorecard


class ForeignProfileError(SetupError):
    """The champion's profile was made for another application schema, so its bins mean nothing here."""


@dataclass(frozen=True)
class Reference:
    """The champion watched, and the population that it was made on."""

    generation: int
    """When it was announced, milliseconds since 1970; a later one stands above an earlier one. -1 where none was
    announced; earlier versions counted offsets."""
    champion_version: str
    champion_digest: str
    profile: Profile
    approve_below: float = math.nan
    """The scorecard's own cut-off, under which the profile's outcomes are; NaN where there is none."""
    expected_rows: float = 0.0
    """Of the window; 0 where the reference does not say."""
    seasonal: bool = False
    """Whether features are those of a season or of hours of the week, while the score is the profile's."""

    @classmethod
    def of(  # noqa: PLR0913 - what a reference is made of
        cls,
        generation: int,
        version: str,
        digest: str,
        profile: Profile,
        contract: Contract,
        approve_below: float = math.nan,
    ) -> Self:
        """The reference of a champion.

        Raises:
            ForeignProfileError: its profile is of another contract.
        """
        if not contract.serves(profile.contract_fingerprint, profile.contract_fields):
            problem = f"champion {version}: its profile was made for another application schema of {contract.product}"
            raise ForeignProfileError(problem)
        return cls(generation, version, digest, profile, approve_below)

    @classmethod
    def of_scorecard(cls, generation: int, version: str, scorecard: "Scorecard", contract: Contract) -> Self:
        """The reference of a champion by its scorecard: its profile, and the cut-off under which that was decided.

        Raises:
            ForeignProfileError: as of `of`.
        """
        own = scorecard.policy.approve_below
        return cls.of(generation, version, scorecard.digest, scorecard.profile, contract, own)

    @property
    def reference_id(self) -> str:
        """Digest of the profile."""
        return self.profile.reference_id

    def in_season(self, season: Season) -> Self:
        """With the season's applicants in place of the profile's; unchanged if they are in other bins."""
        if season.reference_id != self.reference_id:
            return self
        return self.with_features({each.feature: tuple(each.counts) for each in season.counts})

    def with_features(self, counts: Mapping[str, tuple[int, ...]]) -> Self:
        """With these counts, by feature, in place of the profile's; unchanged if they do not fit the bins."""
        features = self.profile.features
        if not all(len(counts[each.name]) == each.size for each in features if each.name in counts):
            return self
        usual = (replace(each, counts=counts.get(each.name, each.counts)) for each in features)
        return replace(self, profile=replace(self.profile, features=tuple(usual)), seasonal=True)

    @property
    def approvals(self) -> ApprovalExpectation:
        """Approval rates under the cut-offs in force."""
        return ApprovalExpectation(self.profile, self.approve_below)

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Of each scored feature, the share of its contributions' spread in that of all; empty without a scorecard."""
        spreads = {
            each.name: max(each.edges, default=0.0) - min(each.edges, default=0.0)
            for each in self.profile.contributions
        }
        total = sum(spreads.values())
        return {name: spread / total for name, spread in spreads.items()} if total > 0.0 else {}

    @cached_property
    def applications(self) -> "BinLayout":
        """Where an application's bins are."""
        return BinLayout(self.profile.features, 0)

    @cached_property
    def decisions(self) -> "BinLayout":
        """Where a decision's bins are: score, contributions, reasons; after them the outcomes."""
        profile = self.profile
        return BinLayout((profile.score, *profile.contributions, profile.reasons), len(OUTCOMES))


@dataclass(frozen=True)
class BinLayout:
    """Bins of several quantities, one after the other, and some places more behind them."""

    binned: tuple[BinnedQuantity, ...]
    behind: int

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first place of each quantity, and of what is behind."""
        return tuple(np.concatenate([[0], np.cumsum([each.size for each in self.binned])]).astype(int).tolist())

    @property
    def size(self) -> int:
        return self.starts[-1] + self.behind

    def counts_of(self, quantity: int, counts: Integers) -> Integers:
        return counts[self.starts[quantity] : self.starts[quantity + 1]]
