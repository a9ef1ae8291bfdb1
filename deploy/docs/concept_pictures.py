"""The pictures of `docs/concepts.md`, drawn from rows of boxes and arrows by `make declarations`.

Their colours follow the reader's scheme, light or dark; they fetch nothing. A test compares the files with the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "concepts"
WIDTH: Final = 880
LINE: Final = 17
"""Pixels from one line of text to the next."""
STYLE: Final = """\
text { font: 13px system-ui, sans-serif; fill: #1f2430; text-anchor: middle }
.name { font-weight: 600 }
.note { font-size: 12px; fill: #5a6270 }
rect { stroke-width: 1.5; rx: 6 }
.process { fill: #e3ecfb; stroke: #3b6fc4 }
.topic { fill: #fdf0d5; stroke: #b07a12 }
.store { fill: #e4f3e6; stroke: #3c8a4a }
.aborted { fill: none; stroke: #b3372f; stroke-dasharray: 5 4 }
.frame { fill: none; stroke: #7b8494; stroke-dasharray: 5 4 }
rect.label { fill: none }
.arrow { fill: none; stroke: #5a6270; stroke-width: 1.5; marker-end: url(#head) }
#head path { fill: #5a6270 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ef }
  .note { fill: #aab2c0 }
  .process { fill: #1f3354; stroke: #7ba6ec }
  .topic { fill: #463514; stroke: #dfab4a }
  .store { fill: #1d3f25; stroke: #77c187 }
  .aborted { stroke: #f08a80 }
  .frame { stroke: #8f98a8 }
  .arrow { stroke: #aab2c0 }
  #head path { fill: #aab2c0 }
}"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with centred lines, the first one its name; a frame has its lines at the top."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line through points; its note stands at the place given."""

    points: tuple[tuple[int, int], ...]
    note: str = ""
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and arrows, and what they show in words, for who does not see them."""

    title: str
    height: int
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def _bars(kind: str, left: int, shares: Sequence[int]) -> Iterator[Box]:
    """A bar for each bin, five pixels a percent."""
    for place, share in enumerate(shares):
        yield Box(kind, left + 110 * place, 320 - 5 * share, 40, 5 * share, (str(share),))


DECISION: Final = Picture(
    "An application becomes a decision",
    200,
    (
        Box("process", 10, 20, 100, 60, ("you", "or the desk")),
        Box("topic", 140, 20, 170, 60, ("loan.applications.v1", "by application id")),
        Box("process", 340, 20, 160, 60, ("worker", "decode, score, explain")),
        Box("topic", 530, 20, 200, 60, ("loan.decisions.v1", "outcome, reasons")),
        Box("process", 770, 20, 100, 60, ("readers", "ledger, you")),
        Box("store", 140, 130, 170, 55, ("schema registry", "Avro schemas")),
        Box("store", 340, 130, 160, 55, ("MLflow", "the champion")),
        Box("topic", 530, 130, 200, 55, ("loan.applications.v1.dlq", "cannot be read")),
    ),
    (
        Arrow(((110, 50), (136, 50))),
        Arrow(((310, 50), (336, 50))),
        Arrow(((500, 50), (526, 50))),
        Arrow(((730, 50), (766, 50))),
        Arrow(((225, 130), (225, 105), (380, 105), (380, 84))),
        Arrow(((420, 130), (420, 84))),
        Arrow(((500, 68), (513, 68), (513, 157), (526, 157))),
    ),
)
TRANSACTION: Final = Picture(
    "A batch is one transaction: after a crash it is aborted and read again",
    340,
    (
        Box("frame", 10, 10, 860, 90, ("one partition of loan.applications.v1",)),
        Box("topic", 30, 40, 260, 45, ("batch 1: records 0 to 499",)),
        Box("topic", 310, 40, 260, 45, ("batch 2: records 500 to 999",)),
        Box("topic", 590, 40, 260, 45, ("batch 3: not read yet",)),
        Box("store", 30, 140, 260, 60, ("committed", "500 decisions and offset 500")),
        Box("aborted", 310, 140, 260, 60, ("aborted", "the worker is killed")),
        Box("store", 310, 250, 260, 60, ("committed", "500 decisions and offset 1000")),
        Box("process", 640, 250, 210, 60, ("read_committed readers", "see each decision once")),
    ),
    (
        Arrow(((160, 85), (160, 136))),
        Arrow(((440, 85), (440, 136))),
        Arrow(((440, 200), (440, 246)), "the next worker begins at offset 500", (568, 228)),
        Arrow(((570, 280), (636, 280))),
        Arrow(((160, 200), (160, 328), (745, 328), (745, 314))),
    ),
)
SUCCESSION: Final = Picture(
    "A new champion takes over between two batches",
    340,
    (
        Box("frame", 10, 10, 860, 105, ("the worker's batches",)),
        *(Box("process", 30 + 168 * place, 45, 148, 50, (f"batch {41 + place}", "version 7")) for place in range(3)),
        *(Box("store", 30 + 168 * place, 45, 148, 50, (f"batch {41 + place}", "version 8")) for place in (3, 4)),
        Box("frame", 10, 190, 860, 140, ("meanwhile, in a separate thread",)),
        Box("topic", 30, 230, 120, 54, ("announced", "alias moved")),
        Box("process", 170, 230, 120, 54, ("fetch", "from MLflow")),
        Box("process", 310, 230, 120, 54, ("check", "digest, signature")),
        Box("process", 450, 230, 120, 54, ("try", "its test rows")),
        Box("store", 590, 230, 120, 54, ("warm", "compile")),
        Box("aborted", 730, 230, 120, 54, ("refused", "7 continues")),
    ),
    (
        *(Arrow(((x, 257), (x + 16, 257))) for x in (150, 290, 430, 570)),
        Arrow(((650, 230), (650, 160), (524, 160), (524, 100)), "one assignment", (587, 153)),
        Arrow(((510, 284), (510, 302), (790, 302), (790, 288)), "any fault", (650, 319)),
    ),
)
REFERENCE_SHARES: Final = (20, 20, 20, 20, 20)
WINDOW_SHARES: Final = (8, 14, 20, 26, 32)
PSI: Final = 0.20
WINDOWS: Final = Picture(
    "Panes become windows, and a window is compared with the champion's reference by its shares of each bin",
    350,
    (
        Box("frame", 10, 10, 420, 95, ("window of 10:00 to 12:00",)),
        Box("frame", 450, 10, 420, 95, ("window of 12:00 to 14:00",)),
        *(
            Box("topic", 25 + 100 * pane, 40, 90, 50, (f"{10 + pane // 2}:{pane % 2 * 3}0", "pane"))
            for pane in range(4)
        ),
        *(
            Box("topic", 65 + 100 * pane, 40, 90, 50, (f"{10 + pane // 2}:{pane % 2 * 3}0", "pane"))
            for pane in range(4, 8)
        ),
        *_bars("process", 50, REFERENCE_SHARES),
        *_bars("topic", 92, WINDOW_SHARES),
        *(Box("label", 50 + 110 * place, 322, 82, 20, (f"bin {place + 1}",)) for place in range(5)),
        Box("topic", 640, 150, 230, 40, ("% of the window",)),
        Box("process", 640, 200, 230, 40, ("% of the reference",)),
        Box("store", 640, 260, 230, 60, (f"PSI {PSI:.2f}: DRIFTED", "drifted from 0.2, watch from 0.1")),
    ),
    (Arrow(((755, 105), (755, 146))),),
)
RETRAINING: Final = Picture(
    "A drifted population leads to a new champion",
    370,
    (
        Box("topic", 40, 20, 220, 60, ("loan.decisions.v1", "applications, outcomes")),
        Box("process", 330, 20, 200, 60, ("drift agent", "windows, PSI, verdict")),
        Box("topic", 610, 20, 260, 60, ("loan.retrain-commands.v1", "2 of 3 windows DRIFTED")),
        Box("topic", 40, 140, 220, 70, ("loan.retrain-results.v1", "verdict and reason")),
        Box("process", 330, 140, 200, 70, ("gate", "promote, hold or reject")),
        Box("process", 610, 140, 260, 70, ("trainer", "old and new rows: search,", "calibrate, evaluate")),
        Box("process", 40, 270, 220, 60, ("worker", "succession")),
        Box("topic", 330, 270, 200, 60, ("loan.champions.v1", "announcement")),
        Box("store", 610, 270, 260, 60, ("MLflow", "alias champion")),
    ),
    (
        Arrow(((260, 50), (326, 50))),
        Arrow(((530, 50), (606, 50))),
        Arrow(((740, 80), (740, 136))),
        Arrow(((610, 175), (534, 175)), "challenger", (571, 167)),
        Arrow(((330, 175), (264, 175))),
        Arrow(((150, 140), (150, 110), (430, 110), (430, 84))),
        Arrow(((430, 210), (430, 266))),
        Arrow(((430, 240), (740, 240), (740, 266)), "if promoted", (480, 232)),
        Arrow(((330, 300), (264, 300))),
        Arrow(((740, 330), (740, 355), (150, 355), (150, 334)), "the worker fetches the bundle", (445, 349)),
        Arrow(((40, 300), (20, 300), (20, 50), (36, 50))),
    ),
)
PICTURES: Final[Mapping[str, Picture]] = {
    "decision": DECISION,
    "transaction": TRANSACTION,
    "succession": SUCCESSION,
    "windows": WINDOWS,
    "retraining": RETRAINING,
}


def svg(picture: Picture) -> str:
    """The picture as a document of its own."""
    shapes = (*map(_box, picture.boxes), *map(_arrow, picture.arrows))
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {picture.height}" role="img">',
            f"<title>{escape(picture.title)}</title>",
            f"<style>\n{STYLE}\n</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
            *shapes,
            "</svg>\n",
        )
    )


def _box(box: Box) -> str:
    middle = box.x + box.width // 2
    first = box.y + (20 if box.kind == "frame" else (box.height - LINE * len(box.lines)) // 2 + 13)
    return "\n".join(
        (
            f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"/>',
            *_lines(box, middle, first),
        )
    )


def _lines(box: Box, middle: int, first: int) -> Iterator[str]:
    for number, line in enumerate(box.lines):
        role = "note" if number or box.kind == "frame" else "name"
        yield f'<text class="{role}" x="{middle}" y="{first + LINE * number}">{escape(line)}</text>'


def _arrow(arrow: Arrow) -> str:
    path = " L".join(f"{x} {y}" for x, y in arrow.points)
    note = f'\n<text class="note" x="{arrow.at[0]}" y="{arrow.at[1]}">{escape(arrow.note)}</text>' if arrow.note else ""
    return f'<path class="arrow" d="M{path}"/>{note}'


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(svg(picture), encoding="utf-8")
