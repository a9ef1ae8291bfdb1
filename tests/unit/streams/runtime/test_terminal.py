"""Control characters of others are shown, and do nothing."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.terminal import printable


def test_an_escape_code_is_shown_as_python_writes_it() -> None:
    assert printable("a\x1b[31mred\x9b2J\u202e") == "a\\x1b[31mred\\x9b2J\\u202e"


def test_text_of_any_language_its_tabs_and_lines_stay() -> None:
    assert printable("Zażółć gęślą\tjaźń\n[bold]貸付") == "Zażółć gęślą\tjaźń\n[bold]貸付"


@given(st.text())
def test_no_control_character_passes(text: str) -> None:
    shown = printable(text)

    assert all(unicodedata.category(each) not in ("Cc", "Cs") for each in shown if each not in "\t\n")
    assert printable(shown) == shown
