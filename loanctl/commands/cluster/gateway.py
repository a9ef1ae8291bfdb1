"""`loanctl gateway key`: an API key for a caller of the gateway."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.access.api_keys import key_line, new_key, read_keys
from gateway.access.roles import CallerRole
from loanctl.console import echo
from schemas.errors import SetupError

app = typer.Typer(add_completion=False, no_args_is_help=True)

OWNER_ONLY = 0o600


class KeyNameError(SetupError):
    """The name cannot be a caller's."""


@app.callback()
def gateway() -> None:
    """Manage the callers of the gateway."""


@app.command("key")
def key(
    name: Annotated[str, typer.Argument(help="Caller the key is for; one word.")],
    role: Annotated[list[CallerRole], typer.Option(help="What the caller may do; may be given again.")],
    file: Annotated[Path, typer.Option(help="File of keys, LOAN_GATEWAY_API_KEYS of the gateway.")],
    if_absent: Annotated[bool, typer.Option(help="Do nothing if the caller has a key.")] = False,
    key_file: Annotated[Path | None, typer.Option(help="Write the key to this file and do not print it.")] = None,
) -> None:
    """Add a caller's key to the file and print the key: it is shown once, and the file holds its SHA-256 alone."""
    known = {principal.name for principal in read_keys(file).values()} if file.exists() else set()
    if name in known and if_absent:
        return
    if name in known or not name.isidentifier():
        problem = (
            f"{name!r} has a key already" if name in known else "a caller's name is one word of letters and digits"
        )
        raise KeyNameError(problem)
    fresh = new_key()
    file.touch(mode=OWNER_ONLY)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(key_line(name, frozenset(role), fresh))
    if key_file is None:
        echo(fresh)
        return
    key_file.touch(mode=OWNER_ONLY)
    key_file.write_text(fresh, encoding="utf-8")
