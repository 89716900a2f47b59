"""Text as cells: which characters stand in one cell, and which of them terminals disagree about.

A cell is a string: a character with whatever combines with it, or `TAIL` for the second half of a wide
one. Widths are Textual's own (`rich.cells`), because Textual laid the screen out with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len

TAIL = ""
"""What stands in the second cell of a wide character."""

ZERO_WIDTH_JOINER = "\u200d"

# Ranges in which every code point is one cell wide and combines with nothing: nearly all text is only this.
_is_plain = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u0384-\u038a\u0391-\u03a1\u03a3-\u0482"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff\u2500-\u25fc\u2800-\u28ff]*"
).fullmatch

_remove_controls = re.compile("[\x00-\x1f\x7f-\x9f]").sub


def cells(text: str) -> Sequence[str]:
    """The cells that `text` fills, left to right. Control characters fill none and are left out."""
    return text if _is_plain(text) else _split(text)


def is_plain(text: str) -> bool:
    """Whether every character is a cell of its own, one column wide, on every terminal."""
    return _is_plain(text) is not None


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str, ...]:
    glyphs: list[str] = []
    for character in _remove_controls("", text):
        last = glyphs[-1] if glyphs else ""
        combines = cell_len(character) == 0
        if last and (
            combines
            or last.endswith(ZERO_WIDTH_JOINER)
            or (_is_regional_indicator(last) and _is_regional_indicator(character))
        ):
            glyphs[-1] += character
        elif not combines:  # else there is nothing to combine with
            glyphs.append(character)
    row: list[str] = []
    for glyph in glyphs:
        row.append(glyph)
        row.extend([TAIL] * (cell_len(glyph) - 1))
    return tuple(row)


def _is_regional_indicator(text: str) -> bool:
    """One half of a flag."""
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"


@lru_cache(maxsize=4096)
def is_disputed(cell: str) -> bool:
    """Whether terminals disagree about this cell's width: emoji, sequences, private use, unassigned.

    Whatever is painted after such a cell must start with an absolute move of the cursor.
    """
    if is_plain(cell):
        return False
    if len(cell) != 1:
        return True
    kind = unicodedata.category(cell)[0]
    if cell_len(cell) == 1:
        return kind not in "LNPSZ" or cell >= "\U00010000"
    return kind not in "LNP"
