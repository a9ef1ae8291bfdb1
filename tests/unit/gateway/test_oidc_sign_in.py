"""Sign-in at an OpenID provider: the whole way, and each answer that must not open the desk."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import key_digest
from gateway.access.oidc import OidcVerifier, Provider
from gateway.access.oidc_sign_in import OidcClient, SignInRequest
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import CallerRole, Principal
from gateway.desk.visits.destination import destination
from gateway.desk.visits.entrance import provider_sign_in
from gateway.desk.visits.session import COOKIE, SIGN_IN_COOKIE, SIGN_IN_S, Sessions
from gateway.settings import GatewaySettings
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.doubles.oidc_provider import AUDIENCE, CLIENT_ID, OidcProviderDouble
from tests.unit.gateway.calls import client_of
from tests.unit.gateway.oidc_desk import PUBLIC_URL, an_oidc_desk

ELSEWHERE = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


async def at_provider(idp: OidcProviderDouble, url: str) -> httpx2.Response:
    """The browser at the provider, which sends it back."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=idp.app())) as browser:
        return await browser.get(url)


async def sent_back(client: httpx2.AsyncClient, idp: OidcProviderDouble, wanted: str = "") -> str:
    """From the desk's sign-in to the address that the provider sends the browser back to."""
    begun = await client.get("/desk/sign-in/provider", params={"next": wanted} if wanted else {})
    assert begun.status_code == 303
    answer = await at_provider(idp, begun.headers["location"])
    return answer.headers["location"]


def desk_client(double: GatewayDouble) -> Any:
    """A browser: over TLS, since the cookies are `Secure`."""
    transport = httpx2.ASGITransport(app=double.app)
    return httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL)


def cookies_set(answer: httpx2.Response) -> dict[str, str]:
    return {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}


@pytest.mark.parametrize("public_client", [False, True])
@pytest.mark.parametrize("roles_in_access_token", [False, True])
async def test_a_person_signs_in_with_the_roles_of_the_token(public_client: bool, roles_in_access_token: bool) -> None:
    idp = OidcProviderDouble(public_client=public_client, roles_in_access_token=roles_in_access_token)

    async with desk_client(an_oidc_desk(idp)) as client:
        asked = await client.get("/desk/apply?from=mail")
        form = await client.get(asked.headers["location"])
        back = await sent_back(client, idp, "/desk/apply?from=mail")
        welcome = await client.get(back)
        room = await client.get("/desk/apply")

    assert asked.headers["location"] == "/desk/sign-in?next=%2Fdesk%2Fapply%3Ffrom%3Dmail"
    assert 'href="/desk/sign-in/provider?next=%2Fdesk%2Fapply%3Ffrom%3Dmail"' in form.text
    assert welcome.status_code == 200
    assert 'content="0; url=/desk/apply?from=mail"' in welcome.text
    assert "Sign out oidc:u-1" in room.text
    assert "/desk/review" in room.text
    assert "/desk/audit" in room.text


async def test_cookies_are_kept_from_scripts_other_sites_and_open_lines() -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        begun = await client.get("/desk/sign-in/provider")
        back = (await at_provider(idp, begun.headers["location"])).headers["location"]
        welcome = await client.get(back)

    under_way, visit = cookies_set(begun)[SIGN_IN_COOKIE], cookies_set(welcome)[COOKIE]
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/desk/sign-in", "Max-Age=600"} <= set(under_way.split("; "))
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/desk"} <= set(visit.split("; "))
    assert "Max-Age=0" in cookies_set(welcome)[SIGN_IN_COOKIE]


async def test_each_sign_in_asks_with_its_own_state_nonce_and_challenge() -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        for _ in range(2):
            await sent_back(client, idp)

    first, second = idp.asked
    assert first["scope"] == "openid profile"
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 43


def with_parameters(url: str, **parameters: str | None) -> str:
    """The address with other parameters; None leaves one out."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    told = {name: value for name, value in {**asked, **parameters}.items() if value is not None}
    return str(httpx2.URL(url).copy_with(params=told))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "another"},
        {"state": None},
        {"state": "é"},
        {"code": None},
        {"code": "guessed"},
        {"code": "x" * 5_000},
        {"iss": "https://evil.example"},
        {"error": "access_denied"},
        {"error": "<script>alert(1)</script>"},
    ],
)
async def test_an_answer_that_is_not_the_providers_own_opens_nothing(change: dict[str, str | None]) -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        refused = await client.get(with_parameters(await sent_back(client, idp), **change))
        room = await client.get("/desk/apply")

    assert refused.status_code == 403
    assert "Sign in again" in refused.text
    assert "<script>alert" not in refused.text
    assert COOKIE not in cookies_set(refused)
    assert room.status_code == 303


@pytest.mark.parametrize(
    "forge",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"sub": None},
    ],
)
async def test_a_token_that_does_not_hold_opens_nothing(forge: dict[str, Any]) -> None:
    idp = OidcProviderDouble(forge=forge)

    async with desk_client(an_oidc_desk(idp)) as client:
        refused = await client.get(await sent_back(client, idp))
        room = await client.get("/desk/apply")

    assert refused.status_code == 403
    assert room.status_code == 303


async def test_a_token_that_another_key_signed_opens_nothing() -> None:
    idp = OidcProviderDouble(signer=ELSEWHERE)

    async with desk_client(an_oidc_desk(idp)) as client:
        refused = await client.get(await sent_back(client, idp))

    assert refused.status_code == 403


async def test_a_code_serves_once_even_where_its_cookie_was_kept() -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        begun = await client.get("/desk/sign-in/provider")
        kept = client.cookies[SIGN_IN_COOKIE]
        back = (await at_provider(idp, begun.headers["location"])).headers["location"]
        first = await client.get(back)
        without = await client.get(back)
        client.cookies.set(SIGN_IN_COOKIE, kept, domain="desk.example", path="/desk/sign-in")
        replayed = await client.get(back)

    assert [each.status_code for each in (first, without, replayed)] == [200, 403, 403]
    assert "used before" in replayed.text
    assert "<b>no</b>" not in replayed.text


async def test_a_code_caught_in_another_browser_opens_nothing_there() -> None:
    idp = OidcProviderDouble()
    double = an_oidc_desk(idp)

    async with desk_client(double) as theirs, desk_client(double) as ours:
        back = await sent_back(ours, idp)
        await sent_back(theirs, idp)
        caught = await theirs.get(back)

    assert caught.status_code == 403


async def test_a_person_without_a_role_of_the_desk_is_told_so() -> None:
    idp = OidcProviderDouble(roles=["chief", "cook"])

    async with desk_client(an_oidc_desk(idp)) as client:
        refused = await client.get(await sent_back(client, idp))

    assert refused.status_code == 403
    assert "none of the desk's roles" in refused.text.replace("&#39;", "'")


async def test_a_provider_that_is_away_is_503_and_the_same_step_serves_when_it_is_back() -> None:
    idp = OidcProviderDouble(away=True)

    async with desk_client(an_oidc_desk(idp)) as client:
        away = await client.get("/desk/sign-in/provider")
        idp.away = False
        back = await sent_back(client, idp)
        idp.away = True
        between = await client.get(back)
        idp.away = False
        later = await client.get(back)

    assert [each.status_code for each in (away, between, later)] == [503, 503, 200]


async def test_a_provider_that_names_itself_otherwise_is_a_fault_of_the_setup() -> None:
    idp = OidcProviderDouble(issuer="https://evil.example")

    async with desk_client(an_oidc_desk(idp)) as client:
        answer = await client.get("/desk/sign-in/provider")

    assert answer.status_code == 503
    assert "set up" in answer.text


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
async def test_a_provider_for_tokens_alone_is_a_fault_of_the_setup(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    idp = OidcProviderDouble()
    whole = idp.discovery_document()
    monkeypatch.setattr(idp, "discovery_document", lambda: {key: value for key, value in whole.items() if key != name})

    async with desk_client(an_oidc_desk(idp)) as client:
        begun = await client.get("/desk/sign-in/provider")
        answer = begun
        if begun.status_code != 503:
            answer = await client.get(await sent_back(client, idp))

    assert answer.status_code == 503
    assert "set up" in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example",
        "//evil.example/desk",
        "/\\evil.example",
        "/desk\\..\\..//evil.example",
        "/desk@evil.example",
        "/deskevil",
        "javascript:alert(1)",
        "/desk/\r\nset-cookie:a=b",
        "/desk/sign-in/provider",
        "/desk/sign-out",
        "/desk/" + "a" * 3_000,
        "/predict",
        "",
    ],
)
async def test_a_sign_in_leads_nowhere_but_to_the_desk(asked: str) -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        welcome = await client.get(await sent_back(client, idp, asked))

    assert destination(asked) == "/desk"
    assert 'content="0; url=/desk"' in welcome.text


@pytest.mark.parametrize("asked", ["/desk", "/desk/review/a%2F1?after=x~y", "/desk/audit?id=a-1&x=%20"])
def test_a_page_of_the_desk_is_where_the_sign_in_leads_to(asked: str) -> None:
    assert destination(asked) == asked


async def test_a_key_leads_to_the_page_that_was_asked_for_too() -> None:
    ann = Principal("ann", frozenset({CallerRole.OFFICER}))
    double = a_gateway(lambda: AccessGuard({key_digest("k"): ann}, None, RateLimiter(0)))

    async with client_of(double.app) as client:
        good = await client.post("/desk/sign-in", data={"key": "k", "next": "/desk/live"})
        evil = await client.post("/desk/sign-in", data={"key": "k", "next": "//evil.example"})

    assert (good.headers["location"], evil.headers["location"]) == ("/desk/live", "/desk")


async def test_a_visit_that_expired_is_asked_again_on_each_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    idp, now = OidcProviderDouble(), [time.time()]
    monkeypatch.setattr(Sessions.__init__, "__defaults__", (lambda: now[0], 8 * 3600))

    async with desk_client(an_oidc_desk(idp, gateway_session_s=60)) as client:
        await client.get(await sent_back(client, idp))
        before = await client.get("/desk/apply")
        now[0] += 61.0
        page = await client.get("/desk/apply")
        part = await client.post(
            "/desk/what-if", headers={"HX-Request": "true", "HX-Current-URL": f"{PUBLIC_URL}/desk/apply?a=b"}
        )
        stream = await client.get("/desk/live/events", headers={"Accept": "text/event-stream"})

    assert before.status_code == 200
    assert page.headers["location"] == "/desk/sign-in?next=%2Fdesk%2Fapply"
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/desk/sign-in?next=%2Fdesk%2Fapply%3Fa%3Db")
    assert stream.status_code == 401


async def test_a_sign_out_ends_the_visit_for_copies_of_its_cookie_and_names_the_providers_own() -> None:
    idp = OidcProviderDouble()

    async with desk_client(an_oidc_desk(idp)) as client:
        await client.get(await sent_back(client, idp))
        copy = client.cookies[COOKIE]
        room = await client.get("/desk/apply")
        foreign = await client.post("/desk/sign-out", data={"token": "0" * 64})
        still = await client.get("/desk/apply")
        token = room.text.split('name="token" value="')[1].split('"')[0]
        out = await client.post("/desk/sign-out", data={"token": token})
        client.cookies.set(COOKIE, copy, domain="desk.example", path="/desk")
        copied = await client.get("/desk/apply")

    assert (foreign.status_code, still.status_code) == (403, 200)
    elsewhere = "https://id.example/logout?client_id=loan-desk&amp;post_logout_redirect_uri=https%3A%2F%2Fdesk.example"
    assert elsewhere in out.text
    assert "Max-Age=0" in cookies_set(out)[COOKIE]
    assert copied.status_code == 303


def test_a_cookie_of_one_purpose_serves_no_other() -> None:
    sessions = Sessions(b"secret", lambda: 0.0)
    visit = sessions.cookie(sessions.begin(Principal("ann", frozenset())))

    assert sessions.read(visit) is not None
    assert sessions.read_sign_in(visit) is None


def test_a_sign_in_that_took_too_long_is_begun_again() -> None:
    now = [0.0]
    sessions = Sessions(b"secret", lambda: now[0])
    request = SignInRequest("s", "n", "v", "/desk")
    cookie = sessions.sign_in_cookie(request)

    now[0] = SIGN_IN_S - 1.0
    before = sessions.read_sign_in(cookie)
    now[0] = float(SIGN_IN_S)

    assert before == request
    assert sessions.read_sign_in(cookie) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"oidc_client_id": "c"}, "gateway_public_url"),
        ({"oidc_client_id": "c", "oidc_issuer": "https://id.example"}, "gateway_public_url"),
        ({"oidc_client_id": "c", "oidc_issuer": "i", "gateway_public_url": PUBLIC_URL, "oidc_scopes": "a"}, "openid"),
        ({"gateway_public_url": "http://desk.example"}, "https"),
        ({"gateway_public_url": "https://desk.example/path"}, "https"),
        ({"gateway_public_url": "https://user@desk.example"}, "https"),
        ({"gateway_public_url": "desk.example"}, "https"),
        ({"gateway_public_url": "https://[::1"}, "https"),
    ],
)
def test_a_sign_in_that_is_set_up_in_part_or_in_the_open_is_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GatewaySettings(**settings)  # type: ignore[arg-type]


async def test_a_desk_without_a_provider_says_so() -> None:
    double = a_gateway(lambda: AccessGuard({}, None, RateLimiter(0)))

    async with client_of(double.app) as client:
        found = [(await client.get(f"/desk/sign-in/{path}")).status_code for path in ("provider", "callback")]

    assert found == [404, 404]


def test_the_settings_make_the_way_in() -> None:
    settings = GatewaySettings(
        oidc_issuer="https://id.example", oidc_client_id="desk", gateway_public_url=f"{PUBLIC_URL}/"
    )
    provider = Provider("https://id.example", AUDIENCE, "roles")

    made = provider_sign_in(settings, provider, OidcVerifier(provider))

    assert made is not None
    assert made._client == OidcClient("desk", "", f"{PUBLIC_URL}/desk/sign-in/callback", "openid profile")
    assert provider_sign_in(GatewaySettings(), provider, None) is None
