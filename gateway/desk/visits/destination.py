"""The page that a person asked for before the sign-in: a path of the desk, never another site. Pure."""

import re
from typing import Final

HOME: Final = "/desk"
LONGEST: Final = 2_000
SAFE: Final = re.compile(r"/desk(/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?(\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")
"""No backslash, which browsers read as a slash, no control character, and nothing before the desk's own path."""
ENTRANCE: Final = ("/desk/sign-in", "/desk/sign-out", "/desk/static")


def destination(asked: str) -> str:
    """The path asked for where it is a page of the desk; else the desk's first page."""
    if len(asked) > LONGEST or not SAFE.fullmatch(asked) or asked.startswith(ENTRANCE):
        return HOME
    return asked
