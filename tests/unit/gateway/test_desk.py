"""The desk's pages without a browser: forms, visits, roles, reviews, and strings that are no markup."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from pydantic import SecretStr, ValidationError

from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import key_digest
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import CallerRole, Principal
from gateway.desk.desk import MOST_FIELDS, STATIC
from gateway.desk.review import LONGEST_NOTE
from gateway.desk.visits.session import LIFETIME_S, Sessions
from gateway.settings import GatewaySettings
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from schemas.topics import Topic
from streams.kafka.kafka_errors import BrokerAwayError
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.unit.gateway.calls import a_body, client_of
from tests.unit.gateway.ledgers import CaseLedger

HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""Of htmx.org 4.0.1, dist/htmx.min.js, as npm serves it."""
XSS = '<script>alert(1)</script>"onload="x\'--'


@pytest.fixture
def ledger(tmp_path: Path) -> CaseLedger:
    return CaseLedger(tmp_path)


def at_the_desk(ledger: CaseLedger, guard: Callable[[], AccessGuard] | None = None, **settings: Any) -> GatewayDouble:
    return a_gateway(guard, ledger=ledger.lookup, publish_event=ledger.publish, **settings)


def officers() -> AccessGuard:
    principals = [
        Principal("ann", frozenset({CallerRole.OFFICER})),
        Principal("bob", frozenset({CallerRole.OFFICER})),
        Principal("sys", frozenset({CallerRole.APPLICANT_SYSTEM})),
        Principal("aud", frozenset({CallerRole.AUDITOR})),
    ]
    return AccessGuard({key_digest(each.name): each for each in principals}, None, RateLimiter(0))


@asynccontextmanager
async def client_session(double: GatewayDouble, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(double.app) as client:
        assert (await client.post("/desk/sign-in", data={"key": key})).status_code == 303
        yield client


def token_of(page: Any) -> str:
    found = re.search(r'name="token" value="(\w+)"', page.text)
    assert found, page.text
    return found.group(1)


async def filled_form(client: httpx2.AsyncClient, **fields: Any) -> dict[str, str]:
    body = {name: str(value) for name, value in a_body(**fields).items()}
    return {**body, "token": token_of(await client.get("/desk/apply"))}


def test_vendored_files_are_those_that_were_published_and_carry_their_licence() -> None:
    assert hashlib.sha256((STATIC / "htmx" / "htmx.min.js").read_bytes()).hexdigest() == HTMX
    assert "Permission to use, copy, modify" in (STATIC / "htmx" / "LICENSE").read_text()


async def test_the_form_gives_the_decision_its_reasons_and_its_picture() -> None:
    double = a_gateway()

    async with client_of(double.app) as client:
        page = await client.post("/desk/apply", data=await filled_form(client, loan_amnt=13_500))

    assert page.status_code == 200
    assert "Declined" in page.text
    assert "Income and amount of credit requested, taken together" in page.text
    assert 'value="0.7310585786300049"' in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"""\s(style|onclick|onload)=|https?://(?!www\.w3\.org)""", page.text)
    assert len(double.topic.values) == 1


async def test_a_script_gets_the_part_and_a_browser_without_one_the_page() -> None:
    async with client_of(a_gateway().app) as client:
        form = await filled_form(client)
        part = await client.post("/desk/apply", data=form, headers={"HX-Request": "true"})
        whole = await client.post("/desk/apply", data=form)

    assert "<html" not in part.text
    assert "<html" in whole.text


async def test_a_field_at_fault_is_named_beside_its_input() -> None:
    double = a_gateway()

    async with client_of(double.app) as client:
        page = await client.post("/desk/apply", data=await filled_form(client, person_age=17, person_income="abc"))

    assert page.status_code == 422
    assert page.text.count('aria-invalid="true"') == 2
    assert 'href="#f-person_age"' in page.text
    assert double.topic.values == []


@pytest.mark.parametrize("path", ["/desk/apply", "/desk/what-if", "/desk/counterfactuals"])
@pytest.mark.parametrize("token", ["", "0" * 64, "é", None])
async def test_a_form_of_another_site_is_refused(path: str, token: str | None) -> None:
    double = a_gateway()

    async with client_of(double.app) as client:
        form = {**await filled_form(client), "token": token}
        refused = await client.post(path, data={name: value for name, value in form.items() if value is not None})

    assert refused.status_code == 403
    assert double.topic.values == []


async def test_a_token_of_another_visit_is_refused() -> None:
    double = a_gateway()

    async with client_of(double.app) as theirs, client_of(double.app) as ours:
        await ours.get("/desk/apply")
        refused = await ours.post("/desk/apply", data=await filled_form(theirs))

    assert refused.status_code == 403


@pytest.mark.parametrize("cookie", ["", "a.b", "W10=.x", "é.é", "." * 100])
async def test_a_cookie_that_we_did_not_sign_is_nobody(cookie: str) -> None:
    assert Sessions(b"secret").read(cookie) is None


def test_a_visit_ends_with_the_day() -> None:
    now = [1_000.0]
    sessions = Sessions(b"secret", lambda: now[0])
    cookie = sessions.cookie(sessions.begin(Principal("ann", frozenset({CallerRole.OFFICER}))))

    now[0] += LIFETIME_S - 1
    before = sessions.read(cookie)
    now[0] += 1

    assert before is not None
    assert before.principal == Principal("ann", frozenset({CallerRole.OFFICER}))
    assert sessions.read(cookie) is None
    assert Sessions(b"another", lambda: 1_000.0).read(cookie) is None


async def test_gateways_that_share_a_secret_share_their_visits(ledger: CaseLedger) -> None:
    first, second, stranger = (
        at_the_desk(ledger, officers, gateway_session_secret=secret) for secret in ("s" * 32, "s" * 32, None)
    )
    async with client_session(first, "ann") as client:
        cookies = dict(client.cookies)

    async def queue(double: GatewayDouble) -> int:
        async with client_of(double.app) as client:
            client.cookies.update(cookies)
            return (await client.get("/desk/review")).status_code

    assert [await queue(each) for each in (first, second, stranger)] == [200, 200, 303]


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValidationError, match="fewer than 32"):
        GatewaySettings(gateway_session_secret=SecretStr("s" * 31))


async def test_a_guarded_desk_asks_who_comes_and_shows_each_role_its_rooms(ledger: CaseLedger) -> None:
    double = at_the_desk(ledger, officers)

    async def statuses_of(key: str) -> dict[str, int]:
        async with client_session(double, key) as client:
            rooms = ("apply", "review", "audit")
            return {room: (await client.get(f"/desk/{room}")).status_code for room in rooms}

    async with client_of(double.app) as client:
        nobody = await client.get("/desk/apply")
        wrong = await client.post("/desk/sign-in", data={"key": "wrong"})

    assert (nobody.status_code, nobody.headers["location"]) == (303, "/desk/sign-in?next=%2Fdesk%2Fapply")
    assert wrong.status_code == 401
    assert await statuses_of("ann") == {"apply": 200, "review": 200, "audit": 200}
    assert await statuses_of("sys") == {"apply": 200, "review": 403, "audit": 403}
    assert await statuses_of("aud") == {"apply": 403, "review": 403, "audit": 200}


async def post_review(client: httpx2.AsyncClient, name: str, outcome: str, **fields: Any) -> Any:
    place = f"/desk/review/{quote(name, safe='')}"
    token = token_of(await client.get(place))
    return await client.post(place, data={"token": token, "outcome": outcome, **fields})


async def test_an_officers_word_is_published_and_takes_the_case_off_the_queue(ledger: CaseLedger) -> None:
    ledger.refer("a-1", "a-2")
    double = at_the_desk(ledger, officers)

    async with client_session(double, "ann") as client:
        before = await client.get("/desk/review")
        answer = await post_review(client, "a-1", "DECLINE", reason=["INCOME", "HISTORY"], note="called the employer")
        after = await client.get("/desk/review")

    [said] = ledger.reviews
    assert (before.text.count("<tr>"), after.text.count("<tr>")) == (3, 2)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/review")
    assert (said.application_id, said.outcome, said.reviewer) == ("a-1", "DECLINE", "ann")
    assert (said.reason_codes, said.note, said.second_reviewer) == (("INCOME", "HISTORY"), "called the employer", None)
    assert said.scorecard_digest == "d" * 64
    [act] = ledger.acts
    assert (act.actor, act.action, act.subject) == ("ann", AuditAction.REVIEW, "a-1")
    assert (act.why, act.before, act.after) == ("INCOME, HISTORY", "REFER", "DECLINE")


async def test_an_officers_word_that_the_audit_log_does_not_take_is_not_given(ledger: CaseLedger) -> None:
    ledger.refer("a-1")
    reached: list[str] = []

    def publish(topic: Topic, *_: object) -> None:
        reached.append(topic.name)
        problem = "topic loan.audit.v1 is not there"
        raise SetupError(problem)

    async with client_session(a_gateway(officers, ledger=ledger.lookup, publish_event=publish), "ann") as client:
        answer = await post_review(client, "a-1", "APPROVE")

    assert (answer.status_code, reached) == (503, ["loan.audit.v1"])
    assert "Nothing was recorded, try again: topic loan.audit.v1 is not there." in answer.text


async def test_an_officer_is_not_told_that_nothing_was_recorded_where_nobody_knows(ledger: CaseLedger) -> None:
    ledger.refer("a-1")

    def publish(topic: Topic, *event: Any) -> None:
        ledger.publish(topic, *event)
        if topic.name == "loan.reviews.v1":
            # Written, and its acknowledgement is lost.
            raise BrokerAwayError

    async with client_session(a_gateway(officers, ledger=ledger.lookup, publish_event=publish), "ann") as client:
        answer = await post_review(client, "a-1", "APPROVE")

    assert [review.outcome for review in ledger.reviews] == ["APPROVE"]
    assert answer.status_code == 503
    assert "may have your word or not" in answer.text
    assert "othing was recorded" not in answer.text


async def test_with_a_second_pair_of_eyes_one_proposes_and_another_confirms(ledger: CaseLedger) -> None:
    ledger.refer("a-1")
    double = at_the_desk(ledger, officers, review_second_pair=True)

    async with client_session(double, "ann") as ann, client_session(double, "bob") as bob:
        await post_review(ann, "a-1", "APPROVE")
        alone = await post_review(ann, "a-1", "APPROVE")
        await post_review(bob, "a-1", "APPROVE")

    first, second = ledger.reviews
    assert (first.outcome, first.reason_codes, first.reviewer) == ("REFER", ("PROPOSE_APPROVE",), "ann")
    assert alone.status_code == 422
    assert (second.outcome, second.reviewer, second.second_reviewer) == ("APPROVE", "ann", "bob")


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "DECLINE"},
        {"outcome": "REFER"},
        {"outcome": ""},
        {"outcome": "DECLINE", "reason": "MADE_UP"},
        {"outcome": "APPROVE", "note": "x" * 2_001},
    ],
)
async def test_a_review_that_cannot_stand_is_refused_with_what_to_do(ledger: CaseLedger, fields: Any) -> None:
    ledger.refer("a-1")

    async with client_session(at_the_desk(ledger, officers), "ann") as client:
        answer = await post_review(client, "a-1", **fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert ledger.reviews == []


async def test_a_note_of_the_allowed_length_is_published(ledger: CaseLedger) -> None:
    ledger.refer("a-1")

    async with client_session(at_the_desk(ledger, officers), "ann") as client:
        await post_review(client, "a-1", "APPROVE", note="x" * LONGEST_NOTE)

    assert [len(review.note) for review in ledger.reviews] == [LONGEST_NOTE]


@pytest.mark.parametrize(("fields", "status"), [(MOST_FIELDS, 200), (MOST_FIELDS + 1, 400)])
async def test_a_form_of_so_many_fields_is_read_and_of_more_refused(fields: int, status: int) -> None:
    async with client_of(a_gateway().app) as client:
        form = await filled_form(client)
        more = {f"more-{n}": "1" for n in range(fields - len(form))}
        answer = await client.post("/desk/apply", data={**form, **more})

    assert answer.status_code == status


async def test_a_case_that_another_has_decided_meanwhile_is_not_decided_again(ledger: CaseLedger) -> None:
    ledger.refer("a-1")

    async with client_session(at_the_desk(ledger, officers), "ann") as client:
        token = token_of(await client.get("/desk/review/a-1"))
        await post_review(client, "a-1", "APPROVE")
        late = await client.post("/desk/review/a-1", data={"token": token, "outcome": "APPROVE"})

    assert late.status_code == 422
    assert len(ledger.reviews) == 1


async def test_no_string_that_reaches_a_page_is_markup(ledger: CaseLedger) -> None:
    ledger.refer(XSS)

    async with client_session(at_the_desk(ledger, officers), "ann") as client:
        queue = await client.get("/desk/review", params={"id": XSS[:10]})
        case = await client.get(f"/desk/review/{quote(XSS, safe='')}")
        await post_review(client, XSS, "APPROVE", note=XSS)
        pages = [
            queue,
            case,
            await client.get(f"/desk/review/{quote(XSS, safe='')}"),
            await client.get("/desk/audit", params={"id": XSS}),
            await client.post("/desk/apply", data=await filled_form(client, application_id=XSS, loan_intent=XSS)),
        ]

    assert [page.status_code for page in pages] == [200, 200, 200, 200, 422]
    for page in pages:
        assert "<script>alert" not in page.text
        assert '"onload=' not in page.text
    assert escape(XSS).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in pages[2].text


ODD_VALUES = ("' OR 1=1 --", "nan", "inf", "-1", "1e999", "x~y", "%", "\x00", "2026-01-01~")


@pytest.mark.parametrize("name", ["hours", "least", "most", "fault", "id", "after"])
async def test_no_filter_breaks_the_queue(ledger: CaseLedger, name: str) -> None:
    ledger.refer("a-1")

    async with client_of(at_the_desk(ledger).app) as client:
        pages = {value: await client.get("/desk/review", params={name: value}) for value in ODD_VALUES}

    assert {value: page.status_code for value, page in pages.items()} == dict.fromkeys(ODD_VALUES, 200)
    assert [value for value, page in pages.items() if "<script" not in page.text] == []


async def test_the_queue_goes_on_page_by_page_and_misses_nobody(ledger: CaseLedger) -> None:
    names = [f"a-{number:03}" for number in range(120)]
    ledger.refer(*names)
    seen: list[str] = []

    async with client_of(at_the_desk(ledger).app) as client:
        after = ""
        while True:
            page = await client.get("/desk/review", params={"after": after})
            seen += re.findall(r'href="/desk/review/(a-\d+)"', page.text)
            found = re.search(r'name="after" value="([^"]+)"', page.text)
            if not found:
                break
            after = found.group(1)

    assert seen == names


async def test_the_time_line_of_an_application_is_shown(ledger: CaseLedger) -> None:
    ledger.refer("a-1")

    async with client_of(at_the_desk(ledger).app) as client:
        known = await client.get("/desk/audit", params={"id": "a-1"})
        unknown = await client.get("/desk/audit", params={"id": "a-2"})

    assert "Decided" in known.text
    assert "Applied" in known.text
    assert unknown.status_code == 404


async def test_without_a_ledger_the_room_says_what_to_set() -> None:
    async with client_of(a_gateway().app) as client:
        page = await client.get("/desk/review")

    assert page.status_code == 503
    assert "LOAN_LEDGER_URL" in page.text
    assert page.headers["content-type"].startswith("text/html")


async def test_the_interface_is_shown_to_people_without_another_host() -> None:
    async with client_of(a_gateway().app) as client:
        page = await client.get("/docs")

    assert page.status_code == 200
    assert "POST /predict/batch" in page.text
    assert 'id="LoanApplication"' in page.text
    assert not re.search(r"https?://", page.text)


async def test_a_hint_tells_applicants_what_a_field_is_and_nothing_of_the_scorecard() -> None:
    async with client_of(a_gateway().app) as client:
        page = (await client.get("/desk/apply")).text

    assert re.search(r'class="hint" id="h-person_income">Gross yearly income\.</p>', page)
    assert "AUC" not in page
