"""`loanctl ask`, `decision` and `tail`: one decision asked for, one found again, and all as they come."""

import json
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loanctl import signals
from loanctl.audit.decision_search import decision_reader, first_decision
from loanctl.console import echo
from loanctl.decisions import application_input
from loanctl.decisions.decision_client import DecisionClient
from loanctl.demo import demo_output
from schemas.codec.event_codec import from_record
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.events.decisions import LoanDecision
from streams.kafka.topics.topic_tail import TopicTail
from streams.runtime import logs
from streams.runtime.settings import Connection

SOURCE: Final = "/loanctl/ask"
STDIN: Final = "-"
POLL_S: Final = 0.5
MOST: Final = 500

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


class InputError(SetupError):
    """The application cannot be read; names the file."""


def ask(
    application: Annotated[
        str, typer.Argument(help="File of one application as JSON, - for standard input; else it is asked for.")
    ] = "",
    example: Annotated[bool, typer.Option("--example", help="Print an application to start from, and stop.")] = False,
    as_json: AsJson = False,
    patience_s: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the decision.")] = 30.0,
) -> None:
    """Submit one application to the topics, and print its decision."""
    connection = Connection.read()
    contract = connection.contract()
    if example:
        echo(json.dumps(application_input.example(contract), indent=2))
        return
    logs.configure("error", "ask")
    body = _body(application) if application else _prompt_fields(contract)
    record = application_input.record(contract, body, f"ask-{uuid.uuid4()}", datetime.now(UTC))
    with DecisionClient(connection, SOURCE) as client:
        [decided] = client.decisions([record], patience_s)
    _show(decided.decision, as_json=as_json)


def decision(
    application_id: Annotated[str, typer.Argument(help="Of the application.")],
    as_json: AsJson = False,
) -> None:
    """Print the decision on an application, its first, from the topic."""
    _show(first_decision(Connection.read(), application_id).decision, as_json=as_json)


def tail(
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, help="Begin with this many decisions of each partition.")
    ] = 10,
    as_json: AsJson = False,
    count: Annotated[int, typer.Option(min=0, help="End after this many decisions; 0: never.")] = 0,
) -> None:
    """Print decisions as they come, one a line, until Ctrl-C."""
    connection = Connection.read()
    logs.configure("error", "tail")
    signals.heed()
    topic = connection.topics().decisions.name
    read, follower, printed = decision_reader(connection, topic), TopicTail(connection, {topic: last}), 0
    follower.open()
    try:
        while not count or printed < count:
            for message in follower.poll(MOST, POLL_S):
                found = read(message.value(), message.offset())
                if found is not None and (not count or printed < count):
                    echo(_line(found, message.timestamp()[1], as_json=as_json))
                    printed += 1
    except KeyboardInterrupt:
        return
    finally:
        follower.close()


def _body(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as cause:
        problem = f"{name}: cannot be read ({cause.strerror})"
        raise InputError(problem) from None


def _prompt_fields(contract: Contract) -> bytes:
    return application_input.prompt_fields(
        contract, lambda question: str(typer.prompt(question, default="", show_default=False))
    )


def _show(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        echo(application_input.as_json(found))
    else:
        demo_output.decision(demo_output.a_console(), from_record(LoanDecision, found))


def _line(found: Mapping[str, Any], produced_ms: int, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(dict(found), default=application_input.plain)
    at = time.strftime("%H:%M:%S", time.localtime(produced_ms / 1_000))
    chance = "     -" if found["probability"] is None else f"{found['probability']:6.1%}"
    reasons = " ".join(reason["code"] for reason in found["reasons"]) or found["fault"] or ""
    return f"{at}  {found['outcome']:<8} {chance}  {found['application_id']}  v{found['scorecard_version']}  {reasons}"
