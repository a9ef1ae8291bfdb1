"""`loanctl up`, `status` and `down`: the life of the local stack. What it is: `loanctl.stack`."""

import os
import shlex
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from loanctl import endpoints, signals
from loanctl.commands.cluster import schemas, topics
from loanctl.console import Console, echo
from loanctl.stack import stack_state
from loanctl.stack.local_stack import AlreadyUpError, LocalStack, StackParts, local_stack, start_stack, stop_stack
from loanctl.stack.ports import HOST
from loanctl.stack.progress import ConsoleProgress
from loanctl.stack.services import desk_services
from loanctl.stack.stack_state import Endpoints, State
from schemas.urls import mask_credentials
from streams.runtime.settings import Connection, read

WATCH_S: Final = 1.0
DATA: Final = (
    "kafka",
    "registry",
    "log",
    "mlflow-artifacts",
    "mlflow.db",
    *(f"ledger.db{suffix}" for suffix in ("", "-wal", "-shm")),
    stack_state.FILE,
)
"""What `down --wipe` removes of a state folder."""


def up(
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and stop it all on Ctrl-C.")] = False,
    mlflow_server: Annotated[
        bool, typer.Option("--mlflow-server", help="Start an MLflow server too; else MLflow is a SQLite file.")
    ] = False,
    desk: Annotated[bool, typer.Option(help="Start the ledger, and the gateway with its desk, too.")] = True,
) -> None:
    """Start Kafka, the registry and MLflow, except those that settings name already; then the ledger and the gateway.

    For those it makes the topics and registers the schemas.

    What was started answers on the ports it had before, where they are free, and keeps its data.
    """
    folder = endpoints.state_dir(os.environ)
    console = Console(stderr=True)
    wanted = _stack_parts(folder, mlflow_server, console)
    if foreground:
        _stay(folder, wanted, console, desk=desk)
        return
    started = time.monotonic()
    try:
        found = start_stack(folder, wanted, ConsoleProgress(console)).endpoints
        console.print(f"Up in {time.monotonic() - started:.1f} s. `loanctl down` stops it.", highlight=False)
    except AlreadyUpError as running:
        console.print(f"{running}.")
        found = running.endpoints
    _tell(found)
    if desk:
        _open_desk(folder, found, wanted, console)


def status(
    env: Annotated[bool, typer.Option("--env", help="As `export` lines, for `eval`.")] = False,
) -> None:
    """Show what runs, and where; exit status 1 if this folder's stack is not up."""
    found = stack_state.read(endpoints.state_dir(os.environ))
    if found is None or not found.running:
        Console(stderr=True).print("no stack is up here: `loanctl up` starts one")
        raise typer.Exit(1)
    if env:
        sys.stdout.write(exports(found.endpoints) + _ledger_export(endpoints.state_dir(os.environ), found))
        return
    for process in found.running:
        alive = "up" if process.alive() else "gone"
        echo(f"{process.name:<10}{alive:<6}pid {process.pid}, log {process.log}")
    _tell(found.endpoints)
    if "gateway" in found.ports:
        echo(_desk_line(found))
    if not found.up():
        raise typer.Exit(1)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove its data, too.")] = False,
) -> None:
    """Stop what `up` started, and what a crash left of it."""
    folder = endpoints.state_dir(os.environ)
    stopped = stop_stack(folder)
    echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was up")
    if wipe:
        _wipe(folder)


def _stack_parts(folder: Path, mlflow_server: bool, console: Console) -> StackParts:
    found = stack_state.read(folder)
    # Settings made from an earlier `loanctl status --env` name our own stack, not an outside one.
    ours = set(asdict(found.endpoints).values()) if found else set()
    given = asdict(endpoints.from_environment())
    outside = {name: given[name] for name in endpoints.ENDPOINTS if given[name] and given[name] not in ours}
    for name, value in outside.items():
        console.print(f"  - {name} is given: {mask_credentials(value)}", highlight=False)
    return StackParts(**outside, mlflow_server=mlflow_server)


def _stay(folder: Path, wanted: StackParts, console: Console, *, desk: bool) -> None:
    signals.heed()
    try:
        with local_stack(folder, wanted, ConsoleProgress(console)) as stack:
            _tell(stack.endpoints)
            if desk:
                _open_desk(folder, stack.endpoints, wanted, console, stack)
            console.print("Up. Ctrl-C stops it.")
            while True:
                time.sleep(WATCH_S)
    except KeyboardInterrupt:
        console.print("stopped")


def _open_desk(
    folder: Path, found: Endpoints, wanted: StackParts, console: Console, stack: LocalStack | None = None
) -> None:
    """Ledger and gateway on a stack of ours, with the topics and schemas that they need."""
    if wanted.bootstrap_servers or wanted.registry_url:
        console.print("Broker or registry is not ours: start `python -m ledger` and `python -m gateway` yourself.")
        return
    variables = endpoints.variables(found)
    os.environ.update(variables)
    topics.apply(read(topics.TopicSettings))
    schemas.register(Connection.read())
    desk_services.start_applications(folder, variables, ConsoleProgress(console), stack)
    state = stack_state.read(folder)
    if state:
        console.print(_desk_line(state), highlight=False)


def _desk_line(found: State) -> str:
    return f"The desk: http://{HOST}:{found.ports['gateway'][0]}/desk"


def _ledger_export(folder: Path, found: State) -> str:
    """Address of the ledger's database, for `loanctl ledger`."""
    if "ledger" not in found.ports:
        return ""
    return f"export LOAN_LEDGER_URL={shlex.quote(desk_services.ledger_url(folder))}\n"


def exports(found: Endpoints) -> str:
    """Lines that a shell may evaluate, whatever is in the values: the folder of a file has any name.

    Values are whole, credentials included: what is read from here must connect.
    """
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in endpoints.variables(found).items())


def _tell(found: Endpoints) -> None:
    for name, value in endpoints.variables(found).items():
        echo(f"{name}={mask_credentials(value)}")


def _wipe(folder: Path) -> None:
    for name in DATA:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
