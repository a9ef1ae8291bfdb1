"""`POST /predict` over a double of the topics, decided by the worker's own core."""

import asyncio
from typing import Any

import pytest

from gateway.api.response_models import DecisionAnswer
from gateway.exchange.pending_decisions import MOST_CANDIDATES
from streams.kafka.kafka_errors import BrokerAwayError
from tests.builders import an_application
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.unit.gateway.calls import a_body, client_of, until


@pytest.fixture
async def double() -> GatewayDouble:
    return a_gateway()


async def predict(double: GatewayDouble, body: Any, **headers: str) -> Any:
    async with client_of(double.app) as client:
        return await client.post("/predict", json=body, headers=headers)


async def test_an_application_is_answered_with_the_decision_that_was_published(double: GatewayDouble) -> None:
    answer = await predict(double, a_body(application_id="a-1", loan_amnt=15_000))

    assert answer.status_code == 200
    said = answer.json()
    # A margin of 1 above a quarter of income: sigmoid(1) = .731, over the cut-off of .6.
    assert said["outcome"] == "DECLINE"
    assert said["probability_of_default"] == pytest.approx(0.7310586)
    assert (said["approved"], said["loan_status"]) == (False, 1)
    assert said["application_id"] == "a-1"
    assert said["source"] == {"topic": "loan.applications.v1", "partition": 0, "offset": 0}
    assert said["base_value"] + sum(each["contribution"] for each in said["contributions"]) == pytest.approx(1.0)
    assert said["contributions"][0]["feature"] == "loan_percent_income"
    assert said["contributions"][0]["label"] == "Amount over income"
    assert said["contributions"][0]["effect"] == "raises the risk"
    assert said.keys() == DecisionAnswer.model_fields.keys()


@pytest.mark.parametrize(
    ("amount", "outcome", "approved", "status"), [(10_000, "APPROVE", True, 0), (15_000, "DECLINE", False, 1)]
)
async def test_words_of_earlier_apis_follow_the_outcome(
    double: GatewayDouble, amount: int, outcome: str, approved: bool, status: int
) -> None:
    said = (await predict(double, a_body(loan_amnt=amount))).json()

    assert (said["outcome"], said["approved"], said["loan_status"]) == (outcome, approved, status)


async def test_a_decision_that_is_read_before_the_acknowledgement_is_not_missed(double: GatewayDouble) -> None:
    double.topic.decide_first = True

    answer = await predict(double, a_body())

    assert answer.status_code == 200


async def test_a_record_of_the_same_id_elsewhere_does_not_answer_ours(double: GatewayDouble) -> None:
    double.topic.worker_away = True
    async with client_of(double.app) as client:
        waiting = asyncio.create_task(client.post("/predict", json=a_body(application_id="a-1", loan_amnt=15_000)))
        await until(lambda: bool(double.topic.values))
        other = double.topic.encode(an_application(application_id="a-1"))
        double.topic.values.append(other)
        double.topic.decide(1)
        double.topic.decide(0)
        said = (await waiting).json()

    assert said["source"]["offset"] == 0
    assert said["outcome"] == "DECLINE"


async def test_an_undecided_application_is_504_with_its_id_and_answered_when_repeated() -> None:
    double = a_gateway(gateway_timeout_s=0.05)
    double.topic.worker_away = True

    late = await predict(double, a_body(application_id="a-1"))
    double.topic.decide(0)
    again = await predict(double, a_body(application_id="a-1"))

    assert (late.status_code, late.json()["application_id"]) == (504, "a-1")
    assert late.headers["content-type"] == "application/problem+json"
    assert again.status_code == 200
    assert len(double.topic.values) == 1


async def test_the_same_id_and_body_is_published_once_and_another_body_is_a_conflict(double: GatewayDouble) -> None:
    first = await predict(double, a_body(application_id="a-1"))
    again = await predict(double, a_body(application_id="a-1"))
    other = await predict(double, a_body(application_id="a-1", loan_amnt=9_000))

    assert again.json() == first.json()
    assert other.status_code == 409
    assert len(double.topic.values) == 1


async def test_an_idempotency_key_names_the_application(double: GatewayDouble) -> None:
    keyed = {"Idempotency-Key": "order-7"}

    first = await predict(double, a_body(), **keyed)
    again = await predict(double, a_body(), **keyed)
    other = await predict(double, a_body(loan_amnt=9_000), **keyed)

    assert again.json() == first.json()
    assert other.status_code == 409
    assert len(double.topic.values) == 1


async def test_two_that_ask_at_once_share_one_record(double: GatewayDouble) -> None:
    both = await asyncio.gather(*(predict(double, a_body(application_id="a-1")) for _ in range(2)))

    assert [each.status_code for each in both] == [200, 200]
    assert len(double.topic.values) == 1


async def test_a_broker_that_is_away_is_503_and_the_repeated_request_publishes_the_same_bytes(
    double: GatewayDouble,
) -> None:
    double.topic.fault = BrokerAwayError("_MSG_TIMED_OUT")
    refused = await predict(double, a_body(application_id="a-1"))
    double.topic.fault = None
    entry = double.gateway.exchange.pending.get("a-1")
    assert entry is not None

    answered = await predict(double, a_body(application_id="a-1"))

    assert (refused.status_code, refused.json()["application_id"]) == (503, "a-1")
    assert refused.headers["retry-after"] == "2"
    assert answered.status_code == 200
    assert double.topic.values == [entry.value]


async def test_the_latest_answers_are_remembered_and_the_oldest_forgotten() -> None:
    double = a_gateway(gateway_remembered=2)

    for name in ("a-1", "a-2", "a-1", "a-3"):
        await predict(double, a_body(application_id=name))
    published_at = len(double.topic.values)
    # Two and the one that waits; a-1 was asked for again after a-2.
    await predict(double, a_body(application_id="a-4"))
    kept = [name for name in ("a-1", "a-2", "a-3", "a-4") if double.gateway.exchange.pending.get(name)]
    await predict(double, a_body(application_id="a-2"))

    assert published_at == 3
    assert kept == ["a-1", "a-3", "a-4"]
    assert len(double.topic.values) == 5


@pytest.mark.parametrize(("strangers", "status"), [(MOST_CANDIDATES - 1, 200), (MOST_CANDIDATES, 504)])
async def test_of_one_id_so_many_decisions_are_kept_until_the_acknowledgement(strangers: int, status: int) -> None:
    double = a_gateway(gateway_timeout_s=30.0 if status == 200 else 0.2)

    async def publish(value: bytes, _headers: Any) -> tuple[int, int]:
        double.topic.values += [value] * (strangers + 1)
        for offset in range(strangers + 1):
            double.topic.decide(offset)
        return 0, 0

    double.topic._publish = publish

    answer = await predict(double, a_body(application_id="a-1"))

    assert answer.status_code == status


async def test_as_many_wait_as_may_and_one_more_is_429() -> None:
    double = a_gateway(gateway_max_waiting=2, gateway_timeout_s=5.0)
    double.topic.worker_away = True
    async with client_of(double.app) as client:
        waiting = [asyncio.create_task(client.post("/predict", json=a_body())) for _ in range(2)]
        await until(lambda: len(double.topic.values) >= 2)
        refused = await client.post("/predict", json=a_body())
        for offset in range(2):
            double.topic.decide(offset)
        answered = [(await each).status_code for each in waiting]

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert answered == [200, 200]
    assert double.gateway.exchange.pending.waiting == 0


async def test_a_caller_that_leaves_takes_nothing_back(double: GatewayDouble) -> None:
    double.topic.worker_away = True
    async with client_of(double.app) as client:
        leaving = asyncio.create_task(client.post("/predict", json=a_body(application_id="a-1")))
        await until(lambda: bool(double.topic.values))
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    double.topic.decide(0)

    again = await predict(double, a_body(application_id="a-1"))

    assert again.status_code == 200
    assert double.gateway.exchange.pending.waiting == 0


async def test_the_record_is_what_a_kafka_user_would_have_published(double: GatewayDouble) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    await predict(double, a_body(application_id="a-1"), traceparent=trace)

    headers = dict(double.topic.headers[0])
    assert headers["ce_id"] == b"a-1"
    assert headers["ce_type"] == b"loan.v1.LoanApplication"
    assert headers["traceparent"] == trace.encode()


async def test_a_reader_that_does_not_read_refuses_before_anything_is_published(double: GatewayDouble) -> None:
    double.reader.reading = False

    answer = await predict(double, a_body())

    assert answer.status_code == 503
    assert double.topic.values == []


@pytest.mark.parametrize("count", [1, 500])
async def test_a_batch_is_counted(double: GatewayDouble, count: int) -> None:
    rows = [a_body(application_id=f"a-{n}", loan_amnt=15_000 if n % 2 else 10_000) for n in range(count)]

    async with client_of(double.app) as client:
        said = (await client.post("/predict/batch", json={"applications": rows})).json()

    assert said["count"] == count
    assert said["counts"] == {"APPROVE": count - count // 2, "REFER": 0, "DECLINE": count // 2}
    assert said["approval_rate"] == pytest.approx((count - count // 2) / count)
    assert [each["application_id"] for each in said["decisions"]] == [row["application_id"] for row in rows]


@pytest.mark.parametrize("count", [0, 501])
async def test_a_batch_of_none_or_too_many_is_422(double: GatewayDouble, count: int) -> None:
    async with client_of(double.app) as client:
        answer = await client.post("/predict/batch", json={"applications": [a_body()] * count})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/applications"
    assert double.topic.values == []


async def test_a_fault_nobody_foresaw_is_500_and_says_nothing(
    double: GatewayDouble, caplog: pytest.LogCaptureFixture
) -> None:
    double.topic.fault = RuntimeError("secret 50000")

    answer = await predict(double, a_body())

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret" not in caplog.text


async def test_requests_are_counted_by_route_and_never_by_id(double: GatewayDouble) -> None:
    await predict(double, a_body(application_id="very-special-id"))
    async with client_of(double.app) as client:
        text = (await client.get("/metrics")).text

    assert 'loan_gateway_requests_total{route="/predict",status="2xx"} 1.0' in text
    assert "very-special-id" not in text
