"""A telephone line to a server: TCP passed on from a port of its own, until it is cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

HOST = "127.0.0.1"
BLOCK = 65_536


class Line:
    """Who calls its address reaches the server; nobody while it is cut."""

    def __init__(self, server_port: int) -> None:
        self._server = (HOST, server_port)
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._calls: list[socket.socket] = []
        self._listen()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def cut(self) -> None:
        """Every call ends, and new ones are refused."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for call in self._calls:
            with suppress(OSError):
                call.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """The same address answers again."""
        self._listening = socket.create_server((HOST, self.port))
        self._listen()

    def _listen(self) -> None:
        self._calls = []
        self._thread = threading.Thread(target=self._answer, args=(self._listening, self._calls), daemon=True)
        self._thread.start()

    def _answer(self, listening: socket.socket, calls: list[socket.socket]) -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            calls += [caller, server]
            for ends in ((caller, server), (server, caller)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


@contextmanager
def line_to(server_port: int) -> Iterator[Line]:
    """A line for the length of a block."""
    line = Line(server_port)
    try:
        yield line
    finally:
        line.cut()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with closing(source), suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
