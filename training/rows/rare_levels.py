"""Levels that too few rows have to learn from: named in the verdict, and left out where the contract refers them.

A level that the contract has gained is so trained from at the first training that has enough rows of it. Pure.
"""

from dataclasses import replace
from typing import Final

from schemas.applications import Fault, Matrix
from schemas.contract.contract import Contract
from schemas.contract.fields import Unknown
from schemas.small_groups import LEAST_PEOPLE
from scorecard.features import FeatureSpace
from training.rows.labelled_rows import CleanRows

RARE_LEVEL: Final = "rare_level"
"""Why rows are left out, beside the faults of `schemas.applications`."""
TREATMENT: Final = {
    Unknown.REFER: "the scorecard refers applicants who have it",
    Unknown.SCORE: "the scorecard scores it as no level",
    Unknown.MISSING: "the scorecard scores it as missing",
}


def learnable_features(contract: Contract, values: Matrix, *, with_pricing: bool) -> FeatureSpace:
    """What a scorecard may use, each category with the levels that enough of these rows have.

    Args:
        values: all rows of one training, shape (n, observed fields of the contract).
        with_pricing: prices are scored.
    """
    scored = [field.name for field in contract.scored(with_pricing=with_pricing)]
    return FeatureSpace.of(contract, scored).with_frequent_levels(values)


def without_rare_levels(contract: Contract, cleaned: CleanRows, *, with_pricing: bool) -> CleanRows:
    """Rows whose levels can all be learned from or need not be, with a note on each level that is not.

    Args:
        cleaned: all rows of one training.
        with_pricing: prices are scored.
    """
    values = cleaned.rows.values
    space = learnable_features(contract, values, with_pricing=with_pricing)
    sound = space.faults(contract, values).codes == Fault.NONE
    rare = int((~sound).sum())
    if rare == 0:
        return replace(cleaned, notes=(*cleaned.notes, *_notes(contract, space)))
    left_out = {**cleaned.left_out, RARE_LEVEL: cleaned.left_out.get(RARE_LEVEL, 0) + rare}
    # Without these rows another level may have too few.
    kept = replace(cleaned, rows=cleaned.rows.take(sound), left_out=left_out)
    return without_rare_levels(contract, kept, with_pricing=with_pricing)


def _notes(contract: Contract, space: FeatureSpace) -> list[str]:
    return [
        f"fewer than {LEAST_PEOPLE} rows have {name} {', '.join(levels)}: {TREATMENT[contract.field(name).unknown]}"
        for name, levels in space.unknown.items()
    ]
