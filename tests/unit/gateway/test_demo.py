"""A public demo: everything works, nothing that is typed leaves the visit, and each address has its share."""

from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from gateway import app
from gateway.access.access_guard import AccessGuard
from gateway.access.rate_limit import MOST_CALLERS, RateLimiter
from gateway.access.roles import VISITOR, CallerRole, Principal
from gateway.demo.address_limit import MOST_AT_ONCE, AddressLimit, client_network
from gateway.desk.visits import visit_memory
from gateway.desk.visits.session import DeskSession
from gateway.desk.visits.visit_memory import VisitMemory
from gateway.problems import Problem
from gateway.settings import GatewaySettings
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.unit.gateway.calls import a_body, client_of
from tests.unit.gateway.ledgers import CaseLedger
from tests.unit.gateway.test_desk import filled_form, post_review, token_of

BANNER = "Every applicant, decision and review here is made up"


@pytest.fixture
def ledger(tmp_path: Path) -> CaseLedger:
    made = CaseLedger(tmp_path)
    made.refer("a-1", "a-2", "a-3")
    return made


def a_demo(ledger: CaseLedger, **settings: Any) -> GatewayDouble:
    return a_gateway(
        ledger=ledger.lookup,
        publish_event=ledger.publish,
        gateway_demo=True,
        **{"gateway_demo_rate_per_s": 1_000.0, **settings},
    )


async def test_each_page_says_that_it_is_a_demo_and_a_gateway_of_work_does_not(ledger: CaseLedger) -> None:
    pages = ("apply", "review", "review/a-1", "live", "scorecards", "audit", "sign-in", "nowhere")

    async def banner_counts(double: GatewayDouble) -> list[int]:
        async with client_of(double.app) as client:
            texts = [(await client.get(f"/desk/{page}")).text for page in pages]
            return [text.count(BANNER) for text in [*texts, (await client.get("/docs")).text]]

    assert await banner_counts(a_demo(ledger)) == [1] * 9
    assert await banner_counts(a_gateway(ledger=ledger.lookup)) == [0] * 9


async def test_what_a_visitor_applies_with_is_decided_and_reaches_no_topic(ledger: CaseLedger) -> None:
    double = a_demo(ledger)
    work = a_gateway()

    async with client_of(double.app) as client, client_of(work.app) as usual:
        page = await client.post("/desk/apply", data=await filled_form(client, loan_amnt=13_500))
        answer = await client.post("/predict", json=a_body(application_id="mine"))
        batch = await client.post("/predict/batch", json={"applications": [a_body(), a_body(loan_amnt=13_500)]})
        again = await client.post("/predict", json=a_body(application_id="mine", loan_amnt=13_500))
        later = await client.get("/decisions/mine")
        same = (await usual.post("/predict", json=a_body(application_id="mine"))).json()

    assert "Declined" in page.text
    assert batch.json()["count"] == 2
    assert answer.headers["loan-demo"] == "made up"
    assert {name: answer.json()[name] for name in ("application_id", "outcome", "margin", "contributions")} == {
        name: same[name] for name in ("application_id", "outcome", "margin", "contributions")
    }
    assert (again.status_code, later.status_code) == (200, 404)
    assert double.topic.values == []


async def test_a_visitor_raises_no_alert(ledger: CaseLedger) -> None:
    async with client_of(a_demo(ledger).app) as client:
        answer = await client.post("/alerts", json={"alerts": []})

    assert answer.status_code == 403


async def test_without_a_champion_a_demo_decides_nothing(ledger: CaseLedger) -> None:
    double = a_demo(ledger)
    double.slot.holder = None

    async with client_of(double.app) as client:
        answer = await client.post("/predict", json=a_body())

    assert answer.status_code == 503


async def test_a_visitor_sees_the_own_review_and_nobody_else_does(ledger: CaseLedger) -> None:
    double = a_demo(ledger)

    async with client_of(double.app) as ours, client_of(double.app) as theirs:
        await theirs.get("/desk/apply")
        answer = await post_review(ours, "a-1", "DECLINE", reason=["INCOME"], note="not shown <b>")
        seen = [(await client.get("/desk/review")).text for client in (ours, theirs)]
        cases = [(await client.get("/desk/review/a-1")).text for client in (ours, theirs)]
        lines = [(await client.get("/desk/audit?id=a-1")).text for client in (ours, theirs)]
        second = await decide_again(ours)

    assert answer.status_code == 303
    assert ["2</data> cases wait" in page for page in seen] == [True, False]
    assert ["/desk/review/a-1" in page for page in seen] == [False, True]
    assert ["made-up officer has decided" in page for page in cases] == [True, False]
    assert ["not shown &lt;b&gt;" in page for page in lines] == [True, False]
    assert "decided this case" in second
    assert (ledger.reviews, ledger.acts, double.topic.values) == ([], [], [])


async def decide_again(client: httpx2.AsyncClient) -> str:
    token = token_of(await client.get("/desk/review/a-2"))
    answer = await client.post("/desk/review/a-1", data={"token": token, "outcome": "APPROVE"})
    return answer.text


async def test_an_address_over_its_share_waits_and_another_does_not(
    ledger: CaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine, all requests are of one moment.
    monkeypatch.setattr(app, "RateLimiter", partial(RateLimiter, clock=lambda: 0.0))
    double = a_demo(ledger, gateway_demo_rate_per_s=1.0, gateway_proxies=1)

    async with client_of(double.app) as client:
        ours = [await client.get("/desk/live", headers={"X-Forwarded-For": f"{n}.0.0.1, 9.9.9.9"}) for n in range(3)]
        api = await client.get("/drift", headers={"X-Forwarded-For": "9.9.9.9"})
        theirs = await client.get("/desk/live", headers={"X-Forwarded-For": "9.9.9.8"})
        free = [(await client.get(path, headers={"X-Forwarded-For": "9.9.9.9"})).status_code for path in FREE_PATHS]

    assert [each.status_code for each in ours] == [200, 200, 429]
    assert BANNER in ours[-1].text
    assert (api.status_code, api.headers["content-type"]) == (429, "application/problem+json")
    assert int(api.headers["retry-after"]) >= 1
    assert theirs.status_code == 200
    assert free == [200, 200, 200]


FREE_PATHS = ("/health", "/metrics", "/desk/static/desk.css")


async def test_an_address_holds_no_more_than_its_share_of_open_requests() -> None:
    inside: list[Any] = []
    refused: list[str] = []

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        inside.append(scope)
        if len(inside) < MOST_AT_ONCE + 3:
            await limit(scope, None, None)  # type: ignore[arg-type]  # the double asks for neither

    def refuse(_scope: Any, problem: Problem) -> Any:
        async def answer(*_: object) -> None:
            refused.append(problem.kind)

        return answer

    limit = AddressLimit(inner, RateLimiter(0), 0, refuse)
    scope = {"type": "http", "path": "/desk/live/events", "client": ("1.1.1.1", 1), "headers": []}
    await limit(scope, None, None)  # type: ignore[arg-type]
    held = len(inside)
    inside.clear()
    await limit({**scope, "client": ("2.2.2.2", 1)}, None, None)  # type: ignore[arg-type]

    assert held == len(inside) == MOST_AT_ONCE
    assert refused == ["rate-limited"] * 2
    assert not limit._open


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "found"),
    [
        ("10.0.0.1", "1.1.1.1", 0, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", 2, "1.1.1.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("10.0.0.1", "<script>", 1, "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", "", 0, "1.2.3.4"),
    ],
)
def test_an_address_is_what_trusted_proxies_say(peer: str, forwarded: str, proxies: int, found: str) -> None:
    scope = {"client": (peer, 1), "type": "http", "headers": [(b"x-forwarded-for", forwarded.encode())]}

    assert client_network(scope, proxies) == found


def test_a_line_that_a_proxy_adds_is_no_less_than_an_entry() -> None:
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1")]

    assert client_network({"client": ("10.0.0.1", 1), "type": "http", "headers": lines}, 1) == "1.1.1.1"


def test_a_limiter_keeps_no_more_buckets_than_it_may() -> None:
    limiter = RateLimiter(1.0, lambda: 0.0)

    for caller in range(MOST_CALLERS + 5):
        limiter.wait_s(str(caller))

    assert len(limiter._buckets) == MOST_CALLERS


def test_a_visit_is_remembered_until_it_ends_and_no_more_visits_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_memory, "MOST_VISITS", 2)
    ended: set[str] = set()
    memory: VisitMemory[int] = VisitMemory(lambda session: session.id not in ended, 2)
    first, second, third, fourth = (DeskSession(name, VISITOR, 0) for name in "abcd")
    for number in (1, 2, 3):
        memory.add(first, number)
    memory.add(second, 4)
    kept = memory.of(first)

    memory.add(third, 5)
    pushed_out = memory.of(first)
    ended.add("b")
    memory.add(fourth, 6)

    assert (kept, pushed_out) == ([3, 2], [])
    assert [memory.of(each) for each in (second, third, fourth)] == [[], [5], [6]]


def test_a_demo_with_keys_is_refused_and_may_be_public() -> None:
    with pytest.raises(ValidationError, match="knows no callers"):
        GatewaySettings(gateway_demo=True, gateway_api_keys=Path("keys"))
    with pytest.raises(ValidationError, match="knows no callers"):
        GatewaySettings(gateway_demo=True, oidc_issuer="https://id.example")

    assert not GatewaySettings(gateway_demo=True, gateway_host="0.0.0.0").guarded()  # noqa: S104 - public


async def test_a_guarded_gateway_is_no_demo() -> None:
    officer = Principal("ann", frozenset({CallerRole.OFFICER}))
    double = a_gateway(lambda: AccessGuard({"d": officer}, None, RateLimiter(0)))

    async with client_of(double.app) as client:
        answer = await client.get("/desk/live")

    assert answer.status_code == 303
    assert "loan-demo" not in answer.headers
