"""What a visit has done here, in memory alone: forgotten when the visit ends, and bounded."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from gateway.desk.visits.session import DeskSession

Item = TypeVar("Item")
MOST_VISITS: Final = 1_000


class VisitMemory(Generic[Item]):
    """The latest items of the latest visits. Belongs to the event loop."""

    def __init__(self, live: Callable[[DeskSession], bool], most: int) -> None:
        """Remembers nothing yet.

        Args:
            live: False for a visit that has ended.
            most: items of one visit.
        """
        self._live, self._most = live, most
        self._visits: OrderedDict[str, tuple[DeskSession, list[Item]]] = OrderedDict()

    def of(self, session: DeskSession) -> list[Item]:
        """The latest first."""
        return self._visits[session.id][1] if session.id in self._visits else []

    def add(self, session: DeskSession, item: Item) -> None:
        self._visits[session.id] = (session, [item, *self.of(session)][: self._most])
        self._visits.move_to_end(session.id)
        for ended in [name for name, (visit, _) in self._visits.items() if not self._live(visit)]:
            del self._visits[ended]
        while len(self._visits) > MOST_VISITS:
            self._visits.popitem(last=False)
