"""`loanctl drift`: `check` alone is loaded where it is called, for it needs no Kafka and its users count seconds."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

CHECK: Final = "check"


class DriftCommands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in order of the help text."""
        return list(_all_commands().list_commands(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name == CHECK and not ctx.resilient_parsing:
            alone = typer.Typer(add_completion=False)
            alone.command(CHECK)(import_module("loanctl.commands.drift.drift_check").check)
            return typer.main.get_command(alone)
        return _all_commands().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=DriftCommands,
    add_completion=False,
    no_args_is_help=True,
    help="Show, recompute and acknowledge what the drift agent reports; judge files.",
)


@app.callback()
def drift() -> None:
    """Show, recompute and acknowledge what the drift agent reports; judge files."""


def _all_commands() -> Any:
    return typer.main.get_command(import_module("loanctl.commands.drift.drift").app)
