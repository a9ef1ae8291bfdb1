"""PostgreSQL connections that do not wait for ever: a statement without an answer ends its connection.

libpq limits how long a connection is made, and nothing after it: a server that is frozen, or whose host is gone, holds
its callers until TCP gives up, and for good where its kernel still acknowledges. `statement_timeout` is the
server's own clock, which stands still with it.
"""

import math
import time
from collections.abc import Generator, Mapping
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

CONNECT_TIMEOUT_S: Final = 5


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


def postgres_engine(url: sa.URL, answer_s: float, connect_args: Mapping[str, Any], **options: Any) -> sa.Engine:
    """An engine of `postgresql+psycopg` whose errors tell no parameters. Connects nothing yet.

    Args:
        answer_s: the longest wait for an answer to a statement.
        connect_args: of each connection; over what the URL says.
        options: of SQLAlchemy's engine.
    """
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connect_args, **options)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> LimitedConnection:
        connection = LimitedConnection.connect(*arguments, **named)
        connection.answer_s = answer_s
        return connection

    return engine
