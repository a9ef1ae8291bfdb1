"""`loanctl audit ID`: all that is needed to answer for one decision.

What is not the name of a sub-command is an application's id. `loanctl audit show ID` is the same at length, for an
application whose id is a sub-command's name.
"""

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from loanctl.audit.decision_search import first_decision
from loanctl.console import echo
from loanctl.decisions import application_input
from streams.runtime.settings import Connection

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


@app.callback()
def audit() -> None:
    """Answer for the decision on an application: `loanctl audit ID`."""


@app.command(name=SHOW)
def show(application_id: Annotated[str, typer.Argument(help="Of the application.")]) -> None:
    """The decision on an application, its first, as JSON."""
    echo(application_input.as_json(first_decision(Connection.read(), application_id).decision))
