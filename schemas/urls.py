"""URLs without their credentials, to be shown, logged and raised. Pure.

One function for URLs of every scheme: their readers know which schemes exist.
"""

import re
from typing import Final

MASK: Final = "***"

SLASHED: Final = re.compile(r"(?<=//)[^/?#@\s]*:(?!\d*(?:[/?#\s]|$))[^@\s]*@")
"""A password with an unescaped / ? or #: what follows the colon is no port, so it belongs to the password."""
USER: Final = re.compile(r"(?<=//)[^/?#\s]*@")
"""Up to the last @ before the path."""
BARE: Final = re.compile(r"(?<![^\s'\"(=,])[^/@\s'\"(=,]+:[^/@\s]+@")
"""`user:password@host`, its scheme forgotten, or behind a scheme without slashes."""
QUERY: Final = re.compile(r"(?<=//)([^\s?#]+)\?[^\s#]*")
"""May hold a signature or a password."""
NEXT: Final = re.compile(r",(?=[\w.+-]+://)")
"""Between two URLs of a list."""


def mask_credentials(url: str) -> str:
    """The URL, or a text that contains URLs, without user, password and query. Idempotent.

    The path of a file stays as it is, unless it is behind `//`.
    """
    return ",".join(_mask_url(each) for each in NEXT.split(url))


def _mask_url(url: str) -> str:
    for pattern in (SLASHED, USER, BARE):
        url = pattern.sub(f"{MASK}@", url)
    return QUERY.sub(rf"\1?{MASK}", url)
