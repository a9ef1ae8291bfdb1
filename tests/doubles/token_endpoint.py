"""An OpenID provider's token endpoint: unsigned tokens for client credentials, for a broker in development mode."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

LIFE_S = 60


@dataclass
class TokenEndpoint:
    """One provider; a client's secret is its name with `-secret` behind it."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Clients that were given a token, in order."""


@contextmanager
def token_endpoint(life_s: int = LIFE_S) -> Iterator[TokenEndpoint]:
    """Answers for the length of a block."""
    endpoint = TokenEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            _, _, encoded = self.headers.get("Authorization", "").partition(" ")
            client, _, secret = base64.b64decode(encoded).decode().partition(":")
            granted = form["grant_type"] == ["client_credentials"] and secret == f"{client}-secret"
            if granted:
                endpoint.asked.append(client)
            body = json.dumps(
                {"access_token": unsigned_token(client, life_s), "token_type": "Bearer", "expires_in": life_s}
                if granted
                else {"error": "invalid_client"}
            ).encode()
            self.send_response(200 if granted else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unsigned_token(subject: str, life_s: int) -> str:
    now = int(time.time())
    parts = {"alg": "none", "typ": "JWT"}, {"sub": subject, "iat": now, "exp": now + life_s}
    return ".".join([*(_base64url(json.dumps(part)) for part in parts), ""])


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
