"""Keys, tokens, roles, rates: who may do what, and how often."""

import base64
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from gateway.access import oidc
from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import ApiKeyFileError, key_line, new_key, read_keys
from gateway.access.oidc import LEEWAY_S, OidcVerifier, Provider, ProviderAwayError
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import CallerRole, Principal
from gateway.settings import GatewaySettings
from tests.doubles.gateway import a_gateway
from tests.unit.gateway.calls import a_body, client_of

ISSUER = "https://id.example"
SIGNER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
KEYS = {"system": new_key(), "officer": new_key(), "auditor": new_key(), "operator": new_key()}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    roles = {
        "system": CallerRole.APPLICANT_SYSTEM,
        "officer": CallerRole.OFFICER,
        "auditor": CallerRole.AUDITOR,
        "operator": CallerRole.OPERATOR,
    }
    path = tmp_path / "keys"
    lines = [key_line(name, frozenset({roles[name]}), key) for name, key in KEYS.items()]
    path.write_text("# who may call\n\n" + "".join(lines))
    return path


def a_token(signer: Any = SIGNER, header: Any = None, **claims: Any) -> str:
    usual = {"iss": ISSUER, "aud": "loan-gateway", "sub": "u-1", "exp": int(time.time()) + 600, "roles": ["officer"]}
    told = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode(header or {"alg": "RS256", "kid": "k1"}, told, signer)


def a_token_of_the_public_key() -> str:
    """Signed by HS256 with what everybody may read."""
    _, claims, _ = a_token().split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
    signature = hmac.digest(SIGNER.as_pem(private=False), f"{header}.{claims}".encode(), "sha256")
    return f"{header}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def a_verifier(
    keys: Callable[[], list[Any]] = lambda: [SIGNER], clock: Callable[[], float] = lambda: 0.0
) -> OidcVerifier:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("openid-configuration"):
            return httpx2.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"})
        return httpx2.Response(200, json={"keys": [key.as_dict(private=False) for key in keys()]})

    transport = httpx2.MockTransport(answer)
    provider = Provider(ISSUER, "loan-gateway", "roles")
    return OidcVerifier(provider, lambda: httpx2.AsyncClient(transport=transport), clock)


def test_a_key_names_its_caller_and_the_file_holds_none(keys: Path) -> None:
    read = read_keys(keys)

    assert sorted(each.name for each in read.values()) == ["auditor", "officer", "operator", "system"]
    assert not any(key in keys.read_text() for key in KEYS.values())


@pytest.mark.parametrize("line", ["name officer", "name chief " + "0" * 64, "name officer " + "0" * 63, "a b c d"])
def test_a_malformed_line_of_the_key_file_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# keys\n{line}\n")

    with pytest.raises(ApiKeyFileError, match="keys:2"):
        read_keys(path)


ALLOWED = {
    "/predict": {"system", "officer"},
    "/predict/batch": {"system", "officer"},
    "/explain": {"system", "officer", "auditor"},
    "/what-if": {"system", "officer", "auditor"},
    "/counterfactuals": {"system", "officer", "auditor"},
    "/decisions/a-1": {"system", "officer", "auditor"},
    "/model-info": set(KEYS),
    "/drift": set(KEYS),
    "/drift/windows": set(KEYS),
    "/drift/windows/w": set(KEYS),
}
READS = {"/decisions/a-1", "/model-info", "/drift", "/drift/windows", "/drift/windows/w"}


@pytest.mark.parametrize("path", ALLOWED)
async def test_each_endpoint_is_open_to_its_roles_and_to_nobody_else(keys: Path, path: str) -> None:
    double = a_gateway(lambda: AccessGuard(read_keys(keys), None, RateLimiter(0)))
    body = {"applications": [a_body()]} if path.endswith("batch") else a_body()

    async def status(**headers: str) -> int:
        async with client_of(double.app, **headers) as client:
            answer = await (client.get(path) if path in READS else client.post(path, json=body))
            return answer.status_code

    found = {name: await status(**{"X-API-Key": key}) for name, key in KEYS.items()}

    assert {name for name, code in found.items() if code not in (401, 403)} == ALLOWED[path]
    assert {code for name, code in found.items() if name not in ALLOWED[path]} <= {403}
    assert await status() == 401
    assert await status(**{"X-API-Key": "wrong"}) == 401
    assert await status(Authorization="Bearer " + a_token()) == 401


async def test_health_and_metrics_are_open(keys: Path) -> None:
    double = a_gateway(lambda: AccessGuard(read_keys(keys), None, RateLimiter(0)))

    async with client_of(double.app) as client:
        found = [(await client.get(path)).status_code for path in ("/health", "/ready", "/metrics", "/openapi.json")]

    assert found == [200, 200, 200, 200]


async def test_a_valid_token_names_its_subject_and_roles() -> None:
    principal = await a_verifier().principal(a_token())

    assert principal == Principal("oidc:u-1", frozenset({CallerRole.OFFICER}))


@pytest.mark.parametrize(
    "token",
    [
        lambda: a_token(exp=int(time.time()) - 60),
        lambda: a_token(exp=None),
        lambda: a_token(iss="https://evil.example"),
        lambda: a_token(aud="another"),
        lambda: a_token(sub=None),
        lambda: a_token(OTHER, {"alg": "RS256", "kid": "k1"}),
        lambda: a_token(OTHER, {"alg": "RS256", "kid": "k2"}),
        lambda: a_token_of_the_public_key(),
        lambda: a_token()[:-4] + "AAAA",
        lambda: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.",
        lambda: "",
        lambda: "a.b.c",
        lambda: "x" * 20_000,
    ],
)
async def test_a_token_that_does_not_hold_names_nobody(token: Callable[[], str]) -> None:
    assert await a_verifier().principal(token()) is None


@pytest.mark.parametrize(("since_s", "holds"), [(0, True), (LEEWAY_S - 5, True), (LEEWAY_S + 5, False)])
async def test_a_token_holds_until_its_end_and_as_long_as_clocks_may_differ(since_s: int, holds: bool) -> None:
    found = await a_verifier().principal(a_token(exp=int(time.time()) - since_s))

    assert (found is not None) == holds


@pytest.mark.parametrize(("over", "holds"), [(-1, True), (0, True), (1, False)])
async def test_a_token_is_as_long_as_it_may_be(over: int, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    token = a_token()
    monkeypatch.setattr(oidc, "LONGEST_TOKEN", len(token) - over)

    found = await a_verifier().principal(token)

    assert (found is not None) == holds


async def test_a_provider_that_signs_with_a_new_key_is_asked_again_and_not_too_often() -> None:
    now, published, asked = [0.0], [SIGNER], [0]

    def keys() -> list[Any]:
        asked[0] += 1
        return published

    verifier = a_verifier(keys, lambda: now[0])
    assert await verifier.principal(a_token()) is not None
    published[:] = [OTHER]
    rotated = a_token(OTHER, {"alg": "RS256", "kid": "k2"})

    soon = await verifier.principal(rotated)
    now[0] = 31.0
    later = await verifier.principal(rotated)

    assert soon is None
    assert later is not None
    assert asked[0] == 2


async def test_a_provider_that_is_away_is_503_and_not_a_wrong_token() -> None:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        message = "refused"
        raise httpx2.ConnectError(message)

    provider = Provider(ISSUER, "loan-gateway", "roles")
    verifier = OidcVerifier(provider, lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(fail)))
    double = a_gateway(lambda: AccessGuard(None, verifier, RateLimiter(0)))

    async with client_of(double.app, Authorization=f"Bearer {a_token()}") as client:
        answer = await client.get("/drift")

    with pytest.raises(ProviderAwayError):
        await verifier.principal(a_token())
    assert answer.status_code == 503


def test_a_bucket_lets_two_seconds_worth_through_and_says_when_to_come_again() -> None:
    now = [0.0]
    limiter = RateLimiter(2.0, lambda: now[0])

    burst = [limiter.wait_s("a") for _ in range(4)]
    over = limiter.wait_s("a")
    other = limiter.wait_s("b")
    now[0] = 0.5
    later = limiter.wait_s("a")

    assert burst == [0.0] * 4
    assert over == pytest.approx(0.5)
    assert other == later == 0.0


async def test_a_caller_over_its_rate_is_429_with_retry_after(keys: Path) -> None:
    double = a_gateway(lambda: AccessGuard(read_keys(keys), None, RateLimiter(1.0, lambda: 0.0)))

    async with client_of(double.app, **{"X-API-Key": KEYS["operator"]}) as client:
        found = [await client.get("/model-info") for _ in range(3)]

    assert [each.status_code for each in found] == [200, 200, 429]
    assert found[-1].headers["retry-after"] == "1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback_may_be_open(host: str) -> None:
    assert not GatewaySettings(gateway_host=host).guarded()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example"])  # noqa: S104 - to be refused
def test_any_other_address_needs_keys_or_a_provider(host: str, keys: Path) -> None:
    with pytest.raises(ValidationError, match="LOAN_GATEWAY_API_KEYS"):
        GatewaySettings(gateway_host=host)

    assert GatewaySettings(gateway_host=host, gateway_api_keys=keys).guarded()
    assert GatewaySettings(gateway_host=host, oidc_issuer=ISSUER).guarded()


async def test_no_other_origin_is_let_in() -> None:
    double = a_gateway()

    async with client_of(double.app, Origin="https://evil.example") as client:
        asked = await client.options("/predict", headers={"Access-Control-Request-Method": "POST"})
        answer = await client.post("/predict", json=a_body())

    assert "access-control-allow-origin" not in {**asked.headers, **answer.headers}
    assert asked.status_code == 405
