"""Tables for people: foreign text in them commands no terminal."""

from __future__ import annotations

import pytest

from glue.stores.rows import Rows
from glue.tables import printable, table

HOSTILE = ["\x1b]0;owned\x07", "\x1b]52;c;ZXZpbA==\x07", "\x9b31m", "\x1b[2J", "\u202eeman", "a\rb", "\x08\x08", "\x7f"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_would_obey_is_marked(text: str) -> None:
    shown = "\n".join(
        [*table(["a", text], [[text, "b"]]), Rows(["a"], [(f"x{text}",)]).render("table"), printable(text)]
    )
    assert not any((ord(one) < 0x20 and one != "\n") or 0x7F <= ord(one) < 0xA0 for one in shown)
    assert "\u202e" not in shown


def test_ordinary_text_stays() -> None:
    text = "শাড়ি ৫০০\u200d টাকা\n\t😀 é"
    assert printable(text) == text
