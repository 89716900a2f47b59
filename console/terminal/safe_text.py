"""Text from a server made safe to show: nothing in it can steer the terminal or hide from the reader."""

from __future__ import annotations

import re

TAB_WIDTH = 8
"""Columns from one tab stop to the next where tabs are expanded."""

# Harmless although `str.isprintable` is False for them: they shape emoji and scripts that need joiners.
# They stay only behind something that they can join; elsewhere they are invisible.
_JOINERS = "\u200c\u200d"
_TAGS = range(0xE0020, 0xE0080)  # spell the flags of England, Scotland, Wales behind a black flag
_BLACK_FLAG = "\U0001f3f4"

# Printable for Python, but nothing to see: fillers and blanks with which text hides or pretends.
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_find_invisible = re.compile(f"[{_INVISIBLE}]").search

_BREAKS = {"\n": "⏎", "\r": "␍", "\t": " "}
_SPACES = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def visible(text: str, multiline: bool = False) -> str:
    """`text` with everything that is no glyph replaced by one.

    On one line a newline shows as ⏎, a tab as a space. With `multiline`, newlines stay and tabs are expanded.
    Other C0 controls and DEL show as their control pictures (␛), C1 controls as ‹9B›, line and paragraph
    separators, bidirectional overrides, invisible and unassigned characters, lone surrogates and private
    use as ‹U+202E›. Letters, wide and combining characters, emoji and their sequences stay as they are.
    """
    if text.isprintable() and (text.isascii() or not _find_invisible(text)):
        return text
    if multiline:
        return "\n".join(_line(line.expandtabs(TAB_WIDTH)) for line in text.replace("\r\n", "\n").split("\n"))
    return _line(text.replace("\r\n", "\n"))


def _line(text: str) -> str:
    return "".join(
        character if _stays(text, index, character) else _picture(character)
        for index, character in enumerate(text)
    )


def _stays(text: str, index: int, character: str) -> bool:
    if character.isprintable():
        return character not in _INVISIBLE
    if character in _JOINERS:
        return _joins(text, index)
    return ord(character) in _TAGS and _BLACK_FLAG in text[max(0, index - 6) : index]


def _joins(text: str, index: int) -> bool:
    """Whether the joiner at `index` stands between two characters above ASCII."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    return bool(before and after) and min(before, after) > "\x7f" and (before + after).isprintable()


def _picture(character: str) -> str:
    code = ord(character)
    if character in _BREAKS:
        return _BREAKS[character]
    if character in _SPACES:
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code < 0xA0:
        return f"‹{code:02X}›"
    return f"‹U+{code:04X}›"
