"""The terminal as `loanctl` writes to it: text of others is text, whatever it looks like.

Names, reasons and messages come from topics, files, MLflow and brokers. Markup in them is not heeded, and control
characters are shown instead of sent; our own styles are `rich.text.Text`. All output of a command goes through here,
but JSON, which escapes by itself.
"""

import sys
from collections.abc import Iterable
from typing import Any, Final

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from streams.runtime.terminal import printable

FINDING: Final = 3
"""Exit status of a command that answers with a finding: 1 is any program's own fault, 2 a set-up fault, and a pipeline
must tell them apart."""


class Console(rich.console.Console):  # noqa: TID251 - the one place that wraps it
    """Rich's, without markup and emoji codes, and without control characters that are not Rich's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does; what is inside of tables and panels is rendered by this, too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def echo(line: str, *, err: bool = False, end: str = "\n") -> None:
    """A line as it is, control characters shown."""
    (sys.stderr if err else sys.stdout).write(printable(line) + end)
