"""The demo's picture, `docs/demo.svg`, from what a run printed: `loanctl demo | python deploy/docs/demo_picture.py`."""

import re
import sys
from pathlib import Path

from rich.console import Console  # noqa: TID251 - it records a run; no text of others reaches it
from rich.text import Text

WIDTH = 100
LINES = 62
"""From the first window to the new champion; the closing table stands in the README."""
PICTURE = Path(__file__).parents[2] / "docs" / "demo.svg"
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich names fonts of another host; a page fetches nothing from elsewhere."""


def picture(printed: str) -> str:
    """An SVG of the last state of each line, from the headings on."""
    lines = [line.rpartition("\r")[2] for line in printed.splitlines()]
    begin = next(place for place, line in enumerate(lines) if "Applications come" in line)
    console = Console(record=True, width=WIDTH, file=sys.stderr)
    for line in lines[begin : begin + LINES]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    return FONTS.sub("", console.export_svg(title="make demo"))


if __name__ == "__main__":
    PICTURE.write_text(picture(sys.stdin.read()), encoding="utf-8")
