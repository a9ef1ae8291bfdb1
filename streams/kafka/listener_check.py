"""What a listener speaks that takes connections and does not answer: another protocol than ours, or nothing.

librdkafka reports a listener of another protocol as an outage: it closes connections as a broker does that ends. So
the listener is asked in the other protocols. One that answers is up, and waiting for it is of no use. Nothing but the
first request of any client is sent, and no secret.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from streams.runtime.settings import Connection

ASK_S: Final = 1.0
MOST_SERVERS: Final = 2
PORT: Final = 9092
API_VERSIONS: Final = (18, 0)
SASL_HANDSHAKE: Final = (17, 1)
NO_MECHANISM: Final = b"\x00\x00"
UNSUPPORTED_MECHANISM: Final = 33
"""The answer to a handshake of no mechanism where there is SASL; elsewhere it is ILLEGAL_SASL_STATE."""
ANSWER_BYTES: Final = 10
"""Length, number of the request, and an error code: so begin the answers to both requests."""


def protocol_mismatch(connection: Connection) -> str:
    """How a listener differs from `LOAN_KAFKA_SECURITY_PROTOCOL`; empty if it does not, or gives no answer at all."""
    ours = connection.kafka_security_protocol
    tls, setting = "SSL" in ours, f"LOAN_KAFKA_SECURITY_PROTOCOL={ours}"
    for address in _addresses(connection.bootstrap_servers):
        server = f"{address[0]}:{address[1]}"
        if not tls and _speaks_tls(address):
            return f"{server} speaks TLS, and {setting} does not"
        if tls and _error_code(address, API_VERSIONS, tls=False) is not None:
            return f"{server} speaks no TLS, and {setting} does"
        if "SASL" not in ours and _error_code(address, SASL_HANDSHAKE, NO_MECHANISM, tls=tls) == UNSUPPORTED_MECHANISM:
            return f"{server} asks for SASL, and {setting} has none"
    return ""


def _addresses(servers: str) -> Iterator[tuple[str, int]]:
    for server in servers.split(",")[:MOST_SERVERS]:
        host, _, port = server.strip().rpartition("://")[2].rpartition(":")
        with suppress(ValueError):
            yield (host.strip("[]"), int(port)) if host else (port, PORT)


def _error_code(address: tuple[str, int], request: tuple[int, int], body: bytes = b"", *, tls: bool) -> int | None:
    """Of the answer to a request (key and version) without a client's name; None if there is no answer."""
    number = (1).to_bytes(4)
    fields = b"".join(part.to_bytes(2) for part in request) + number + b"\xff\xff" + body
    try:
        with socket.create_connection(address, ASK_S) as plain, _tls_over(plain) if tls else plain as link:
            link.sendall(len(fields).to_bytes(4) + fields)
            answer = link.recv(ANSWER_BYTES)
    except OSError:
        return None
    return int.from_bytes(answer[8:]) if len(answer) == ANSWER_BYTES and answer[4:8] == number else None


def _speaks_tls(address: tuple[str, int]) -> bool:
    """True if it shakes hands, or refuses to by an alert."""
    try:
        with socket.create_connection(address, ASK_S) as plain, _tls_over(plain):
            return True
    except ssl.SSLError as refusal:
        return "ALERT" in (refusal.reason or "")
    except OSError:
        return False


def _tls_over(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Whose certificate it has is not the question, and nothing is sent to it.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)
