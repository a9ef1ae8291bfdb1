"""`loanctl audit ID`: all that is needed to answer for one decision.

What is not the name of a sub-command is an application's id. `loanctl audit show ID` is the same at length, for an
application whose id is a sub-command's name.
"""

import json
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from ledger.settings import LedgerConnection
from loanctl.audit import audit_log
from loanctl.audit.audit_text import print_audit
from loanctl.audit.decision_audit import decision_audit
from loanctl.console import FINDING, echo
from loanctl.decisions import application_input
from loanctl.demo import demo_output as panels
from streams.runtime import logs
from streams.worker.settings import ScoringSettings

SHOW: Final = "show"
HELP: Final = "--help"


class AuditGroup(TyperGroup):
    """Sub-commands by name; anything else is the argument of `show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does, `show` put before an id or an option of its own."""
        bare = bool(args) and args[0] not in self.commands and args[0] != HELP
        return super().parse_args(ctx, [SHOW, *args] if bare else args)


app = typer.Typer(
    cls=AuditGroup, add_completion=False, no_args_is_help=True, help="Answer for the decision on an application."
)


app.command(name="log")(audit_log.log)


@app.callback()
def audit() -> None:
    """Answer for the decision on an application: `loanctl audit ID`."""


@app.command(name=SHOW)
def show(
    application_id: Annotated[str, typer.Argument(help="Of the application.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what a decision was made of, and recompute it; exit status 3 if the result differs."""
    logs.configure("error", "audit")
    found = decision_audit(ScoringSettings.read(), LedgerConnection.read(), application_id)
    if as_json:
        echo(json.dumps(found.plain(), default=application_input.plain, indent=2))
    else:
        print_audit(panels.a_console(), found)
    if not found.clean:
        raise typer.Exit(FINDING)
