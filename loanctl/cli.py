"""The command line: its commands, and how a fault is shown.

A command's module is imported when the command is called, so that `loanctl --help` is quick.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from schemas.errors import LoanError, OutageError

CLIENT_LOGGER: Final = "librdkafka"
"""As `streams.runtime.logs.CLIENT`, which `--help` need not import."""
FAULT: Final = 2
"""Exit status where something outside must be mended; 1 is a command's own "no"."""


@dataclass(frozen=True, slots=True)
class Line:
    """One command: its name, where it is, and what it does in a sentence."""

    name: str
    place: str
    does: str

    def load(self) -> Any:
        """The command itself; `place` names a function, or a Typer app of sub-commands."""
        module, _, attribute = self.place.partition(":")
        found: Any = getattr(import_module(module), attribute)
        app = found
        if not isinstance(found, typer.Typer):
            app = typer.Typer(add_completion=False)
            app.command(self.name)(found)
        command = typer.main.get_command(app)
        command.name = self.name
        return command


COMMANDS: Final = (
    Line("up", "loanctl.commands.cluster.stack:up", "Start Kafka, the registry, MLflow and the desk on this machine."),
    Line("status", "loanctl.commands.cluster.stack:status", "Show what runs, and where."),
    Line("down", "loanctl.commands.cluster.stack:down", "Stop what `up` started."),
    Line("settings", "loanctl.commands.cluster.settings:settings", "Print every setting, as a .env file."),
    Line("topics", "loanctl.commands.cluster.topics:app", "Create the topics, and set who may use them."),
    Line("schemas", "loanctl.commands.cluster.schemas:app", "Register, check and document the schemas."),
    Line("population", "loanctl.commands.simulation.population:population", "Write made-up applicants to a file."),
    Line(
        "train", "loanctl.commands.scorecards.train:train", "Train a scorecard, and promote it if it passes the gate."
    ),
    Line("champion", "loanctl.commands.scorecards.champion:app", "Show, promote or roll back the champion."),
    Line("keys", "loanctl.commands.scorecards.keys:app", "Make keys that sign scorecards."),
    Line("challenger", "loanctl.commands.scorecards.challenger:app", "Compare the challenger with the champion."),
    Line("policy", "loanctl.commands.scorecards.policy:app", "Try other cut-offs on past decisions."),
    Line("retrain", "loanctl.commands.scorecards.retrain:retrain", "Ask the trainer for a challenger."),
    Line("ledger", "loanctl.commands.cluster.ledger:app", "Make, check and archive the tables of decisions."),
    Line("play", "loanctl.commands.simulation.play:play", "Play applications onto the topics."),
    Line("ask", "loanctl.commands.decisions.ask:ask", "Ask for a decision on one application."),
    Line("decision", "loanctl.commands.decisions.ask:decision", "Print the decision on an application."),
    Line(
        "audit", "loanctl.commands.decisions.audit:app", "Recompute the decision on an application; show the audit log."
    ),
    Line("decisions", "loanctl.commands.decisions.decisions:app", "Recompute recorded decisions."),
    Line(
        "replay",
        "loanctl.commands.decisions.replay:replay",
        "Decide again on past applications, and count what changes.",
    ),
    Line("tail", "loanctl.commands.decisions.ask:tail", "Print decisions as they come."),
    Line("score", "loanctl.commands.decisions.score:score", "Decide on a file of applications."),
    Line("table", "loanctl.commands.decisions.table:app", "Decide on tables of many applications, count their drift."),
    Line(
        "erase",
        "loanctl.commands.decisions.erase:erase",
        "Delete the key of an application: its values become unreadable.",
    ),
    Line("dlq", "loanctl.commands.decisions.dlq:app", "Dead letters: count, explain, send back."),
    Line("verify", "loanctl.commands.decisions.verify:verify", "Check an installed system with rows of known outcome."),
    Line(
        "drift",
        "loanctl.commands.drift.drift_commands:app",
        "Show, recompute and acknowledge drift reports; judge files.",
    ),
    Line("profile", "loanctl.commands.drift.profile:profile", "Describe applicants, as JSON."),
    Line("gateway", "loanctl.commands.cluster.gateway:app", "Give a caller of the gateway a key."),
    Line("demo", "loanctl.demo.command:demo", "Play the whole story on a real Kafka."),
)
SETTINGS: Final = "settings"
"""Prints what settings there are: it helps where they are wrong."""
LIFECYCLE: Final = frozenset({"up", "status", "down", "demo", SETTINGS})
"""They make the local stack, so they do not look for one."""


class Commands(TyperGroup):
    """The commands by name, each loaded when it is called; a listing needs only their lines."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature, of types it keeps to itself
        """Names, in the order they are used."""
        return [line.name for line in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or its line while a listing is being made."""
        line = next((line for line in COMMANDS if line.name == cmd_name), None)
        if line is None:
            return None
        return TyperCommand(line.name, help=line.does) if ctx.meta.get("listing") else line.load()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Help without loading what it tells of."""
        ctx.meta["listing"] = True
        super().format_help(ctx, formatter)


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False)


def print_version(wanted: bool) -> None:
    """Print the release, and stop."""
    if wanted:
        from loanctl.console import echo
        from schemas.release import code_version

        echo(code_version())
        raise typer.Exit


@app.callback()
def loanctl(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback ends the program
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the release, and stop.")
    ] = False,
) -> None:
    """Operate loan decisions on Kafka."""
    from loanctl import endpoints

    if context.invoked_subcommand == SETTINGS or "--help" in sys.argv:
        return
    # Of the local stack, too: with a misspelt LOAN_STATE_DIR `down` would stop another one.
    endpoints.from_environment()
    if context.invoked_subcommand not in LIFECYCLE:
        endpoints.adopt(os.environ)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a fault that we foresee is one line, not a traceback."""
    try:
        with _without_fatal_lines():
            typer.main.get_command(app)(args=arguments)
    except LoanError as fault:
        from loanctl.console import echo
        from schemas.urls import mask_credentials

        echo(f"loanctl: {mask_credentials(str(fault)) or type(fault).__name__}{_listener_hint(fault)}", err=True)
        sys.exit(FAULT)


def _listener_hint(fault: LoanError) -> str:
    """What a broker that does not answer speaks instead; empty where it is away, or the fault is another."""
    if not isinstance(fault, OutageError):
        return ""
    from streams.kafka.listener_check import protocol_mismatch
    from streams.runtime.settings import Connection

    mismatch = ""
    with suppress(LoanError):
        mismatch = protocol_mismatch(Connection.read())
    return f"; {mismatch}" if mismatch else ""


@contextmanager
def _without_fatal_lines() -> Iterator[None]:
    """Hold back librdkafka's lines of a fatal error: the call that it ends raises it, and `main` prints one line.

    Others pass: why no broker is reached, a property without effect.
    """
    logger = logging.getLogger(CLIENT_LOGGER)
    logger.addFilter(_is_not_fatal)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_fatal)


def _is_not_fatal(record: logging.LogRecord) -> bool:
    return record.levelno < logging.CRITICAL
