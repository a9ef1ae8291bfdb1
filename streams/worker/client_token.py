"""Token of an OpenID provider for Faust's own Kafka client, by client credentials; librdkafka asks for its own."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from streams.runtime.client_properties import CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_URL

TIMEOUT_S: Final = 5.0
EARLY: Final = 0.8
"""Share of its life after which a token is replaced, as librdkafka does it."""
LIFE_S: Final = 300.0
"""Of a token whose provider does not say."""


class ClientToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Asks for a token when the last one has spent most of its life. Used from one event loop."""

    def __init__(self, properties: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._properties, self._clock = properties, clock
        self._token, self._until = "", 0.0

    async def token(self) -> str:
        """The token in force.

        Raises:
            KafkaConnectionError: the provider gives none; Faust's client asks again.
        """
        if self._clock() >= self._until:
            try:
                answer = await asyncio.to_thread(provider_answer, self._properties)
                self._token, life_s = str(answer["access_token"]), float(answer.get("expires_in", LIFE_S))
            except (OSError, ValueError, KeyError, TypeError) as cause:
                problem = f"no token of the OpenID provider: {type(cause).__name__}"
                raise KafkaConnectionError(problem) from None
            self._until = self._clock() + EARLY * life_s
        return self._token


def provider_answer(properties: Mapping[str, str]) -> Mapping[str, Any]:
    """What the token endpoint answers to these client credentials. Blocking.

    Raises:
        OSError, ValueError, TypeError: it does not answer, or no JSON object.
    """
    url = properties[TOKEN_URL]
    if urlsplit(url).scheme not in ("http", "https"):
        message = "the token endpoint is no address of HTTP"
        raise ValueError(message)
    scope = {"scope": properties[SCOPE]} if properties.get(SCOPE) else {}
    pair = f"{properties[CLIENT_ID]}:{properties[CLIENT_SECRET]}".encode()
    request = Request(  # noqa: S310 - the scheme is checked
        url,
        urlencode({"grant_type": "client_credentials", **scope}).encode(),
        {"Authorization": f"Basic {base64.b64encode(pair).decode()}", "Accept": "application/json"},
    )
    with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme is checked
        found = json.load(answer)
    if not isinstance(found, dict):
        message = "the token endpoint answers no object"
        raise TypeError(message)
    return found
