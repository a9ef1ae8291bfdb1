"""Settings of the gateway: read once, frozen, refused all at once."""

import ipaddress
import secrets
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, model_validator

from schemas.topics import scoring_group
from streams.runtime.cutoff_settings import CutoffSettings
from streams.runtime.health_server import LOOPBACK

SECRET_LENGTH: Final = 32


class GatewaySettings(CutoffSettings):
    """What an operator may set of a gateway."""

    gateway_host: str = LOOPBACK
    """Any other address than a loopback one needs API keys or an OpenID provider."""
    gateway_port: NonNegativeInt = 8104
    """0 for a free one."""
    gateway_timeout_s: PositiveFloat = 10.0
    """Longest time that a request waits for its decision; then 504, and GET returns the decision later."""
    gateway_max_waiting: PositiveInt = 2_000
    """Applications that may wait for their decision at once; more are answered 429."""
    gateway_max_body_bytes: PositiveInt = 1_048_576
    gateway_read_timeout_s: PositiveFloat = 10.0
    """A client that takes longer to send its head or its body is disconnected."""
    gateway_remembered: PositiveInt = 20_000
    """Latest applications whose answers are kept in memory for repeated requests."""
    gateway_rate_per_s: NonNegativeFloat = 200.0
    """Requests a second of one API key or token, twice as many at once; 0 for no limit."""
    gateway_api_keys: Path | None = None
    """File of API keys: a line each of name, roles separated by commas, and the key's SHA-256 in hexadecimal.
    `loanctl gateway key` writes one."""
    gateway_session_secret: SecretStr | None = None
    """Signs the desk's cookies, 32 characters or more: the same for all gateways behind a load balancer, so that
    a visit is valid at each. Empty: each process generates its own."""
    ledger_url: SecretStr | None = None
    """Database of the ledger, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`: decisions from before
    this gateway's start, and the review queue. Empty for none."""
    review_second_pair: bool = False
    """A referred application needs two officers: one proposes, another confirms."""
    oidc_issuer: str = ""
    """URL of an OpenID provider whose bearer tokens are accepted; empty for none."""
    oidc_audience: str = "loan-gateway"
    oidc_roles_claim: str = "roles"
    """The claim that lists roles: applicant_system, officer, auditor, operator. Dots separate nested names."""
    oidc_client_id: str = ""
    """The desk's client id at the provider, for sign-in by browser; its redirect URI there is
    `LOAN_GATEWAY_PUBLIC_URL` and `/desk/sign-in/callback`. Empty: people sign in with API keys."""
    oidc_client_secret: SecretStr | None = None
    """Of a confidential client; empty for a public one. PKCE protects the code either way."""
    oidc_scopes: str = "openid profile"
    """Asked for at sign-in, separated by spaces: `openid` among them."""
    gateway_public_url: str = ""
    """Address at which browsers reach the gateway, such as `https://desk.example`: needed for sign-in at a provider.
    If it begins with https, cookies are sent over TLS alone."""
    gateway_demo: bool = False
    """A public demo: everybody may use every page without a key, nothing that is typed is published or stays, and each
    address is limited. Everything on its topics and in its ledger is public: for made-up applicants alone."""
    gateway_demo_rate_per_s: PositiveFloat = 10.0
    """Requests a second of one address in a demo, twice as many at once."""
    gateway_proxies: NonNegativeInt = 0
    """Trusted proxies in front of a demo, each of which adds an address to `X-Forwarded-For`; 0 ignores the header."""
    gateway_session_s: PositiveInt = 28_800
    """Seconds after which a visit of the desk ends, and the person signs in again."""
    scoring_group: str = ""
    """Consumer group of the workers, whose lag the desk shows; empty for the one named after the topics."""
    champion_poll_s: PositiveFloat = 10.0
    """Time between checks of the alias; a decision by another scorecard triggers one at once."""
    gateway_search_s: PositiveFloat = 0.25
    """Time limit of a search for counterfactuals; the answer has what was found by then, and is marked so."""

    @model_validator(mode="after")
    def _require_access_rules(self) -> Self:
        if self.gateway_demo and self.guarded():
            message = "a demo knows no callers: unset LOAN_GATEWAY_API_KEYS and LOAN_OIDC_ISSUER, or LOAN_GATEWAY_DEMO"
            raise ValueError(message)
        if not (self.guarded() or self.gateway_demo or is_loopback(self.gateway_host)):
            message = "an address that is not loopback needs LOAN_GATEWAY_API_KEYS or LOAN_OIDC_ISSUER"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _unguessable(self) -> Self:
        if self.gateway_session_secret and len(self.gateway_session_secret.get_secret_value()) < SECRET_LENGTH:
            message = f"gateway_session_secret has fewer than {SECRET_LENGTH} characters"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _whole_sign_in(self) -> Self:
        if self.oidc_client_id and not (self.oidc_issuer and self.gateway_public_url):
            message = "oidc_client_id needs oidc_issuer and gateway_public_url"
            raise ValueError(message)
        if self.oidc_client_id and "openid" not in self.oidc_scopes.split():
            message = "oidc_scopes lacks openid: without it a provider gives no identity"
            raise ValueError(message)
        if self.gateway_public_url and not is_browser_address(self.gateway_public_url):
            message = "gateway_public_url is no https address without a path (http on loopback alone)"
            raise ValueError(message)
        return self

    def public_url(self) -> str:
        """Where browsers reach the gateway, without a slash at the end; empty if it is not set."""
        return self.gateway_public_url.rstrip("/")

    def session_secret(self) -> bytes:
        """The secret that signs cookies; random if none is set."""
        given = self.gateway_session_secret
        return given.get_secret_value().encode() if given else secrets.token_bytes(SECRET_LENGTH)

    def guarded(self) -> bool:
        """True if callers need credentials."""
        return self.gateway_api_keys is not None or bool(self.oidc_issuer)

    def worker_group(self) -> str:
        return self.scoring_group or scoring_group(self.topics())


def is_browser_address(url: str) -> bool:
    """True for scheme and host alone: by TLS, or plain HTTP on loopback."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        plain = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
        return plain and bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """True for `localhost` and addresses that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
