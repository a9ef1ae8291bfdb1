"""Load on an HTTP server, from a process of its own: `python -m tests.bench.http_load PLAN` prints latencies.

The standard library's transports and a parser of two headers: a library's client would take more of the machine than
the server under test. Requests are bytes made beforehand.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import uvloop

HEAD_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What is sent: at a rate, open loop, or as fast as answers come where `rate` is 0."""

    port: int
    path: str
    bodies: str
    """Path of a file of JSON lines, sent in turn."""
    connections: int
    seconds: float
    warm_s: float
    """Before `seconds`, not counted."""
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Milliseconds of each request that began in the time that counts; of an open loop from when it was due."""

    latencies: list[float]
    seconds: float
    refused: int
    """Answers other than 200; of these no latency is counted."""

    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class LoadConnection(asyncio.Protocol):
    """A connection that is kept; one request at a time."""

    def __init__(self) -> None:
        self._read = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """The status of the answer, once it is whole."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # type: ignore[attr-defined]  # of TCP
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(HEAD_END)
        if not found:
            return
        lowered = head.lower()
        at = lowered.index(LENGTH) + len(LENGTH)
        if len(body) >= int(lowered[at:].split(b"\r\n", 1)[0]) and self._answer is not None:
            self._read = b""
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed it: no measurement."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())


def requests(plan: LoadPlan) -> list[bytes]:
    head = f"POST {plan.path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "
    bodies = Path(plan.bodies).read_bytes().splitlines()
    return [b"%b%d\r\n\r\n%b" % (head.encode(), len(body), body) for body in bodies]


async def load(plan: LoadPlan) -> LoadResult:
    loop = asyncio.get_running_loop()
    pool: asyncio.Queue[LoadConnection] = asyncio.Queue()
    for _ in range(plan.connections):
        _, connection = await loop.create_connection(LoadConnection, "127.0.0.1", plan.port)
        pool.put_nowait(connection)
    measure = _Measure(time.perf_counter() + plan.warm_s, plan.seconds)
    turn = itertools.cycle(requests(plan))
    if plan.rate:
        await _at_rate(plan, pool, turn, measure)
    else:
        await asyncio.gather(*(_one_after_another(pool.get_nowait(), turn, measure) for _ in range(plan.connections)))
    return LoadResult(measure.latencies, plan.seconds, measure.refused)


class _Measure:
    def __init__(self, begin: float, seconds: float) -> None:
        self.begin, self.end = begin, begin + seconds
        self.latencies: list[float] = []
        self.refused = 0

    def add(self, since: float, status: int) -> None:
        now = time.perf_counter()
        if since < self.begin or now > self.end:
            return
        if status == 200:
            self.latencies.append(1e3 * (now - since))
        else:
            self.refused += 1


async def _one_after_another(connection: LoadConnection, turn: Iterator[bytes], measure: _Measure) -> None:
    while (began := time.perf_counter()) < measure.end:
        measure.add(began, await connection.ask(next(turn)))


async def _at_rate(
    plan: LoadPlan, pool: "asyncio.Queue[LoadConnection]", turn: Iterator[bytes], measure: _Measure
) -> None:
    first = measure.begin - plan.warm_s
    # An answer that comes after the end is as late as it is: the last ones are waited for.
    measure.end += plan.seconds
    async with asyncio.TaskGroup() as group:
        for place in range(int(plan.rate * (plan.warm_s + plan.seconds))):
            due = first + place / plan.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_when_free(pool, next(turn), due, measure))


async def _when_free(pool: "asyncio.Queue[LoadConnection]", request: bytes, due: float, measure: _Measure) -> None:
    connection = await pool.get()
    measure.add(due, await connection.ask(request))
    pool.put_nowait(connection)


def main(arguments: Sequence[str]) -> None:
    """Runs one plan, given as JSON."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(asdict(runner.run(load(LoadPlan(**json.loads(arguments[0])))))))


if __name__ == "__main__":
    main(sys.argv[1:])
