"""Sessions of the desk: a signed cookie, and a token in each form that another site cannot know.

Signed with a secret of the process, or one that several gateways share by setting; with the former, users sign in again
after a restart, or at another gateway. The cookie is `HttpOnly` and `SameSite=Strict`. The clock is given; identifiers
are random.
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.access.roles import CallerRole, Principal

COOKIE: Final = "loan_desk"
LIFETIME_S: Final = 8 * 3600
"""A working day."""


@dataclass(frozen=True, slots=True)
class DeskSession:
    """One browser's visit."""

    id: str
    principal: Principal
    expires_at: int
    """Seconds since 1970."""


class Sessions:
    """Signs and reads cookies."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def begin(self, principal: Principal) -> DeskSession:
        """A new visit."""
        return DeskSession(secrets.token_urlsafe(16), principal, int(self._clock()) + LIFETIME_S)

    def cookie(self, session: DeskSession) -> str:
        """The signed value."""
        told = [session.id, session.principal.name, sorted(session.principal.roles), session.expires_at]
        text = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return f"{text}.{self._signature(text)}"

    def read(self, cookie: str | None) -> DeskSession | None:
        """The visit of a cookie that this gateway signed and that has not expired."""
        text, _, signature = (cookie or "").rpartition(".")
        if not text or not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(text).encode()):
            return None
        told: Any = json.loads(base64.urlsafe_b64decode(text))
        identity, name, roles, expires_at = told
        if expires_at <= self._clock():
            return None
        return DeskSession(identity, Principal(name, frozenset(map(CallerRole, roles))), expires_at)

    def form_token(self, session: DeskSession) -> str:
        """The token in every form of the visit."""
        return self._signature(f"form:{session.id}")

    def accepts(self, session: DeskSession, token: str) -> bool:
        """True for the visit's own token."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.form_token(session).encode())

    def _signature(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode("utf-8", "replace"), "sha256").hex()
