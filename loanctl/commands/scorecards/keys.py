"""`loanctl keys new`: a pair of keys that signs scorecards and checks their signatures."""

from pathlib import Path
from typing import Annotated

import typer

from loanctl.console import echo
from scorecard.registry import signatures

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Keys that sign scorecards.")


@app.callback()
def keys() -> None:
    """Keys that sign scorecards."""


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder for the pair; created if absent.")],
    name: Annotated[str, typer.Option(help="Name of the files: NAME.key and NAME.pem.")] = "trainer",
) -> None:
    """Make a private key, for the trainer alone (mode 0600), and its public key, for all that load scorecards."""
    private, public = signatures.new_pair(folder, name)
    echo(f"LOAN_SIGNING_KEY={private.absolute()}")
    echo(f"LOAN_TRUSTED_KEYS={public.absolute()}")
