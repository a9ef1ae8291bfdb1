"""Decisions of a demo: the champion's own, computed here; no application reaches a topic or is remembered."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.exchange.exchange import Exchange, Publisher, Submission
from gateway.exchange.pending_decisions import Decision, PendingDecisions
from schemas.errors import OutageError
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.policy import Policy


class ChampionAwayError(OutageError):
    """There is no champion yet."""

    dependency = "champion"


class MadeUpExchange(Exchange):
    """Decides where an exchange would publish and wait."""

    def __init__(
        self,
        pending: PendingDecisions,
        publisher: Publisher,
        hypotheticals: Hypotheticals,
        deciding: Callable[[], tuple[RegisteredScorecard, Policy] | None],
    ) -> None:
        """Starts nothing.

        Args:
            pending: stays empty.
            publisher: says the id of the schema, and publishes nothing.
            hypotheticals: the worker's own code.
            deciding: champion and cut-offs; None before there are any.
        """
        super().__init__(pending, publisher, timeout_s=0.0)
        self._hypotheticals = hypotheticals
        self._deciding = deciding

    async def decisions(self, submissions: Sequence[Submission]) -> list[Decision]:
        """The decision on each application, in order.

        Raises:
            ChampionAwayError: there is no champion yet.
        """
        deciding = self._deciding()
        if deciding is None:
            raise ChampionAwayError
        records = [each.record for each in submissions]
        return await asyncio.to_thread(self._hypotheticals.decisions, records, *deciding)
