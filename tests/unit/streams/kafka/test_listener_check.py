"""A listener that gives no answer is an outage, whatever protocol is set."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from loanctl.stack.ports import HOST
from streams.kafka import listener_check
from streams.kafka.listener_check import protocol_mismatch
from streams.runtime.settings import Connection

PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server((HOST, 0))) as server:
        yield server


def a_connection(server: socket.socket, protocol: str) -> Connection:
    return Connection(
        _env_file=None, bootstrap_servers=f"{HOST}:{server.getsockname()[1]}", kafka_security_protocol=protocol
    )


def _close_each(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            server.accept()[0].close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_that_closes_every_connection_speaks_no_other_protocol(listener: socket.socket, protocol: str) -> None:
    threading.Thread(target=_close_each, args=(listener,), daemon=True).start()

    assert protocol_mismatch(a_connection(listener, protocol)) == ""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_that_is_silent_speaks_no_other_protocol(
    listener: socket.socket, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_check, "ASK_S", 0.05)

    assert protocol_mismatch(a_connection(listener, protocol)) == ""


@pytest.mark.parametrize(
    ("servers", "addresses"),
    [
        ("a:1, b:2,c:3", [("a", 1), ("b", 2)]),
        ("SASL_SSL://a:1", [("a", 1)]),
        ("[::1]:1", [("::1", 1)]),
        ("a", [("a", 9092)]),
        ("a:b", []),
    ],
)
def test_servers_are_read_as_librdkafka_reads_them(servers: str, addresses: list[tuple[str, int]]) -> None:
    assert list(listener_check._addresses(servers)) == addresses
