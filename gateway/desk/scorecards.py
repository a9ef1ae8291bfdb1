"""The page Scorecards: the champion's card, the challenger beside it, and the effect of other cut-offs."""

import asyncio
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from gateway.access.roles import CallerRole
from gateway.api.what_if import champion_of
from gateway.desk.desk import Desk, Route
from gateway.desk.model_versions import card, comparison
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.problems import Problem
from ledger.query import past_decisions
from schemas.errors import OutageError, SetupError
from scorecard.costs import Costs
from scorecard.policy import Policy
from scorecard.policy_effect import Effect, effect
from scorecard.registry.model_registry import CHALLENGER, CHAMPION

READERS: Final = frozenset({CallerRole.OFFICER, CallerRole.AUDITOR, CallerRole.OPERATOR})
LOOKED_AT: Final = 5_000
"""Latest decisions that cut-offs are tried on: some 50 ms."""


class ScorecardRoom:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gateway = desk.gateway

    def routes(self) -> list[Route]:
        return [("GET", "/desk/scorecards", self.page)]

    async def page(self, request: Request) -> Response:
        """The whole room, or what the cut-offs come to for a script that moved a slider."""
        session = self._desk.visit(request, READERS)
        holder = champion_of(self._gateway)
        current, costs = self._gateway.policy(holder), Costs()
        typed = _form_values(request.query_params, current, costs)
        context: dict[str, Any] = {"typed": typed, "current": current, "effect": None, "fault": ""}
        try:
            context["effect"] = await asyncio.to_thread(self._effect, typed)
        except (SetupError, ValueError) as fault:
            context["fault"] = str(fault)
        if "hx-request" in request.headers:
            return self._desk.page(request, session, "cutoffs.html", **context)
        context |= {"card": card(holder), "rows": [], "registry_away": False}
        try:
            context["rows"] = await asyncio.to_thread(self._comparison)
        except OutageError:
            context["registry_away"] = True
        status = HTTPStatus.UNPROCESSABLE_ENTITY if context["fault"] else HTTPStatus.OK
        return self._desk.page(request, session, "scorecards.html", status, **context)

    def _comparison(self) -> list[Any]:
        versions = self._gateway.versions
        return comparison(versions.champion(CHAMPION), versions.champion(CHALLENGER))

    def _effect(self, typed: Mapping[str, float]) -> Effect | None:
        """None without a ledger. Raises SetupError for cut-offs or costs that cannot be."""
        policy = Policy(typed["approve_below"], typed["decline_from"])
        costs = Costs(default=typed["default"], review=typed["review"])
        ledger = self._gateway.ledger
        return None if ledger is None else _effect(ledger, policy, costs)


def _effect(ledger: LedgerLookup, policy: Policy, costs: Costs) -> Effect:
    with ledger.database.read_transaction() as connection:
        decided = past_decisions.latest(connection, LOOKED_AT)
        ends = past_decisions.ends(connection, [each.application_id for each in decided])
    return effect(decided, policy, ends, costs)


def _form_values(given: Mapping[str, str], policy: Policy, costs: Costs) -> dict[str, float]:
    usual = {
        "approve_below": policy.approve_below,
        "decline_from": policy.decline_from,
        "default": costs.default,
        "review": costs.review,
    }
    return {name: _number(given.get(name, ""), value) for name, value in usual.items()}


def _number(text: str, otherwise: float) -> float:
    if not text:
        return otherwise
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed-form", "a cut-off or a cost is not a number")
    return number
