"""An OpenID provider's token endpoint: unsigned tokens for client credentials, for a broker in development mode."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.doubles.http_server import Handler, web_server

LIFE_S = 60


@dataclass
class TokenEndpoint:
    """One provider; a client's secret is its name with `-secret` behind it."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Clients that were given a token, in order."""


@contextmanager
def token_endpoint(life_s: int = LIFE_S) -> Iterator[TokenEndpoint]:
    endpoint = TokenEndpoint()

    class TokenHandler(Handler):
        def respond(self) -> None:
            form = parse_qs(self.body().decode())
            _, _, encoded = self.headers.get("Authorization", "").partition(" ")
            client, _, secret = base64.b64decode(encoded).decode().partition(":")
            granted = form["grant_type"] == ["client_credentials"] and secret == f"{client}-secret"
            if granted:
                endpoint.asked.append(client)
            answer = (
                {"access_token": unsigned_token(client, life_s), "token_type": "Bearer", "expires_in": life_s}
                if granted
                else {"error": "invalid_client"}
            )
            json_type = {"Content-Type": "application/json"}
            self.reply(200 if granted else 401, json.dumps(answer).encode(), json_type)

    with web_server(TokenHandler) as address:
        endpoint.url = f"{address}/token"
        yield endpoint


def unsigned_token(subject: str, life_s: int) -> str:
    now = int(time.time())
    parts = {"alg": "none", "typ": "JWT"}, {"sub": subject, "iat": now, "exp": now + life_s}
    return ".".join([*(_base64url(json.dumps(part)) for part in parts), ""])


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
