"""The keys by which a process reads sealed applications."""

from schemas.codec.sealed_records import ApplicationKeys, without_keys
from streams.runtime.settings import Connection


def application_keys(connection: Connection) -> ApplicationKeys:
    """Asks the database of keys; without one no sealed application can be read.

    Raises:
        KeysSetupError: `LOAN_KEYS_URL` names no database that can be used.
    """
    url = connection.keys_url.get_secret_value()
    if not url:
        return without_keys
    # SQLAlchemy is an eighth of a worker's start, and most have no such database.
    from streams.runtime.key_database import keys_at

    return keys_at(url).keys
