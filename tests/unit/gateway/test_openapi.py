"""Whatever the OpenAPI document allows, and what it does not, is answered as it says; the same requests every time."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.unit.gateway.browser import served_desk

OPERATIONS = [
    ("POST", "/predict"),
    ("POST", "/predict/batch"),
    ("POST", "/explain"),
    ("POST", "/what-if"),
    ("POST", "/counterfactuals"),
    ("GET", "/decisions/{application_id}"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/model-info"),
    ("GET", "/drift"),
    ("GET", "/drift/windows"),
    ("GET", "/drift/windows/{window_id}"),
    ("GET", "/metrics"),
    ("POST", "/alerts"),
]


@pytest.fixture(scope="module")
def document() -> Iterator[Any]:
    # Here and not above: every process of the tests would import it, for this file alone.
    import schemathesis

    with served_desk(gateway_search_s=0.05) as (url, _):
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def conformance() -> list[Any]:
    """No fault of the server's, and an answer of the status, type and form that the document promises."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.negative_data_rejection,
    ]


def test_every_operation_of_the_document_is_tried(document: Any) -> None:
    found = [(each.ok().method.upper(), each.ok().path) for each in document.get_all_operations()]

    assert sorted(found) == sorted(OPERATIONS)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_answers_as_its_document_says(document: Any, method: str, path: str) -> None:
    operation = document[path][method]
    tried = []

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        tried.append(case)
        case.call_and_validate(checks=conformance())

    attempt()

    assert tried
