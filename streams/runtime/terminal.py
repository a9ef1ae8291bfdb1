"""Untrusted text on a terminal: its control characters are shown, and have no effect. Pure.

Names, messages and values come from topics, files, MLflow and brokers. An escape code in one could move
the cursor, retitle the window, or write text that looks like this project's own.
"""

import re
from typing import Final

FORBIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""C0 but tab and line feed, DEL, C1; what turns the direction of text or cannot be seen; halves of a pair."""


def printable(text: str) -> str:
    """The text with such characters as Python escapes them; idempotent."""
    return FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
