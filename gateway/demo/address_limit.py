"""Rate limit by address, for a gateway without sign-in."""

import ipaddress
import math
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.rate_limit import RateLimiter
from gateway.problems import Problem

FREE: Final = ("/health", "/ready", "/metrics", "/desk/static/")
"""Asked by machines beside the gateway, or kept by browsers."""
MOST_AT_ONCE: Final = 16
"""Requests of one address in work: a page of the desk opens one that does not end."""
NETWORK_BITS: Final = 64
"""Of an IPv6 address: one customer has all addresses of such a network."""


class AddressLimit:
    """ASGI middleware. Belongs to the event loop."""

    def __init__(
        self, app: ASGIApp, limiter: RateLimiter, proxies: int, refuse: Callable[[Scope, Problem], Response]
    ) -> None:
        """Nobody has asked yet.

        Args:
            proxies: trusted ones in front of the gateway, each of which adds to `X-Forwarded-For`.
            refuse: the answer to a caller over the limit.
        """
        self._app, self._limiter, self._proxies, self._refuse = app, limiter, proxies, refuse
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        address = client_network(scope, self._proxies)
        wait_s = self._limiter.wait_s(address) or float(self._open[address] >= MOST_AT_ONCE)
        if wait_s:
            await self._refuse(scope, _too_many(wait_s))(scope, receive, send)
            return
        self._open[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


def client_network(scope: Scope, proxies: int) -> str:
    """The address that a request comes from; of IPv6 its network.

    Args:
        proxies: entries at the end of `X-Forwarded-For` that trusted proxies have written; what stands before them is
            the client's own word.
    """
    # A proxy may add a line of its own instead of an entry to the client's: lines are one list (RFC 9110, 5.3).
    lines = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    entries = [entry.strip() for entry in lines.split(",") if entry.strip()]
    trusted = entries[-proxies:] if proxies else []
    peer = (scope.get("client") or ("",))[0]
    try:
        found = ipaddress.ip_address(trusted[0] if trusted else peer)
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.ip_network((found, NETWORK_BITS), strict=False))


def _too_many(wait_s: float) -> Problem:
    detail = "too many requests from your address: wait a moment"
    headers = {"Retry-After": str(math.ceil(wait_s))}
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", detail, (), headers)
