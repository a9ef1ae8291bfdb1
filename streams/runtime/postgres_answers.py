"""PostgreSQL connections that do not wait for ever: a statement without an answer ends its connection.

libpq limits how long a connection is made, and nothing after it: a server that is frozen, or whose host is gone, holds
its callers until TCP gives up, and for good where its kernel still acknowledges. `statement_timeout` is the
server's own clock, which stands still with it.
"""

import math
import time
from collections.abc import Generator
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event


class LimitedConnection(psycopg.Connection[Any]):
    """Closes itself, and raises `psycopg.OperationalError`, if nothing comes for `answer_s`. Used from one thread."""

    answer_s: float = math.inf

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """The result of an operation, which every method of the connection and its cursors waits for in here."""
        return super().wait(self._with_limit(gen), *args, **kwargs)

    def _with_limit(self, operation: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        until = time.monotonic() + self.answer_s
        try:
            wanted = next(operation)
            while True:
                ready = yield wanted
                if ready:
                    until = time.monotonic() + self.answer_s
                elif time.monotonic() >= until:
                    self._give_up()
                wanted = operation.send(ready)
        except StopIteration as end:
            return end.value

    def _give_up(self) -> None:
        # Whatever the server still does with it is rolled back when it finds the connection gone.
        self.pgconn.finish()
        problem = f"no answer within {self.answer_s:g} s"
        raise psycopg.OperationalError(problem)


def limit_answers(engine: sa.Engine, answer_s: float) -> None:
    """Have all connections that an engine of `postgresql+psycopg` opens from now on wait so long at most."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> LimitedConnection:
        connection = LimitedConnection.connect(*arguments, **named)
        connection.answer_s = answer_s
        return connection
