"""`loanctl demo`: the whole story on real Kafka, shown as it happens, then read back from the topics.

The stack, the first champion, the processes, one application by HTTP, a stream whose applicants change, the drift, the
command, the training, the promotion, the swap. Nothing is believed that was not on the topics: the
claims are in `loanctl.demo.checks`, the acts in `loanctl.demo.scenario`, the looks in `loanctl.demo.demo_output`.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from confluent_kafka import Producer

from loanctl import endpoints, signals
from loanctl.commands.cluster import schemas
from loanctl.commands.cluster import topics as topic_command
from loanctl.console import Console
from loanctl.demo import checks, demo_output
from loanctl.demo.checks import DemoRun
from loanctl.demo.scenario import DemoScenario
from loanctl.stack import stack_state
from loanctl.stack.local_stack import StackParts, local_stack, stop_stack
from loanctl.stack.progress import ConsoleProgress
from streams.runtime import logs
from streams.runtime.settings import Connection, read

FOLDER: Final = Path("build/demo")
"""Of the stack, the processes' logs, the applicants and the fetched bundles; made anew by every demo."""
ROUSE_S: Final = 30.0
WATCH_S: Final = 1.0
INTERRUPTED: Final = 130
"""What a shell makes of Ctrl-C."""


def demo(
    out: Annotated[Path, typer.Option(help="Where the summary goes.")] = Path("build/demo.json"),
    seed: Annotated[int, typer.Option(help="Of the applicants and of the training.")] = 1,
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running, the desk too, until Ctrl-C.")] = False,
    public: Annotated[
        bool,
        typer.Option(
            "--public", help="The same, with a desk for visitors at LOAN_GATEWAY_HOST and LOAN_GATEWAY_PORT: demo mode."
        ),
    ] = False,
) -> None:
    """Play the whole story on a real Kafka; exit status 1 if any part of it is not seen on the topics."""
    began = time.monotonic()
    console = demo_output.a_console()
    logs.configure("error", "demo")
    signals.heed()
    found: list[bool] = []

    def end(run: DemoRun, desk: str) -> None:
        found.append(_closed(console, run, out))
        if public:
            with scenario.visitors() as member:
                _stay(console, desk, f"port {member.port}, for visitors")
        elif stay:
            _stay(console, desk)

    try:
        with _theatre(console) as connection:
            scenario = DemoScenario(console, connection, FOLDER, seed, began)
            scenario.tell(end)
    except KeyboardInterrupt:
        console.print("stopped")
        if not found:
            raise typer.Exit(INTERRUPTED) from None
    if not all(found):
        raise typer.Exit(1)


def _closed(console: Console, run: DemoRun, out: Path) -> bool:
    """Tell what was seen; whether all of it was."""
    summary, found = checks.document(run), checks.checks(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(checks.as_json(summary), encoding="utf-8")
    demo_output.heading(console, "On the topics")
    demo_output.print_summary(console, summary, found)
    demo_output.print_line(
        console, f"{'ok' if summary['ok'] else 'NOT ok'} after {summary['seconds']:.0f} s; {out} tells it"
    )
    return bool(summary["ok"])


def _stay(console: Console, *desks: str) -> None:
    demo_output.heading(console, "All of it stays up until Ctrl-C")
    for desk in desks:
        demo_output.print_line(console, f"the desk: {desk}")
    while True:
        time.sleep(WATCH_S)


@contextmanager
def _theatre(console: Console) -> Iterator[Connection]:
    """Kafka, a registry and MLflow, topics and schemas; what was started for us ends with the block."""
    demo_output.heading(console, "Kafka, a schema registry and MLflow start")
    stop_stack(FOLDER)
    shutil.rmtree(FOLDER, ignore_errors=True)
    outside = _outside()
    with local_stack(FOLDER, outside, ConsoleProgress(console)) as stack:
        os.environ.update(endpoints.variables(stack.endpoints) | _own_names(outside))
        connection = Connection.read()
        _rouse(connection)
        demo_output.heading(console, "Topics and schemas")
        applied = topic_command.apply(read(topic_command.TopicSettings))
        registered = schemas.register(connection)
        demo_output.print_line(
            console, f"{len(applied)} topics, {connection.topics().applications.name} the first of them"
        )
        demo_output.print_line(console, f"{len(registered)} schemas, registered by us and not by the producers")
        yield connection


def _outside() -> StackParts:
    """What settings name, but for the stack of `loanctl up`: that is somebody's work, and not for playing."""
    found = stack_state.read(endpoints.state_dir(os.environ))
    ours = set(asdict(found.endpoints).values()) if found else set()
    named = {name: value for name, value in asdict(endpoints.from_environment()).items() if value and value not in ours}
    return StackParts(**named)


def _rouse(connection: Connection) -> None:
    """A new broker makes what transactions need when first asked, and tells every client meanwhile to ask again."""
    Producer(connection.producer({"transactional.id": "loan-demo"})).init_transactions(ROUSE_S)


def _own_names(outside: StackParts) -> dict[str, str]:
    """On a broker or an MLflow that others use, the demo has topics and a model of its own."""
    names = {"LOAN_CACHE_DIR": str((FOLDER / "cache").resolve())}
    if outside != StackParts():
        own = f"loan-demo-{time.time_ns() // 1_000_000_000}"
        names |= {"LOAN_TOPIC_PREFIX": own, "LOAN_MODEL_NAME": own}
    return names
