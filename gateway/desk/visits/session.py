"""Sessions of the desk: signed cookies, and a token in each form that another site cannot know.

Signed with a secret of the process, or one that several gateways share by setting; with the former, users sign in again
after a restart, or at another gateway. The session's cookie is `HttpOnly` and `SameSite=Strict`; that of a sign-in
under way `Lax`, since the provider's answer comes from another site. The clock is given; identifiers are random.
"""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from gateway.access.oidc_sign_in import SignInRequest
from gateway.access.roles import CallerRole, Principal

COOKIE: Final = "loan_desk"
SIGN_IN_COOKIE: Final = "loan_desk_sign_in"
LIFETIME_S: Final = 8 * 3600
"""A working day."""
SIGN_IN_S: Final = 600
"""From the way to the provider until the way back."""
MOST_ENDED: Final = 10_000


@dataclass(frozen=True, slots=True)
class DeskSession:
    id: str
    principal: Principal
    expires_at: int
    """Seconds since 1970."""


class Sessions:
    """Signs and reads cookies. Remembers the sessions that ended here by a sign-out, until they would have expired."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time, lifetime_s: int = LIFETIME_S) -> None:
        self.lifetime_s = lifetime_s
        self._secret = secret
        self._clock = clock
        self._ended: dict[str, int] = {}

    def begin(self, principal: Principal) -> DeskSession:
        return DeskSession(secrets.token_urlsafe(16), principal, int(self._clock()) + self.lifetime_s)

    def end(self, session: DeskSession) -> None:
        """A copy of its cookie is worth nothing from now on, at this gateway."""
        now = self._clock()
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        while len(self._ended) >= MOST_ENDED:
            self._ended.pop(next(iter(self._ended)))
        self._ended[session.id] = session.expires_at

    def cookie(self, session: DeskSession) -> str:
        """The signed value."""
        claims = [session.id, session.principal.name, sorted(session.principal.roles)]
        return self._sign(COOKIE, claims, session.expires_at)

    def read(self, cookie: str | None) -> DeskSession | None:
        """The visit of a cookie that this gateway signed, and that has neither ended nor expired."""
        claims, expires_at = self._verify(COOKIE, cookie)
        if claims is None or claims[0] in self._ended:
            return None
        identity, name, roles = claims
        return DeskSession(identity, Principal(name, frozenset(map(CallerRole, roles))), expires_at)

    def live(self, session: DeskSession) -> bool:
        """False once it has ended or expired."""
        return session.expires_at > self._clock() and session.id not in self._ended

    def sign_in_cookie(self, request: SignInRequest) -> str:
        """The signed value of a sign-in under way."""
        return self._sign(SIGN_IN_COOKIE, astuple(request), int(self._clock()) + SIGN_IN_S)

    def read_sign_in(self, cookie: str | None) -> SignInRequest | None:
        """The sign-in of a cookie that this gateway signed, and that is not too old."""
        claims, _ = self._verify(SIGN_IN_COOKIE, cookie)
        return None if claims is None else SignInRequest(*claims)

    def form_token(self, session: DeskSession) -> str:
        """The token in every form of the visit."""
        return self._signature(f"form:{session.id}")

    def accepts(self, session: DeskSession, token: str) -> bool:
        """True for the visit's own token."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.form_token(session).encode())

    def _sign(self, purpose: str, claims: Sequence[Any], expires_at: int) -> str:
        text = base64.urlsafe_b64encode(json.dumps([*claims, expires_at]).encode()).decode()
        return f"{text}.{self._signature(f'{purpose}:{text}')}"

    def _verify(self, purpose: str, cookie: str | None) -> tuple[list[Any] | None, int]:
        text, _, signature = (cookie or "").rpartition(".")
        expected = self._signature(f"{purpose}:{text}")
        if not text or not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            return None, 0
        *claims, expires_at = json.loads(base64.urlsafe_b64decode(text))
        return (claims, expires_at) if expires_at > self._clock() else (None, 0)

    def _signature(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode("utf-8", "replace"), "sha256").hex()
