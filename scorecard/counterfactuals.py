"""Counterfactuals: the smallest changes of actionable fields after which an application would be approved.

Exact search over the grid that the contract's `actionable` attributes span: every combination of steps is scored,
few fields before many, with ratios recomputed and the contract's constraints kept. Fewest fields first,
then fewest steps, ties in schema order; an answer is dropped if another changes a part of its fields, and none
of them further (Wachter, Mittelstadt and Russell, *Counterfactual explanations without opening the
black box*, 2018, ask for the closest world; the steps are the contract's measure of closeness). Pure, except for the
clock that the caller passes in.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Fault, Matrix, with_ratios
from schemas.contract.contract import Contract, Field, Kind
from scorecard.forest.forest import Nodes, sums_of_variants
from scorecard.policy import APPROVE, Policy, outcomes
from scorecard.scorecard import Scorecard, raw_probability

CHUNK: Final = 4_096
"""Combinations scored between two checks of the clock: a few milliseconds' worth."""

ROUNDING: Final = 1e-6
"""More than the order of summation moves a margin, and less than any step does."""


@dataclass(frozen=True, slots=True)
class FeatureMove:
    """One field, moved. Values are those of `schemas.applications`: numbers, or codes of levels."""

    field: Field
    before: float
    after: float
    steps: int


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Changes that are enough together, and the probability of default after them."""

    changes: tuple[FeatureMove, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """Results of a search, best first.

    `complete` is False where the time was over before every combination that could rank was scored.
    """

    found: tuple[Counterfactual, ...]
    complete: bool
    scored: int


Option = tuple[float, int]
"""A value, and the steps it takes."""

Options = dict[int, list[Option]]
"""By column of the row."""


class CounterfactualSearch:
    """Searches for one scorecard under one policy; keeps what is the same for all applicants."""

    def __init__(self, scorecard: Scorecard, policy: Policy, contract: Contract) -> None:
        self._scorecard, self._policy, self._contract = scorecard, policy, contract
        self._nodes: Nodes = scorecard.forest.nodes()
        self._ratios = {
            contract.position[field.name]: {contract.position[part] for part in field.ratio_of}
            for field in contract.observed
            if field.ratio_of
        }

    def best(
        self, row: npt.NDArray[np.float64], *, most: int, in_time: Callable[[], bool] = lambda: True
    ) -> Counterfactuals:
        """The best `most` counterfactuals of one applicant.

        Args:
            row: shape (observed,); scorable, see `schemas.applications.faults`.
            most: at least 1.
            in_time: called between chunks; False ends the search.
        """
        options = options_of(self._contract, row, self._scorecard.features.names)
        found: list[Counterfactual] = []
        scored = 0
        for size in range(1, len(options) + 1):
            for fields in itertools.combinations(options, size):
                for steps in _grid([len(options[field]) for field in fields]):
                    if not in_time():
                        return Counterfactuals(tuple(_minimal(found)[:most]), complete=False, scored=scored)
                    moving = {field: options[field] for field in fields}
                    found += self._best_of(row, moving, steps, found, most)
                    scored += len(steps[0])
            found = _minimal(found)
            if len(found) >= most:
                break
            options = _short_of(options, found, self._contract)
        return Counterfactuals(tuple(found[:most]), complete=True, scored=scored)

    def warm(self, row: npt.NDArray[np.float64]) -> None:
        """Compiles, or loads from the cache, the kernels that a search runs."""
        self._quick(row[None, :], ())

    def _best_of(
        self,
        row: npt.NDArray[np.float64],
        options: Options,
        steps: Sequence[npt.NDArray[np.int64]],
        found: Sequence[Counterfactual],
        most: int,
    ) -> list[Counterfactual]:
        """The best `most` of some combinations that would be approved, by the worker's own arithmetic.

        Args:
            steps: of each of these fields, the place in its options of every combination.
            found: better ones, of which none may be a part of these.
        """
        values = self._values(row, options, steps)
        allowed = np.flatnonzero(self._scorecard.features.faults(self._contract, values).codes == Fault.NONE)
        likely = allowed[self._approves(self._quick(values[allowed], options.keys()))]
        if not len(likely):
            return []
        probability = self._scorecard.score(values[likely]).probability
        sure = self._approves(probability)
        places = likely[sure]
        taken = {
            self._contract.observed[column]: np.array(moves)[step[places]]
            for (column, moves), step in zip(options.items(), steps, strict=True)
        }
        return [
            Counterfactual(
                _changes(self._contract, row, options, [int(step[places[nth]]) for step in steps]),
                float(probability[sure][nth]),
            )
            for nth in _smallest(taken, found, most)
        ]

    def _values(self, row: npt.NDArray[np.float64], options: Options, steps: Sequence[npt.NDArray[np.int64]]) -> Matrix:
        values = np.repeat(row[None, :], len(steps[0]), axis=0)
        for (field, moves), column in zip(options.items(), steps, strict=True):
            values[:, field] = np.array([value for value, _ in moves])[column]
        for ratio, parts in self._ratios.items():
            if parts & options.keys():
                values[:, ratio] = np.nan
        return with_ratios(self._contract, values)

    def _quick(self, values: Matrix, moved: Collection[int]) -> npt.NDArray[np.float64]:
        """Probabilities without contributions, a hair low: who is approved by `Scorecard.score` is approved here.

        Args:
            values: of one applicant, shape (n, observed).
            moved: columns in which they differ; with the ratios of these they are the only ones.
        """
        features = self._scorecard.features
        differ = {*moved, *(ratio for ratio, parts in self._ratios.items() if not parts.isdisjoint(moved))}
        varies = np.array([position in differ for position in features.positions])[features.groups]
        base = self._scorecard.forest.base
        margin = sums_of_variants(self._nodes, features.encode(values), varies, base) - ROUNDING
        return self._scorecard.calibration.apply(raw_probability(self._scorecard.space, margin))

    def _approves(self, probability: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return np.asarray(outcomes(self._policy, probability) == APPROVE)


def options_of(contract: Contract, row: npt.NDArray[np.float64], usable: Sequence[str]) -> Options:
    """By column of the row, the values that an applicant could reach, nearest first.

    Args:
        usable: features of the scorecard; what is not scored, not even by a ratio, changes nothing.
    """
    scored = set(usable) | {part for name in usable for part in contract.field(name).ratio_of or ()}
    return {
        column: options
        for column, field in enumerate(contract.observed)
        if field.actionable is not None and field.name in scored and (options := _options(field, row[column]))
    }


def _options(field: Field, value: float) -> list[Option]:
    change = field.actionable
    if change is None or not np.isfinite(value):
        return []
    if field.kind is Kind.CATEGORY:
        codes = (float(field.levels.index(level)) for level in change.levels)
        return [(code, 1) for code in codes if code != value]
    low, high = max(field.low, change.low), min(field.high, change.high)
    reached = ((round(value + change.direction * change.step * n, 9), n) for n in range(1, change.steps + 1))
    return [(number, n) for number, n in reached if low <= number <= high]


def _changes(
    contract: Contract, row: npt.NDArray[np.float64], options: Options, places: Sequence[int]
) -> tuple[FeatureMove, ...]:
    return tuple(
        FeatureMove(contract.observed[column], float(row[column]), *moves[place])
        for (column, moves), place in zip(options.items(), places, strict=True)
    )


def _grid(sizes: Sequence[int]) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """Places in each field's options, of every combination, in blocks."""
    total = int(np.prod(sizes))
    for begin in range(0, total, CHUNK):
        yield np.unravel_index(np.arange(begin, min(begin + CHUNK, total)), sizes)


def _short_of(options: Options, found: Sequence[Counterfactual], contract: Contract) -> Options:
    """The options without those that are enough alone: together with others they would be no smallest change."""
    enough = [each.changes[0] for each in found if len(each.changes) == 1]
    left = {}
    for column, moves in options.items():
        field = contract.observed[column]
        alone = [change for change in enough if change.field.name == field.name]
        left[column] = [
            (value, steps)
            for value, steps in moves
            if not any(_as_far(change, FeatureMove(field, change.before, value, steps)) for change in alone)
        ]
    return {column: moves for column, moves in left.items() if moves}


def _rank(found: Sequence[Counterfactual]) -> list[Counterfactual]:
    return sorted(found, key=lambda each: (len(each.changes), sum(change.steps for change in each.changes)))


def _minimal(found: Sequence[Counterfactual]) -> list[Counterfactual]:
    """Ranked, without those that change as much as a better one and more."""
    kept: list[Counterfactual] = []
    for each in _rank(found):
        if not any(_within(better, each.changes) for better in kept):
            kept.append(each)
    return kept


def _within(better: Counterfactual, changes: Sequence[FeatureMove]) -> bool:
    moved = {change.field.name: change for change in changes}
    return all(change.field.name in moved and _as_far(change, moved[change.field.name]) for change in better.changes)


def _smallest(taken: Mapping[Field, npt.NDArray[np.float64]], found: Sequence[Counterfactual], most: int) -> list[int]:
    """The first `most` of combinations, by their steps, that are none of `found` and more, nor of one another.

    Args:
        taken: by field that moves, value and steps of each combination, shape (n, 2).
        found: of smaller or equal size.
    """
    order = np.argsort(np.sum([moves[:, 1] for moves in taken.values()], axis=0), kind="stable")
    left = np.ones(len(order), dtype=np.bool_)
    for better in found:
        left &= ~_as_far_as({change.field.name: (change.after, change.steps) for change in better.changes}, taken)
    kept: list[int] = []
    while len(kept) < most and left.any():
        nth = int(order[left[order]][0])
        kept.append(nth)
        left &= ~_as_far_as({field.name: moves[nth] for field, moves in taken.items()}, taken)
    return kept


def _as_far_as(
    point: Mapping[str, Sequence[float]], taken: Mapping[Field, npt.NDArray[np.float64]]
) -> npt.NDArray[np.bool_]:
    """Combinations that move each field of `point` (value, steps) as it does, or further; see `_as_far`."""
    if not point.keys() <= {field.name for field in taken}:
        return np.zeros(len(next(iter(taken.values()))), dtype=np.bool_)
    masks = [
        moves[:, 0] == point[field.name][0] if field.kind is Kind.CATEGORY else moves[:, 1] >= point[field.name][1]
        for field, moves in taken.items()
        if field.name in point
    ]
    return np.asarray(np.all(masks, axis=0))


def _as_far(change: FeatureMove, other: FeatureMove) -> bool:
    if change.field.kind is Kind.CATEGORY:
        return change.after == other.after
    return change.steps <= other.steps
