"""Slow clients on a real socket: cut where the head, or the body, does not come in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from gateway.slow_clients import MOST_HEAD_BYTES, protocol_of
from tests.doubles.gateway import a_gateway

HEAD_S = 0.3


@asynccontextmanager
async def serve(app: Any, head_s: float = HEAD_S, most_connections: int = 100) -> AsyncIterator[int]:
    protocol = protocol_of(head_s, most_connections)
    config = uvicorn.Config(app, port=0, http=protocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())  # without its signal handlers, which are the test run's
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def answer_to(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(20):
        found = await reader.read(-1 if pieces != (WHOLE,) else 15)
    writer.close()
    return found


WHOLE = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("pieces", [(), (b"GET /health HTTP/1.1\r\nHost:",), (b"G",)])
async def test_a_head_that_does_not_come_is_cut_without_an_answer(pieces: tuple[bytes, ...]) -> None:
    async with serve(a_gateway().app) as port:
        assert await answer_to(port, *pieces) == b""


async def test_a_second_request_on_the_connection_is_held_to_it_too() -> None:
    async with serve(a_gateway().app) as port:
        found = await answer_to(port, WHOLE, b"GET /hea")

    assert found.count(b"HTTP/1.1 200") == 1


async def test_a_whole_head_is_answered() -> None:
    async with serve(a_gateway().app) as port:
        assert await answer_to(port, WHOLE) == b"HTTP/1.1 200 OK"


async def test_a_body_that_does_not_come_is_408_and_cut() -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"

    async with serve(a_gateway(gateway_read_timeout_s=0.3).app) as port:
        found = await answer_to(port, head)

    assert found.startswith(b"HTTP/1.1 408")


async def fed(port: int, size: int, *, ends: bool) -> bytes:
    """What is answered to a head of so many bytes, of which the last ones come when the others have been read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begin, end = b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", b"\r\n\r\n" if ends else b""
    writer.write(begin + b"y" * (size - len(begin) - len(end)) + end)
    async with asyncio.timeout(20):
        found = await reader.read(12)
    writer.close()
    return found


@pytest.mark.parametrize(
    ("size", "ends", "answer"),
    [
        (MOST_HEAD_BYTES - 1, True, b"HTTP/1.1 200"),
        (MOST_HEAD_BYTES, True, b"HTTP/1.1 200"),
        (MOST_HEAD_BYTES, False, b""),  # cut for its slowness, later
        (MOST_HEAD_BYTES + 1, False, b"HTTP/1.1 431"),
    ],
)
async def test_a_head_that_does_not_end_is_refused_at_its_limit(size: int, ends: bool, answer: bytes) -> None:
    async with serve(a_gateway().app, head_s=3.0) as port:
        assert await fed(port, size, ends=ends) == answer


async def test_a_long_body_is_no_long_head() -> None:
    body = b"{" + b" " * (2 * MOST_HEAD_BYTES) + b"}"
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )

    async with serve(a_gateway().app) as port:
        first = await answer_to(port, head + body[:100], body[100:], b"GET")

    assert first.startswith(b"HTTP/1.1 422")


async def test_as_many_connect_as_may_and_a_request_on_one_more_is_503_by_a_problem_document() -> None:
    async with serve(a_gateway().app, head_s=60.0, most_connections=2) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port)]
        at_limit = await answer_to(port, WHOLE)
        idle.append(await asyncio.open_connection("127.0.0.1", port))
        over = await answer_to(port, b"GET /health HTTP/1.1\r\n", b"Host: x\r\n\r\n")
        for _, writer in idle:
            writer.close()

    assert at_limit == b"HTTP/1.1 200 OK"
    assert over.startswith(b"HTTP/1.1 503 ")
    assert b"content-type: application/problem+json\r\n" in over
    assert b'"type":"urn:loan:problem:too-many-connections"' in over
