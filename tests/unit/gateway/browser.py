"""A gateway over its double, served on loopback, and Debian's Chromium to look at it."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.doubles.gateway import GatewayDouble, a_gateway

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
START_S = 30.0


@contextmanager
def served_desk(
    port: int = 0, make: Callable[..., GatewayDouble] = a_gateway, **parts: Any
) -> Iterator[tuple[str, GatewayDouble]]:
    """Address and parts of a gateway that runs in a thread with its own event loop."""
    made: list[GatewayDouble] = []

    def app() -> Any:
        made.append(make(**parts))
        return made[0].app

    with serve_app(app, port) as url:
        yield url, made[0]


@contextmanager
def serve_app(make: Callable[[], Any], port: int = 0) -> Iterator[str]:
    """Address of an ASGI application, made and run in a thread with its own event loop; a free port for 0."""
    started = threading.Event()
    told: dict[str, Any] = {}

    async def serve() -> None:
        server = uvicorn.Server(uvicorn.Config(make(), port=port, log_config=None, lifespan="off", ws="none"))
        told.update(server=server)
        task = asyncio.create_task(server._serve())  # without its signal handlers, which are the test run's
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        told["port"] = server.servers[0].sockets[0].getsockname()[1]
        started.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(START_S)
    try:
        yield f"http://127.0.0.1:{told['port']}"
    finally:
        told["server"].should_exit = True
        thread.join(START_S)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where Debian's package is not installed (`make test` installs it as root)."""
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: run `make programs` as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
