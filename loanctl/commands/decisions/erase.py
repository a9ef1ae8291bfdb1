"""`loanctl erase`: delete the key of a sealed application, and so its values, wherever their bytes are kept."""

from typing import Annotated, Final

import typer

from loanctl.audit.audit_record import PersonTrail
from loanctl.console import echo
from schemas.errors import SetupError
from schemas.events.audit import AuditAction
from streams.runtime import logs
from streams.runtime.key_database import keys_at
from streams.runtime.settings import Connection

ABSENT: Final = 1
"""Exit status where there is no key to delete."""


class NoKeysError(SetupError):
    """No database of keys is set."""


def erase(
    application: Annotated[str, typer.Argument(help="Its id.")],
    why: Annotated[str, typer.Option(help="Why; kept on the audit log.")] = "",
) -> None:
    """Delete the key of an application: its values become unreadable. It cannot be undone."""
    logs.configure("error", "erase")
    connection = Connection.read()
    url = connection.keys_url.get_secret_value()
    if not url:
        problem = "LOAN_KEYS_URL is not set: only applications that were sealed under a key can be erased"
        raise NoKeysError(problem)
    keys = keys_at(url)
    if application not in keys.keys([application]):
        echo(f"{application} has no key: it was never sealed, or is erased already")
        raise typer.Exit(ABSENT)
    PersonTrail(connection).record(AuditAction.ERASE, application, why)
    keys.erase(application)
    echo(f"{application} is erased: its values can be read from no topic, ledger or archive; its decision stays")
