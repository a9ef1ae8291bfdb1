"""A TCP proxy that can be cut off, slowed and made to break connections, in a thread of its own.

TCP hides a lost packet; what a client sees of a lossy network are stalls and connections that break amid a message.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loanctl.stack.ports import HOST

CHUNK = 65_536
DELAY_S = 0.15
LOSS = 0.02


@dataclass
class Proxy:
    """Passes connections on to a port. Its switches may be set from any thread."""

    target: int
    port: int = 0
    cut: bool = False
    """New connections are refused, open ones broken."""
    delay_s: float = 0.0
    """Before each piece of data, in both directions."""
    loss: float = 0.0
    """Chance that a piece of data breaks its connection instead of passing."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    _writers: set[Any] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    def break_off(self) -> None:
        self.cut = True
        self._in_loop(self._abort_all)

    def slow_down(self) -> None:
        """Each piece of data takes 75 to 225 ms more."""
        self.delay_s = DELAY_S

    def lose_some(self) -> None:
        """One piece of data in fifty breaks its connection."""
        self.loss = LOSS

    def mend(self) -> None:
        """As before all of it."""
        self.cut, self.delay_s, self.loss = False, 0.0, 0.0

    def serve(self, started: threading.Event, stop: threading.Event) -> None:
        asyncio.run(self._serve(started, stop))

    async def _serve(self, started: threading.Event, stop: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connect, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await asyncio.to_thread(stop.wait)
        self._abort_all()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, onward_writer}
        self._writers |= pair
        try:
            await asyncio.gather(self._pass(reader, onward_writer), self._pass(onward_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s * self.chance.uniform(0.5, 1.5))
                if self.loss and self.chance.random() < self.loss:
                    # Half of a message, and then nothing.
                    writer.write(data[: len(data) // 2])
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _in_loop(self, act: Any) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(act)


@contextmanager
def proxy_of(target: int) -> Iterator[Proxy]:
    """A proxy before this port, for the length of a block."""
    proxy, started, stop = Proxy(target), threading.Event(), threading.Event()
    thread = threading.Thread(target=proxy.serve, args=(started, stop), daemon=True)
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        stop.set()
        thread.join()
