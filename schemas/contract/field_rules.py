"""Rules that an observed field must satisfy: no contradiction within it, or of its reasons with other fields. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.contract.fields import Actionable, Field, Kind, Role, Unknown
from schemas.contract.protected_characteristics import ProtectedCharacteristic, medical, suggestion
from schemas.contract.reason_texts import RISKY, Fact, FactState

AGE_UNBOUND: Final = (
    "is an age and scored without a bound: no age of 62 or more may count against an applicant;"
    " give it `monotone` -1, or the role watched"
)

UNDECLARED: Final = (
    "field {name} is scored and its words suggest a protected characteristic ({kind}): declare it by `protected`,"
    ' or say "protected": "none" where it is none'
)


def field_problem(field: Field, known: Mapping[str, int]) -> str:
    """A field's contradiction; empty for none."""
    problem = ""
    if field.kind is Kind.CATEGORY and not field.levels:
        problem = "is a category without levels"
    elif field.kind is Kind.NUMBER and field.unknown is not Unknown.REFER:
        problem = "says what an unknown level does, and is a number"
    elif field.unknown is Unknown.MISSING and not field.missing:
        problem = "treats an unknown level as missing, and may not be missing"
    elif field.low > field.high:
        problem = "has a range that ends before it begins"
    elif field.missing and not field.nullable:
        problem = "may be missing, but its type has no null"
    elif any(name not in known for name in (*(field.ratio_of or ()), *filter(None, [field.at_most]))):
        problem = "refers to a field that there is not"
    elif field.actionable is not None:
        problem = _actionable_problem(field, field.actionable)
    return problem or _groups_problem(field) or _reference_problem(field) or _protection_problem(field)


def _groups_problem(field: Field) -> str:
    parted = not field.groups or (field.kind is Kind.NUMBER and list(field.groups) == sorted(set(field.groups)))
    return "" if parted else "has groups to compare, and they are no rising numbers of a number"


def _reference_problem(field: Field) -> str:
    if field.reference == "":
        return ""
    if field.role is not Role.WATCHED:
        return "has a reference group and is not watched: groups of watched fields alone are compared"
    if field.kind is Kind.CATEGORY:
        return "" if field.reference in field.levels else "has a reference group that is no level of its own"
    if not field.groups:
        return "has a reference group and no groups that part it"
    number = isinstance(field.reference, int | float) and not isinstance(field.reference, bool)
    inside = number and field.low <= float(field.reference) <= field.high
    return "" if inside else "has a reference group that is no number of its range"


def _protection_problem(field: Field) -> str:
    """A scored field's use that its protected characteristic forbids; empty for none."""
    merged, others = {level for level, _ in field.scored_as}, {other for _, other in field.scored_as}
    if not (merged | others) <= set(field.levels) or merged & others:
        return "has levels scored as another that are not declared, or as one that is itself scored as another"
    if field.role not in {Role.FEATURE, Role.PRICING} or field.protected is ProtectedCharacteristic.NONE:
        return ""
    if field.protected is ProtectedCharacteristic.AGE:
        return "" if field.monotone == -1 else AGE_UNBOUND
    if field.protected is ProtectedCharacteristic.MEDICAL and field.scored_as:
        return ""
    return f"is protected ({field.protected.value}) and cannot be scored: give it the role watched or ignored"


def reason_problem(fields: Sequence[Field], scored: Mapping[str, Field]) -> str:
    """The fault of these fields' reasons; empty for none."""
    said: dict[str, str] = {}
    for field in fields:
        for reason in field.texts:
            if said.setdefault(reason.code, reason.text) != reason.text:
                return f"field {field.name} gives code {reason.code} another text than a field before it"
            problem = _facts_problem(reason.when, scored)
            if problem:
                return f"field {field.name}, reason {reason.code}: {problem}"
    return ""


def declaration_problem(fields: Sequence[Field]) -> str:
    """The scored field whose words suggest an undeclared protected characteristic; empty for none."""
    for field in fields:
        if field.protected is not ProtectedCharacteristic.NONE or field.exempt:
            continue
        kinds = {suggestion(field.name), suggestion(field.column)} - {ProtectedCharacteristic.NONE}
        if set(field.levels) - {level for level, _ in field.scored_as} and any(map(medical, field.levels)):
            kinds.add(ProtectedCharacteristic.MEDICAL)
        if kinds:
            return UNDECLARED.format(name=field.name, kind=min(kinds).value)
    return ""


def _facts_problem(facts: Sequence[Fact], scored: Mapping[str, Field]) -> str:
    if any(fact.field not in scored for fact in facts):
        return "states something of a field that is not scored"
    for fact in facts:
        field = scored[fact.field]
        if fact.state is FactState.MISSING and not field.missing:
            return f"states that {field.name} is missing, and it may not be"
        if fact.state is FactState.LEVEL and not set(fact.levels) <= set(field.levels):
            return f"states levels that {field.name} does not declare"
        if fact.state in RISKY and (field.kind is not Kind.NUMBER or field.monotone == -RISKY[fact.state]):
            return f"states that {field.name} is {fact.state.value}, which its risk does not fall with"
    stated = [fact for fact in facts if fact.state in RISKY]
    if stated and not any(scored[fact.field].monotone == RISKY[fact.state] for fact in stated):
        return "states a direction, and no field of it is bound to one: give `monotone`, or a neutral text"
    return ""


def _actionable_problem(field: Field, change: Actionable) -> str:
    """Its fault; empty for none."""
    if field.ratio_of is not None:
        return "is a ratio and cannot be actionable: its parts can"
    if field.kind is Kind.CATEGORY:
        return "" if change.levels and set(change.levels) <= set(field.levels) else "is actionable to no declared level"
    moves = change.direction in (-1, 1) and change.step > 0 and change.steps > 0 and not change.levels
    return "" if moves else "is actionable without a direction of -1 or 1, a positive step and a number of steps"
