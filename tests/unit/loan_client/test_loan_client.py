"""The typed client: before a gateway that decides, and before one that refuses as scripted."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from gateway.api.response_models import DecisionAnswer
from gateway.api.what_if import CounterfactualsAnswer, WhatIfAnswer
from loan_client.client import LoanClient
from loan_client.client_errors import GatewayUnreachableError, InvalidField, MalformedAnswerError, ProblemError
from loan_client.retries import RetryRule, retry_after_s
from loan_client.typed_answers import Decision, Hypothetical, SufficientChanges
from tests.doubles.gateway import GatewayDouble
from tests.doubles.http_server import Handler, web_server
from tests.unit.gateway.browser import served_desk
from tests.unit.gateway.calls import a_body

PACKAGE = Path(__file__).resolve().parents[3] / "loan_client"
DECLINED = {"loan_amnt": 20_000, "cb_person_default_on_file": "Y"}
Scripted = tuple[int, dict[str, str], bytes]
"""Status, headers and body of an answer."""


@pytest.fixture(scope="module")
def client_and_double() -> Iterator[tuple[LoanClient, GatewayDouble]]:
    with served_desk() as (url, double):
        yield LoanClient(url), double


@contextmanager
def scripted_server(*answers: Scripted) -> Iterator[tuple[str, list[Any]]]:
    """A server that gives these answers one after another, the last one for ever; its URL, and what it was asked."""
    asked: list[Any] = []

    class ScriptedHandler(Handler):
        def respond(self) -> None:
            asked.append((self.path, dict(self.headers), self.body()))
            status, headers, body = answers[min(len(asked), len(answers)) - 1]
            self.reply(status, body, headers)

    with web_server(ScriptedHandler) as address:
        yield address, asked


def refusal(status: int, kind: str = "unavailable", retry_after: str = "", **members: Any) -> Scripted:
    document = {"type": f"urn:loan:problem:{kind}", "detail": "as the gateway says", **members}
    headers = {"Content-Type": "application/problem+json", **({"Retry-After": retry_after} if retry_after else {})}
    return status, headers, json.dumps(document).encode()


def an_answer() -> Scripted:
    counterfactuals = {
        "published": False,
        "outcome": "APPROVE",
        "probability_of_default": 0.05,
        "counterfactuals": [],
        "complete": True,
        "scored": 0,
        "detail": "the application is approved as it is",
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(counterfactuals).encode()


def test_an_application_is_decided_and_its_decision_found_again(
    client_and_double: tuple[LoanClient, GatewayDouble],
) -> None:
    client, _ = client_and_double

    said = client.predict(a_body(application_id="a/1 ü", **DECLINED))

    assert isinstance(said, Decision)
    assert (said.application_id, said.outcome, said.approved, said.loan_status) == ("a/1 ü", "DECLINE", False, 1)
    assert said.margin == pytest.approx(said.base_value + sum(each.contribution for each in said.contributions))
    assert said.applied_at.tzinfo is not None
    assert client.decision("a/1 ü") == said


def test_questions_have_typed_answers_and_publish_nothing(client_and_double: tuple[LoanClient, GatewayDouble]) -> None:
    client, double = client_and_double
    published = len(double.topic.values)

    now, explained = client.what_if(a_body(**DECLINED)), client.explain(a_body(**DECLINED))
    ways = client.counterfactuals(a_body(**DECLINED))

    assert (now, now.outcome, now.published) == (explained, "DECLINE", False)
    assert ways.outcome == "DECLINE"
    assert ways.complete
    assert len(double.topic.values) == published


def test_amounts_and_times_may_be_given_as_python_has_them(client_and_double: tuple[LoanClient, GatewayDouble]) -> None:
    client, _ = client_and_double
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    said = client.predict(a_body(applied_at=at, loan_amnt=Decimal("10000.00")))

    assert said.applied_at == at
    assert said.outcome == client.what_if(a_body()).outcome


def test_fields_at_fault_are_named(client_and_double: tuple[LoanClient, GatewayDouble]) -> None:
    client, _ = client_and_double

    with pytest.raises(ProblemError) as refused:
        client.predict(a_body(person_age=7, loan_intent=...))

    assert (refused.value.status, refused.value.kind) == (422, "invalid-fields")
    assert {each.pointer for each in refused.value.errors} == {"/person_age", "/loan_intent"}
    assert all(isinstance(each, InvalidField) for each in refused.value.errors)
    with pytest.raises(ProblemError, match="404 unknown-application"):
        client.decision("nobody")


def test_the_types_are_those_of_the_openapi_document() -> None:
    for answer, kind in (
        (DecisionAnswer, Decision),
        (WhatIfAnswer, Hypothetical),
        (CounterfactualsAnswer, SufficientChanges),
    ):
        assert names(kind) == names_of_model(answer)


def names(kind: Any) -> Any:
    """Field names of a dataclass, with those of the dataclasses in it."""
    return {name: inner(hint, names) for name, hint in get_type_hints(kind).items()}


def names_of_model(model: Any) -> Any:
    return {name: inner(info.annotation, names_of_model) for name, info in model.model_fields.items()}


def inner(hint: Any, fields_of: Any) -> Any:
    if get_origin(hint) in (tuple, list):
        return inner(get_args(hint)[0], fields_of)
    return fields_of(hint) if dataclasses.is_dataclass(hint) or hasattr(hint, "model_fields") else None


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_request_is_repeated_with_one_key_after_the_time_that_the_gateway_names(status: int) -> None:
    waits: list[float] = []

    with scripted_server(refusal(status, retry_after="7"), refusal(status), refusal(404, "unknown")) as (url, asked):
        client = LoanClient(url, sleep=waits.append)
        with pytest.raises(ProblemError, match="404"):
            client.predict({"loan_amnt": 1})

    keys = {headers["Idempotency-Key"] for _, headers, _ in asked}
    assert waits == [7.0, 0.4]
    assert (len(asked), len(keys)) == (3, 1)
    assert len({body for *_, body in asked}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422, 500])
def test_what_would_fail_again_is_not_repeated(status: int) -> None:
    with scripted_server(refusal(status)) as (url, asked), pytest.raises(ProblemError, match=str(status)):
        LoanClient(url, sleep=pytest.fail).counterfactuals({})

    assert len(asked) == 1


def test_the_last_refusal_is_the_callers_with_what_it_says() -> None:
    with scripted_server(refusal(504, "undecided", application_id="a-1")) as (url, asked):
        client = LoanClient(url, retry=RetryRule(attempts=3), sleep=lambda _: None)
        with pytest.raises(ProblemError, match="504 undecided: as the gateway says") as refused:
            client.predict({}, idempotency_key="mine")

    assert refused.value.application_id == "a-1"
    assert [headers["Idempotency-Key"] for _, headers, _ in asked] == ["mine"] * 3


def test_a_wait_that_is_too_long_is_left_to_the_caller() -> None:
    with (
        scripted_server(refusal(429, "rate-limited", retry_after="31")) as (url, asked),
        pytest.raises(ProblemError) as refused,
    ):
        LoanClient(url, sleep=pytest.fail).counterfactuals({})

    assert refused.value.retry_after_s == 31.0
    assert len(asked) == 1


def test_a_gateway_that_is_away_and_back_is_asked_again() -> None:
    with scripted_server(an_answer()) as (url, _):
        pass  # its port is closed now
    waits: list[float] = []

    with pytest.raises(GatewayUnreachableError, match="does not answer: URLError"):
        LoanClient(url, retry=RetryRule(attempts=4, first_wait_s=1, longest_wait_s=3), sleep=waits.append).decision("a")

    assert waits == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"published": 3}'])
def test_another_servers_answer_is_told(body: bytes) -> None:
    with scripted_server((200, {}, body)) as (url, _), pytest.raises(MalformedAnswerError):
        LoanClient(url).counterfactuals({})


@pytest.mark.parametrize("body", [b"[]", b"no JSON", b'{"errors": null}', b'{"errors": [3]}'])
def test_another_servers_problem_is_told(body: bytes) -> None:
    answer = (422, {"Content-Type": "application/problem+json"}, body)
    with scripted_server(answer) as (url, _), pytest.raises(MalformedAnswerError):
        LoanClient(url).counterfactuals({})


def test_an_answer_that_breaks_off_is_no_answer_whatever_its_status() -> None:
    status, headers, body = refusal(422)
    for answer in ((status, {**headers, "Content-Length": "1000"}, body), (200, {"Content-Length": "1000"}, b"{")):
        with scripted_server(answer) as (url, asked), pytest.raises(GatewayUnreachableError, match="IncompleteRead"):
            LoanClient(url, retry=RetryRule(attempts=2), sleep=lambda _: None).counterfactuals({})

        assert len(asked) == 2


def test_a_proxys_page_is_a_problem_without_a_kind() -> None:
    page = (413, {"Content-Type": "text/html"}, b"<html>too big</html>")
    with scripted_server(page) as (url, _), pytest.raises(ProblemError, match=r"^413: ") as refused:
        LoanClient(url).counterfactuals({})

    assert refused.value.kind == ""


def test_credentials_go_to_the_gateway_and_follow_no_redirect() -> None:
    with (
        scripted_server(an_answer()) as (elsewhere, seen),
        scripted_server((307, {"Location": elsewhere}, b"")) as (url, asked),
        pytest.raises(ProblemError, match="307"),
    ):
        LoanClient(url, api_key="k", token=lambda: "t").counterfactuals({})

    [(_, headers, _)] = asked
    assert (headers["X-Api-Key"], headers["Authorization"]) == ("k", "Bearer t")
    assert seen == []


def test_no_value_of_an_application_is_in_an_error() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        LoanClient("http://127.0.0.1:1").predict({"person_income": float("nan")})
    with pytest.raises(TypeError, match="bytes is no value"):
        LoanClient("http://127.0.0.1:1").predict({"person_income": b"51234"})
    with pytest.raises(ValueError, match="begins with http"):
        LoanClient("file:///etc/passwd")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("0", 0.0),
        ("12", 12.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    ],
)
def test_what_retry_after_asks_for(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 3, 1, 12, tzinfo=UTC)) == seconds


def test_it_needs_nothing_but_python(tmp_path: Path) -> None:
    """Neither this project nor what it depends on: isolated, without site-packages, the package alone on the path."""
    (tmp_path / "loan_client").symlink_to(PACKAGE)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import loan_client.client; print('imported')"

    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)

    assert (ran.stdout.strip(), ran.stderr) == ("imported", "")
