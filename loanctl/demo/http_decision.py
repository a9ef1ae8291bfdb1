"""One application by HTTP: what is sent, and the gateway's answer."""

import json
import shlex
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from schemas.errors import OutageError

APPLICATION: Final[Mapping[str, Any]] = {
    "application_id": "by-http",
    "person_income": 38_500,
    "person_home_ownership": "RENT",
    "person_emp_length": 2,
    "loan_intent": "MEDICAL",
    "loan_amnt": 16_000,
    "cb_person_default_on_file": "N",
    "cb_person_cred_hist_length": 6,
}
TIMEOUT_S: Final = 30.0


class UnansweredError(OutageError):
    """The gateway gave no decision."""


def application(applied_at: datetime) -> Mapping[str, Any]:
    """What is sent. Signed at the story's own time: one of today would make all that the story plays late."""
    return {**APPLICATION, "applied_at": applied_at.isoformat()}


def answer(url: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """The decision on an application, as the gateway at this address answers it.

    Raises:
        UnansweredError: names the status.
    """
    request = urllib.request.Request(  # noqa: S310 - a gateway of ours
        f"{url}/predict", json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310 - as above
            found: Mapping[str, Any] = json.load(reply)
    except urllib.error.HTTPError as refusal:
        with refusal:
            problem = f"the gateway answered {refusal.code}"
        raise UnansweredError(problem) from None
    except OSError as cause:
        problem = f"the gateway did not answer: {type(cause).__name__}"
        raise UnansweredError(problem) from cause
    return found


def curl(url: str, sent: Mapping[str, Any]) -> str:
    """The same request, for a reader's own shell."""
    return f"curl -s {url}/predict -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(sent))}"
