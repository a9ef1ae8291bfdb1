"""The profile of a population: how many applicants fell into each bin, by features, score and reasons.

Bins are fixed once, from the reference's quantiles, with open ends: pooled or equal-width bins let
one large income hide a whole shift. Counts add exactly, so a window can be counted in parts.
Pure: arrays in, integer counts out.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import UNSEEN, Matrix, computed_ratios, invalid
from schemas.contract.contract import Contract, Field, Kind
from schemas.contract.fingerprint import FieldDigests
from scorecard.features import COMPUTED

Counts = npt.NDArray[np.int64]

BINS: Final = 10
"""Of equal counts, the custom of scorecard monitoring (Siddiqi 2006); the outermost are cut once more at `TAIL`."""
LEAST_BINS: Final = 2
MOST_BINS: Final = 50
"""With more, a window of thousands has single applicants in a bin, and the index is mostly chance."""
TAIL: Final = 0.01
"""Share of applicants in a bin of its own at each end: what is lost there is a tenth of the first decile's change."""
SPIKE: Final = 0.05
"""A number that so many share has a bin of its own, or a whole population could move from it to another in one bin."""
SCORE_STEPS: Final = 200
"""An operator's cut-off lies between two of so many quantiles: it approves a share known to half a percent."""
LEAST_REST: Final = 0.2
"""What is left beside the spikes is cut at the tails only where it is so much: of less they hold nobody."""

DATA_QUALITY_BINS: Final = ("MISSING", "INVALID", "UNSEEN")
"""The last bins of every feature: they describe the data, not the applicants."""


@dataclass(frozen=True, slots=True)
class BinPlan:
    """How many quantile bins numbers get, beside those of spikes and tails."""

    usual: int = BINS
    by_name: tuple[tuple[str, int], ...] = ()
    """Of single fields, or of the score (`probability`)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The plan of a text such as `10, person_income=20`.

        Raises:
            ValueError: it is none, or a number of bins is not from 2 to `MOST_BINS`.
        """
        parts = [part.strip().rpartition("=") for part in text.split(",") if part.strip()]
        bins = {name.strip(): int(number) if number.strip().isdecimal() else 0 for name, _, number in parts}
        if len(bins) < len(parts) or not all(LEAST_BINS <= each <= MOST_BINS for each in bins.values()):
            message = f"{text[:60]!r} is no plan of {LEAST_BINS} to {MOST_BINS} bins, such as 10, person_income=20"
            raise ValueError(message)
        return cls(bins.pop("", BINS), tuple(sorted(bins.items())))

    def of(self, name: str) -> int:
        return dict(self.by_name).get(name, self.usual)


USUAL_BINS: Final = BinPlan()


@dataclass(frozen=True, slots=True)
class BinnedQuantity:
    """The bins of one quantity and the reference's counts in them.

    A number falls into bin i with edges[i-1] < x <= edges[i], ends open; a category into the bin of
    its level. Three bins of `DATA_QUALITY_BINS` follow.
    """

    name: str
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def plain_bins(self) -> int:
        """Bins before the data-quality ones."""
        return len(self.levels) or len(self.edges) + 1

    @property
    def size(self) -> int:
        return self.plain_bins + len(DATA_QUALITY_BINS)

    def places(self, values: npt.NDArray[np.float64], wrong: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The bin of each value; shape of `values`.

        Args:
            values: numbers or level codes, NaN where missing.
            wrong: where a value is present but invalid.
        """
        plain = self.plain_bins
        if self.levels:
            places = np.where(np.isnan(values), 0, values).astype(np.int64)
            # The contract may have gained levels since.
            places[(values == UNSEEN) | (values >= plain)] = plain + 2
        else:
            places = np.searchsorted(self.edges, values, side="left")
        places[np.isnan(values)] = plain
        places[wrong] = plain + 1
        return places

    def count(self, values: npt.NDArray[np.float64], wrong: npt.NDArray[np.bool_]) -> Counts:
        """How many values fall into each bin; shape (size,)."""
        return np.bincount(self.places(values, wrong), minlength=self.size)


@dataclass(frozen=True)
class Profile:
    contract_fingerprint: str
    features: tuple[BinnedQuantity, ...]
    """Every observed field of the contract, in schema order, scored or not."""
    score: BinnedQuantity
    contributions: tuple[BinnedQuantity, ...]
    """One for each feature of the scorecard."""
    reasons: BinnedQuantity
    """Levels are reason codes; counted over all reasons given."""
    outcomes: tuple[int, ...]
    """Applicants by code of outcome, see `scorecard.policy.OUTCOMES`."""
    contract_fields: FieldDigests = ()
    """Of the contract; none in older profiles."""
    development: tuple[tuple[int, ...], ...] = ()
    """Of each feature, counts of the development sample in its bins; none where the population is that sample."""
    exact_ratios: bool = False
    """True if given ratios were counted as computed from their parts, and are to be in a window, too."""
    score_quantiles: tuple[float, ...] = ()
    """`SCORE_STEPS` + 1 of the score, lowest and highest among them; none in older profiles."""
    auc_offset: float | None = None
    """AUC that loans surely show if the scorecard ranks as in training, less the one expected of the same loans by its
    own probabilities; None where training could not tell."""

    @cached_property
    def reference_id(self) -> str:
        """Sixteen hexadecimal digits of a digest over the profile."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def counted_values(self, contract: Contract, values: Matrix) -> Matrix:
        """The values as they are counted; shape (n, observed fields of the contract)."""
        return computed_ratios(contract.screen(with_pricing=True).ratios, values) if self.exact_ratios else values

    def to_dict(self) -> Mapping[str, Any]:
        """Plain data that `from_dict` rebuilds the profile from."""
        fields = {"contract_fields": [list(each) for each in self.contract_fields]} if self.contract_fields else {}
        return {
            **fields,
            **({"ratios": COMPUTED} if self.exact_ratios else {}),
            **({"development": [list(each) for each in self.development]} if self.development else {}),
            **({"score_quantiles": list(self.score_quantiles)} if self.score_quantiles else {}),
            **({"auc_offset": self.auc_offset} if self.auc_offset is not None else {}),
            "contract_fingerprint": self.contract_fingerprint,
            "features": [_to_dict(binned) for binned in self.features],
            "score": _to_dict(self.score),
            "contributions": [_to_dict(binned) for binned in self.contributions],
            "reasons": _to_dict(self.reasons),
            "outcomes": list(self.outcomes),
        }

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Self:
        """The profile from its plain data.

        Raises:
            KeyError: a part is absent.
        """
        return cls(
            contract_fingerprint=described["contract_fingerprint"],
            features=tuple(_from_dict(item) for item in described["features"]),
            score=_from_dict(described["score"]),
            contributions=tuple(_from_dict(item) for item in described["contributions"]),
            reasons=_from_dict(described["reasons"]),
            outcomes=tuple(described["outcomes"]),
            contract_fields=tuple((name, digest) for name, digest in described.get("contract_fields", ())),
            development=tuple(tuple(each) for each in described.get("development", ())),
            exact_ratios=described.get("ratios") == COMPUTED,
            score_quantiles=tuple(described.get("score_quantiles", ())),
            auc_offset=described.get("auc_offset"),
        )


@dataclass(frozen=True, slots=True)
class Population:
    """Scored applicants, as a profile is made of them. All arrays have n rows."""

    values: Matrix
    probability: npt.NDArray[np.float64]
    contributions: npt.NDArray[np.float64]
    reasons: npt.NDArray[np.int64]
    """Shape (n, most reasons): places in the reason book, -1 for none."""
    outcomes: npt.NDArray[np.int8]


def profile_of(
    contract: Contract,
    features: Sequence[str],
    reason_codes: Sequence[str],
    population: Population,
    bins: BinPlan = USUAL_BINS,
) -> Profile:
    """The profile of a population, its bins cut at this population's own spikes, deciles and tails.

    Args:
        features: the scorecard's features, naming the columns of `population.contributions`.
        reason_codes: the reason book's codes.
        population: at least one applicant.
        bins: how many quantiles numbers are cut at.
    """
    wrong = invalid(contract, population.values)
    observed = tuple(
        _feature_profile(field, population.values[:, place], wrong[:, place], bins.of(field.name))
        for place, field in enumerate(contract.observed)
    )
    return Profile(
        contract_fingerprint=contract.fingerprint,
        features=observed,
        score=number_bins("probability", population.probability, bins.of("probability")),
        contributions=tuple(
            number_bins(name, population.contributions[:, place], bins.usual) for place, name in enumerate(features)
        ),
        reasons=_reason_profile(reason_codes, population.reasons),
        outcomes=tuple(np.bincount(population.outcomes, minlength=4).tolist()),
        contract_fields=contract.field_digests,
        score_quantiles=tuple(_score_quantiles(population.probability).tolist()),
    )


def bin_counts(profile: Profile, contract: Contract, values: Matrix) -> tuple[Counts, ...]:
    """Counts of a batch in the profile's bins, one array for each field that the profile observes."""
    values = profile.counted_values(contract, values)
    wrong = invalid(contract, values)
    columns = [contract.position[binned.name] for binned in profile.features]
    return tuple(
        binned.count(values[:, column], wrong[:, column])
        for binned, column in zip(profile.features, columns, strict=True)
    )


def _score_quantiles(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scores of the population, evenly by rank."""
    return np.sort(scores)[np.arange(SCORE_STEPS + 1) * (len(scores) - 1) // SCORE_STEPS]


def _feature_profile(
    field: Field, values: npt.NDArray[np.float64], wrong: npt.NDArray[np.bool_], bins: int
) -> BinnedQuantity:
    edges = () if field.kind is Kind.CATEGORY else _edges(values[~wrong], bins)
    return _count(BinnedQuantity(field.name, edges, field.levels, ()), values, wrong)


def number_bins(name: str, values: npt.NDArray[np.float64], bins: int = BINS) -> BinnedQuantity:
    """The bins of a number, cut at these values, and their counts."""
    return _count(BinnedQuantity(name, _edges(values, bins), (), ()), values, np.zeros(len(values), dtype=bool))


def _reason_profile(codes: Sequence[str], reasons: npt.NDArray[np.int64]) -> BinnedQuantity:
    given = reasons[reasons >= 0].astype(np.float64)
    return _count(BinnedQuantity("reasons", (), tuple(codes), ()), given, np.zeros(len(given), dtype=bool))


def _count(binned: BinnedQuantity, values: npt.NDArray[np.float64], wrong: npt.NDArray[np.bool_]) -> BinnedQuantity:
    return replace(binned, counts=tuple(binned.count(values, wrong).tolist()))


def _edges(values: npt.NDArray[np.float64], bins: int) -> tuple[float, ...]:
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return ()
    distinct, applicants = np.unique(present, return_counts=True)
    spikes = distinct[applicants >= SPIKE * len(present)]
    rest = present[~np.isin(present, spikes)]
    around = (edge for spike in spikes.tolist() for edge in spike_edges(spike))
    return tuple(sorted({*around, *_quantiles(rest, len(rest) / len(present), bins)}))


def _quantiles(rest: npt.NDArray[np.float64], share: float, of_all: int) -> Sequence[float]:
    """Edges between what lies beside the spikes, which is so large a share of all: equal shares of all in each bin."""
    bins = max(1, round(of_all * share))
    at = {place / bins for place in range(1, bins)}
    if share >= LEAST_REST:
        at |= {TAIL / share, 1.0 - TAIL / share}
    return np.quantile(rest, sorted(at)).tolist() if at else []


def spike_edges(value: float) -> tuple[float, float]:
    """The edges of a bin that holds this value alone."""
    return math.nextafter(value, -math.inf), value


def _to_dict(binned: BinnedQuantity) -> Mapping[str, Any]:
    return {
        "name": binned.name,
        "edges": list(binned.edges),
        "levels": list(binned.levels),
        "counts": list(binned.counts),
    }


def _from_dict(described: Mapping[str, Any]) -> BinnedQuantity:
    return BinnedQuantity(
        name=described["name"],
        edges=tuple(described["edges"]),
        levels=tuple(described["levels"]),
        counts=tuple(described["counts"]),
    )
