"""SIGINT and SIGTERM both end a command as Ctrl-C does, wherever it was started."""

import signal
from types import FrameType
from typing import NoReturn


def heed() -> None:
    """Raise `KeyboardInterrupt` on either; a shell starts what it runs in the background deaf to Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
