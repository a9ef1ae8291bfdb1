"""The desk in Debian's Chromium: by keyboard alone, in both colour schemes, in the browser's language, axe-clean."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from gateway.access.access_guard import AccessGuard
from gateway.access.api_keys import key_digest
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import CallerRole, Principal
from gateway.desk.desk import ROOMS
from loanctl.stack.ports import free_ports
from scorecard.registry.registered_version import RegisteredVersion
from tests.doubles.oidc_provider import OidcProviderDouble
from tests.ledger_records import a_review, review
from tests.unit.gateway.browser import chromium, serve_app, served_desk
from tests.unit.gateway.calls import a_body
from tests.unit.gateway.drift_reports import checks, windows
from tests.unit.gateway.ledgers import CaseLedger
from tests.unit.gateway.live_events import a_busy_hour, an_announcement
from tests.unit.gateway.oidc_desk import an_oidc_desk

pytestmark = pytest.mark.slow
WAIT_MS = 60_000
SHOTS = os.environ.get("DESK_SCREENSHOTS", "")
"""Folder for pictures of what the tests see; empty for none."""
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails its test where a script fails, or the policy of contents is violated."""
    context = browser.new_context(color_scheme=request.param, locale="de-DE", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    elsewhere: list[str] = []
    opened.on("pageerror", lambda fault: faults.append(str(fault)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda sent: elsewhere.append(sent.url) if "//127.0.0.1:" not in sent.url else None)
    yield opened
    shot(opened, f"{request.node.originalname}-{request.param}")
    context.close()
    assert [each for each in faults if "422" not in each] == []
    assert elsewhere == []


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def violations(page: Page) -> list[Any]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]


def tab_to(page: Page, selector: str) -> None:
    """By the tabulator key alone."""
    for _ in range(80):
        if page.locator(selector).evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(selector)


def apply(page: Page, **fields: Any) -> None:
    """Fill the form and send it, by keyboard."""
    for name, value in a_body(**fields).items():
        tab_to(page, f"[id=f-{name}]")
        page.keyboard.type(str(value))
    page.keyboard.press("Enter")


def test_an_application_its_sliders_and_what_would_approve_it_by_keyboard(page: Page) -> None:
    with served_desk() as (url, double):
        page.goto(f"{url}/desk/apply")
        apply(page, loan_amnt=13_500)
        page.locator("#answer .verdict.decline").wait_for()
        page.get_by_text("fewest fields first").wait_for()
        language = page.locator("#answer .band data").first.inner_text()
        tab_to(page, "#s-loan_amnt")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        page.locator("#what-if .verdict.approve").wait_for()

        assert language == "73,1\u00a0%"
        assert violations(page) == []
        assert len(double.topic.values) == 1


def test_fields_at_fault_are_told_and_reached_by_keyboard(page: Page) -> None:
    with served_desk() as (url, double):
        page.goto(f"{url}/desk/apply")
        # What the browser itself checks is not asked: another client has no such manners.
        page.locator("#application").evaluate("form => form.noValidate = true")
        apply(page, person_age=17)
        page.locator("#answer .card.error").wait_for()
        tab_to(page, "a[href='#f-person_age']")

        assert violations(page) == []
        assert double.topic.values == []


def test_a_review_by_keyboard_alone(page: Page, tmp_path: Path) -> None:
    ledger = CaseLedger(tmp_path)
    ledger.refer("a-1", "a-2")
    with served_desk(ledger=ledger.lookup, publish_event=ledger.publish) as (url, _):
        page.goto(f"{url}/desk/review")
        queue = violations(page)
        shot(page, f"queue-{page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches')}")
        tab_to(page, "a[href='/desk/review/a-1']")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your review").wait_for()
        case = violations(page)
        shot(page, f"case-{page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches')}")
        tab_to(page, "input[name=outcome][value=APPROVE]")
        page.keyboard.press("ArrowDown")
        tab_to(page, "input[value=INCOME]")
        page.keyboard.press("Space")
        tab_to(page, "#note")
        page.keyboard.type("income not shown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("1 case waits").wait_for()

    [said] = ledger.reviews
    assert (said.application_id, said.outcome, said.reason_codes) == ("a-1", "DECLINE", ("INCOME",))
    assert said.note == "income not shown"
    assert queue == case == []


def test_a_made_up_review_by_keyboard_at_a_public_demo(page: Page, tmp_path: Path) -> None:
    ledger = CaseLedger(tmp_path)
    ledger.refer("a-1", "a-2")
    with served_desk(ledger=ledger.lookup, publish_event=ledger.publish, gateway_demo=True) as (url, double):
        page.goto(f"{url}/desk/apply")
        first = violations(page)
        shot(page, f"demo-{page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches')}")
        apply(page, loan_amnt=13_500)
        page.locator("#answer .verdict.decline").wait_for()
        page.goto(f"{url}/desk/review/a-1")
        tab_to(page, "input[name=outcome][value=APPROVE]")
        page.keyboard.press("Space")
        tab_to(page, "form[method=post] > button")
        page.keyboard.press("Enter")
        page.get_by_text("1 case waits").wait_for()

        assert first == violations(page) == []
        assert page.get_by_label("Demo").is_visible()
        assert (double.topic.values, ledger.reviews) == ([], [])


def test_the_time_line_is_readable(page: Page, tmp_path: Path) -> None:
    ledger = CaseLedger(tmp_path)
    ledger.refer("a-1")
    with served_desk(ledger=ledger.lookup) as (url, _):
        page.goto(f"{url}/desk/audit?id=a-1")
        page.get_by_text("Decided").wait_for()

        assert violations(page) == []


def test_cutoffs_are_tried_by_keyboard(page: Page, tmp_path: Path) -> None:
    ledger = CaseLedger(tmp_path)
    ledger.refer(*(f"a-{n}" for n in range(20)))
    with served_desk(ledger=ledger.lookup) as (url, double):
        double.versions.by_alias = {"champion": RegisteredVersion("s", "1", "d", "xgboost", "r", {"metric.auc": ".9"})}
        page.goto(f"{url}/desk/scorecards?approve_below=0.05&decline_from=0.9")
        page.get_by_text("0 of 20 would have another outcome").wait_for()
        tab_to(page, "#approve_below")
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        page.get_by_text("20 of 20 would have another outcome").wait_for()

        assert violations(page) == []


def test_the_live_page_follows_what_happens(page: Page) -> None:
    live = a_busy_hour()
    with served_desk(live=live) as (url, _):
        page.goto(f"{url}/desk/live")
        page.get_by_text("Follows what happens").wait_for()
        page.get_by_text("Windows as a table").click()
        live.events.champions.add(an_announcement("3", 24, "earned it"))
        page.get_by_text("earned it").wait_for()

        assert violations(page) == []
        assert page.locator("#live-figures dd data").first.inner_text() == "110"
        # The server of a test waits half a minute for a stream that is open.
        page.goto("about:blank")


def test_the_interface_is_readable(page: Page) -> None:
    with served_desk() as (url, _):
        page.goto(f"{url}/docs")

        assert violations(page) == []


def test_on_a_phone_no_room_scrolls_sideways_and_its_head_leaves_room(page: Page, tmp_path: Path) -> None:
    ledger = CaseLedger(tmp_path)
    ledger.refer(*(f"an-application-with-a-long-name-{place}" for place in range(3)))
    with served_desk(ledger=ledger.lookup, live=a_busy_hour()) as (url, _):
        page.set_viewport_size({"width": 360, "height": 800})
        found = {}
        for path, _, _ in ROOMS:
            page.goto(f"{url}{path}")
            width = page.evaluate("document.documentElement.scrollWidth")
            head = page.evaluate("document.querySelector('header').offsetHeight")
            found[path] = (width <= 360, head < 800 / 3)

        assert found == {path: (True, True) for path, _, _ in ROOMS}
        assert violations(page) == []


def test_a_sign_in_at_the_provider_and_out_again_by_keyboard(browser: Browser) -> None:
    """The provider is another site to the browser, which must send the `SameSite=Strict` cookie all the same."""
    desk_port, provider_port = free_ports(2)
    idp = OidcProviderDouble(f"http://localhost:{provider_port}", interactive=True)
    public_url = f"http://127.0.0.1:{desk_port}"
    idp.redirect_uri = f"{public_url}/desk/sign-in/callback"
    desk = partial(an_oidc_desk, idp, idp.issuer, public_url)
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        with serve_app(idp.app, provider_port), served_desk(desk_port, desk) as (url, _):
            page.goto(f"{url}/desk/live?a=b")
            asked = violations(page)
            shot(page, f"sign-in-{scheme}")
            tab_to(page, "a.button")
            page.keyboard.press("Enter")
            page.get_by_text("Go on as u-1").wait_for()
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{url}/desk/live?a=b")
            tab_to(page, "header form button")
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="Signed out").wait_for()
            left = violations(page)
            shot(page, f"signed-out-{scheme}")
            page.goto(f"{url}/desk/live")

            assert page.get_by_role("heading", name="Sign in").is_visible()
            assert asked == left == []
        context.close()


def test_every_room_is_reached_by_keyboard_and_readable(page: Page, tmp_path: Path) -> None:
    """Each room that there is, and the pages between them: a new room is held to it without being named here."""
    ledger = CaseLedger(tmp_path)
    ledger.refer("a-1", "a-2", "a-3")
    review(ledger.database, a_review("a-3", reason_codes=("R1",), reviewed_at=datetime.now(UTC)))
    ledger.report(windows(), checks())
    with served_desk(ledger=ledger.lookup, live=a_busy_hour()) as (url, double):
        double.versions.by_alias = {"champion": RegisteredVersion("s", "1", "d", "xgboost", "r", {"metric.auc": ".9"})}
        page.goto(f"{url}/desk")
        found = {}
        for path, name, _ in ROOMS:
            tab_to(page, f"nav a[href='{path}']")
            page.keyboard.press("Enter")
            page.wait_for_url(f"{url}{path}")
            page.get_by_role("heading", level=1, name=name).wait_for()
            found[path] = violations(page)
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")  # skips to the content
            assert page.evaluate("document.activeElement.id") == "main"

        page.goto(f"{url}/desk/drift")
        tab_to(page, "tbody tr:first-child a")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Verdict: drifted").wait_for()

        assert found == {path: [] for path, _, _ in ROOMS}
        assert violations(page) == []


def test_the_way_in_and_a_refusal_are_readable(page: Page) -> None:
    ann = Principal("ann", frozenset({CallerRole.AUDITOR}))
    with served_desk(guard=lambda: AccessGuard({key_digest("k"): ann}, None, RateLimiter(0))) as (url, _):
        page.goto(f"{url}/desk/live")
        tab_to(page, "#key")
        page.keyboard.type("k")
        form = violations(page)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Live").wait_for()
        # The browser says so on its console, too.
        page.route("**/desk/review", lambda route: route.fulfill(response=route.fetch(), status=200))
        page.goto(f"{url}/desk/review")
        page.get_by_role("heading", name="This request failed").wait_for()

        assert form == violations(page) == []
