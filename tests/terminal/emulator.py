"""A terminal emulator for tests: pyte, with what pyte lacks.

Added: the alternate screen, zero-width joiners and variation selectors, and that writing over one half
of a wide character blanks the other half, as real terminals do.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import pyte
from pyte.screens import Char
from rich.cells import cell_len

ALTERNATE_SCREEN = 1049
_PRIVATE = 5  # pyte stores a private mode shifted by so many bits
_KEYBOARD_PROTOCOL = re.compile(r"\x1b\[[<=>][0-9;]*u")
_INCOMPLETE = re.compile(r"\x1b(\[[<=>]?[0-9;]*)?\Z")


class Emulator(pyte.Screen):
    """A screen of `columns` × `lines` cells that understands terminal output.

    With `joins_sequences=False` it is a terminal that draws every code point of an emoji sequence by
    itself, as older terminals do.
    """

    def __init__(self, columns: int, lines: int, *, joins_sequences: bool = True) -> None:
        self._joins = joins_sequences
        self._main_screen: Any = None
        self._drawn: tuple[int, int] | None = None  # where the last character went
        self._held = ""
        super().__init__(columns, lines)
        self._stream = pyte.Stream(self)

    def show(self, output: str) -> None:
        """Take terminal output, in pieces of any size."""
        output = _KEYBOARD_PROTOCOL.sub("", self._held + output)
        incomplete = _INCOMPLETE.search(output)
        self._held = incomplete.group() if incomplete else ""
        self._stream.feed(output[: len(output) - len(self._held)])

    @property
    def text(self) -> str:
        """What a person reads: the lines, without trailing blanks."""
        return "\n".join("".join(cell.data for cell in line).rstrip() for line in self.rows())

    @property
    def private_modes(self) -> set[int]:
        """DEC private modes that are set, such as 25 (cursor shown), 1049 (alternate screen)."""
        return {
            mode >> _PRIVATE for mode in self.mode if mode % (1 << _PRIVATE) == 0 and mode >= 1 << _PRIVATE
        }

    def rows(self) -> list[list[Char]]:
        """Every cell with its character, colours and attributes."""
        return [[self.buffer[y][x] for x in range(self.columns)] for y in range(self.lines)]

    def set_mode(self, *modes: int, **options: Any) -> None:
        if options.get("private") and ALTERNATE_SCREEN in modes:
            lines = {y: copy.copy(line) for y, line in self.buffer.items()}
            self._main_screen = lines, self.cursor.x, self.cursor.y
            self.erase_in_display(2)
        super().set_mode(*modes, **options)

    def reset_mode(self, *modes: int, **options: Any) -> None:
        if options.get("private") and ALTERNATE_SCREEN in modes and self._main_screen is not None:
            lines, self.cursor.x, self.cursor.y = self._main_screen
            self.buffer.clear()
            self.buffer.update(lines)
            self._main_screen = None
        super().reset_mode(*modes, **options)

    def draw(self, data: str) -> None:
        for character in data:
            self._draw(character)

    def _draw(self, character: str) -> None:
        if self._drawn is not None and self._combine(character, *self._drawn):
            return
        width = cell_len(character)
        if not width:
            return
        cursor = self.cursor
        if cursor.x + width > self.columns:
            if pyte.modes.DECAWM in self.mode:
                self.carriage_return()
                self.linefeed()
            else:
                cursor.x = self.columns - width
        x, y = cursor.x, cursor.y
        self._halve(x, y, width)
        self.buffer[y][x] = cursor.attrs._replace(data=character)
        if width == 2:
            self.buffer[y][x + 1] = cursor.attrs._replace(data="")
        cursor.x += width
        self._drawn = x, y

    def _combine(self, character: str, x: int, y: int) -> bool:
        """Whether `character` joined the one that was drawn last and still stands before the cursor."""
        drawn = self.buffer[y][x]
        width = cell_len(drawn.data)
        if self.cursor.y != y or self.cursor.x != x + width:
            return False
        joined = self._joins and drawn.data.endswith("\u200d")
        if cell_len(character) and not joined:
            return False
        if not self._joins and character in "\u200d\ufe0f":
            return True
        glyph = drawn.data + character
        self.buffer[y][x] = drawn._replace(data=glyph)
        if cell_len(glyph) > width and x + width < self.columns:
            self._halve(x + width, y, 1)
            self.buffer[y][x + width] = drawn._replace(data="")
            self.cursor.x += 1
        return True

    def _halve(self, x: int, y: int, width: int) -> None:
        line = self.buffer[y]
        if x and line[x].data == "":
            line[x - 1] = line[x - 1]._replace(data=" ")
        if x + width < self.columns and line[x + width].data == "":
            line[x + width] = line[x + width]._replace(data=" ")
