"""Text of others is text on our terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from loanctl import cli
from loanctl.cli import Line
from loanctl.console import Console, echo
from schemas.errors import SetupError

HOSTILE = "\x1b]0;owned\x1b[2J[red]x[/red][/] :boom: \x9b31m\u202e"
SHOWN = "\\x1b]0;owned\\x1b[2J[red]x[/red][/] :boom: \\x9b31m\\u202e"


def fail() -> None:
    raise SetupError(HOSTILE)


def render(what: object, **options: object) -> str:
    out = io.StringIO()
    Console(file=out, width=400, **options).print(what)
    return out.getvalue()


def table_of(text: str) -> Table:
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    return table


@pytest.mark.parametrize(
    "what",
    [HOSTILE, Text(HOSTILE), table_of(HOSTILE), Panel(HOSTILE, title=Text(HOSTILE))],
    ids=lambda it: type(it).__name__,
)
def test_neither_markup_nor_control_characters_are_heeded(what: object) -> None:
    shown = render(what)

    assert SHOWN in shown
    assert not set("\x1b\x07\x9b\u202e") & set(shown)


def test_our_own_styles_are_sent() -> None:
    assert render(Text("fine", "green"), force_terminal=True, color_system="standard") == "\x1b[32mfine\x1b[0m\n"


@given(st.text())
def test_no_text_breaks_a_table(text: str) -> None:
    assert "\x1b" not in render(table_of(text))


def test_a_line_is_echoed_with_its_control_characters_shown(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)

    assert capsys.readouterr().out == SHOWN + "\n"


def test_a_fault_is_told_without_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "COMMANDS", (Line("fail", f"{__name__}:fail", "Fail."),))
    monkeypatch.setattr(cli, "LIFECYCLE", {"fail"})

    with pytest.raises(SystemExit):
        cli.main(["fail"])

    assert capsys.readouterr().err == f"loanctl: {SHOWN}\n"
