"""What the served model takes and gives, by the contract: MLflow refuses any other request before the model sees it.

Made of the contract and not of some rows: five rows do not show which values may be absent.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.contract.contract import Contract, Kind
from schemas.contract.fields import Field, Role
from scorecard.policy import Policy

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

CUT_OFFS = ("approve_below", "decline_from")
"""Parameters of a request: the operator's cut-offs, the scorecard's own where none are given."""


def model_signature(contract: Contract, features: Sequence[str], policy: Policy) -> "ModelSignature":
    """The signature of a scorecard.

    Args:
        contract: a column for each field that it observes; required where no value may be absent.
        features: scored, each with a column of contributions in the answer.
        policy: the scorecard's cut-offs, defaults of the parameters.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    def column(field: Field) -> ColSpec | TensorSpec:
        kind = DataType.string if field.kind is Kind.CATEGORY else DataType.double
        return ColSpec(kind, field.name, required=_is_required(field))

    numbers = ("probability", "margin", "base_value", *(f"contribution.{name}" for name in features))
    answer: list[ColSpec | TensorSpec] = [ColSpec(DataType.string, name) for name in ("outcome", "reasons", "fault")]
    answer += [ColSpec(DataType.double, name, required=name == "base_value") for name in numbers]
    return ModelSignature(
        inputs=Schema([column(field) for field in contract.observed]),
        outputs=Schema(answer),
        params=ParamSchema([ParamSpec(name, DataType.double, float(getattr(policy, name))) for name in CUT_OFFS]),
    )


def _is_required(field: Field) -> bool:
    # An absent ratio is computed, and what is not scored decides nothing.
    return field.role is Role.FEATURE and not (field.nullable or field.missing or field.ratio_of)
