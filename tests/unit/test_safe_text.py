from __future__ import annotations

import re
import sys

import pytest

from console.terminal.safe_text import visible


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT * FROM orders WHERE state = $1",
        "[red]x[/red] [@click=app.quit]",
        "naïve e\u0301 漢字 한국어 עברית ไทย हिन्दी",
        "🚀 👩‍🚀 👍🏽 🇩🇪 ❤\ufe0f 1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        "می\u200cخواهم",  # Persian needs the non-joiner
        "▲ ─┼─ ⣀⡠",
    ],
)
def test_what_a_person_writes_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("a\x00b\x07\x7f", "a␀b␇␡"),
        ("\x9b31m\x85", "‹9B›31m‹85›"),
        ("a\r\nb\nc\rd", "a⏎b⏎c␍d"),
        ("a\tb", "a b"),
        ("user\u202egpj.exe", "user‹U+202E›gpj.exe"),
        ("\u2066x\u2069", "‹U+2066›x‹U+2069›"),
        ("ad\u200bmin", "ad‹U+200B›min"),
        ("ad\u200dmin", "ad‹U+200D›min"),
        ("\u200d🚀", "‹U+200D›🚀"),
        ("\ufeffx\u00ad", "‹U+FEFF›x‹U+00AD›"),
        ("\u2028", "‹U+2028›"),
        ("\u3164\u2800", "‹U+3164›‹U+2800›"),
        ("\ud800", "‹U+D800›"),
        ("\uffff\U0010ffff", "‹U+FFFF›‹U+10FFFF›"),
        ("\ue0b0", "‹U+E0B0›"),
        ("\U000e0041", "‹U+E0041›"),
        ("1\u00a0000\u3000x", "1 000 x"),
    ],
)
def test_what_steers_or_hides_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_many_lines_keep_their_lines() -> None:
    assert visible("SELECT\t1\r\n  FROM\x1b x\n", multiline=True) == "SELECT  1\n  FROM␛ x\n"


def test_no_character_leaves_a_control_behind() -> None:
    """Every code point there is, alone and between letters."""
    harmful = re.compile(
        "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
    )
    everything = "a".join(map(chr, range(sys.maxunicode + 1)))
    found = harmful.search(visible(everything))
    assert found is None, repr(found)
