"""Versions from an MLflow server, over its REST API: https://mlflow.org/docs/latest/api_reference/rest-api.html."""

import os
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import httpx2

from scorecard.registry.mlflow_client import NOT_THERE, ModelRegistryAwayError, fault_of
from scorecard.registry.registered_version import RegisteredVersion

API: Final = "/api/2.0/mlflow"
TIMEOUT_S: Final = 10.0
PAGE: Final = 1_000
WORDS_BY_STATUS: Final = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "ENDPOINT_NOT_FOUND"}
"""MLflow's words for an answer that brings none of its own."""
TRUE: Final = frozenset({"true", "1"})


class RestReader:
    def __init__(self, tracking_uri: str, environment: Mapping[str, str] = os.environ) -> None:
        """Asks nothing yet.

        Args:
            tracking_uri: of the server; may hold a user and a password.
            environment: MLflow's variables of credentials and certificates.
        """
        self._uri = tracking_uri.rstrip("/")
        self._environment = environment

    def by_alias(self, name: str, alias: str) -> RegisteredVersion | None:
        found = self._ask("registered-models/alias", name=name, alias=alias)
        return None if found is None else _registered_version(name, found["model_version"])

    def by_number(self, name: str, version: str) -> RegisteredVersion | None:
        found = self._ask("model-versions/get", name=name, version=version)
        return None if found is None else _registered_version(name, found["model_version"])

    def all_of(self, name: str) -> Sequence[RegisteredVersion]:
        found: list[RegisteredVersion] = []
        token = ""
        while True:
            wanted = {"filter": f"name = '{name}'", "max_results": str(PAGE), "page_token": token}
            page = self._ask("model-versions/search", **{key: value for key, value in wanted.items() if value}) or {}
            found += [_registered_version(name, each) for each in page.get("model_versions", ())]
            token = page.get("next_page_token", "")
            if not token:
                return found

    def place_of(self, name: str, version: str) -> str | None:
        found = self._ask("model-versions/get-download-uri", name=name, version=version)
        return None if found is None else str(found.get("artifact_uri", ""))

    def _ask(self, path: str, **parameters: str) -> Any:
        """The answer; None for what is not there."""
        try:
            with httpx2.Client(verify=self._verification, auth=self._auth(), timeout=TIMEOUT_S) as client:
                answer = client.get(f"{self._uri}{API}/{path}", params=parameters, headers=self._headers())
            body = answer.json() if answer.content.startswith(b"{") else {}
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as cause:
            raise ModelRegistryAwayError(type(cause).__name__) from None
        if answer.is_success:
            return body
        word = body.get("error_code") or WORDS_BY_STATUS.get(answer.status_code, f"HTTP {answer.status_code}")
        if word in NOT_THERE:
            return None
        raise fault_of(self._uri, word)

    def _headers(self) -> Mapping[str, str]:
        token = self._environment.get("MLFLOW_TRACKING_TOKEN")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _auth(self) -> tuple[str, str] | None:
        user, password = (self._environment.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
        return (user, password) if user and password and not self._headers() else None

    @cached_property
    def _verification(self) -> ssl.SSLContext | bool:
        # Once: to read the certificates of all authorities costs 20 ms.
        names = ("SERVER_CERT_PATH", "CLIENT_CERT_PATH")
        authorities, own = (self._environment.get(f"MLFLOW_TRACKING_{name}") for name in names)
        if self._environment.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in TRUE:
            return False
        if not authorities and not own:
            return httpx2.create_ssl_context()
        context = ssl.create_default_context(cafile=authorities)
        if own:
            context.load_cert_chain(own)
        return context


def _registered_version(name: str, found: Mapping[str, Any]) -> RegisteredVersion:
    tags = {tag["key"]: tag.get("value", "") for tag in found.get("tags", ())}
    return RegisteredVersion.of(name, found["version"], found.get("run_id"), tags)
