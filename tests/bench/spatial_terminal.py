"""The map in a terminal: from a key to the finished picture, what a frame is in bytes, and what it takes of memory."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from tests.bench.contestants import CONSOLE, environment
from tests.bench.figures import Figure
from tests.bench.measures import peak_memory
from tests.bench.terminal import TimedTerminal
from tests.terminal.emulator import Emulator

MOST_BYTES = 8192
"""Of a frame."""
MOST_MEMORY = 150.0
"""MiB."""
_CLOSER = {0: "full extent", 3: "1.6 %", 7: "0.006 %"}
"""How often it is looked closer, each time twice as close, and the share of the whole that is seen then."""
_SOURCE = re.compile(r"(exact|pyramid of [-0-9: ]+|~ sample|~ statistics)( …)?")
_MAP_LINES, _MAP_COLUMNS = range(4, 38), range(76)
_AROUND = ("\x1b[D", "\x1b[A", "\x1b[C", "\x1b[B")
"""To the west, the north, the east and the south."""


def on_screen(url: str, home: Path, name: str, limit: float, *, counting: bool = False) -> list[Figure]:
    """A person's way through the map: all of it, ever closer, and sideways there; `counting` in the console first."""
    with TimedTerminal(CONSOLE.command(url), environment(home)) as terminal:
        terminal.seen(lambda screen: re.search(r"every \S+ s$", screen.text.splitlines()[0]) is not None)
        pressed = terminal.send("6")
        first = terminal.seen(lambda screen: _SOURCE.search(screen.text) is not None)
        assert first is not None, terminal.screen.text
        figures = [Figure(f"{name}: key 6 → first picture", "ms", (first - pressed) * 1000)]
        terminal.seen(_is_finished, 20)
        if counting:
            terminal.send("p")
            terminal.seen(lambda screen: "count here" in screen.text)
            terminal.send("count here\r")
            terminal.seen(lambda screen: "The console counts" in screen.text, 120)
            terminal.seen(_is_finished, 20)
        closer, frames = 0, len(terminal.frames)
        for times, share in _CLOSER.items():
            zooms = [_press(terminal, "+") for _ in range(times - closer)]
            pans = [_press(terminal, key) for key in _AROUND * 3]
            closer = times
            moves = sorted(pans + zooms)
            where = f"{name}, {share}: key → finished picture"
            figures += [
                Figure(f"{where}, median", "ms", statistics.median(moves), limit=limit),
                Figure(f"{where}, longest", "ms", moves[-1]),
            ]
        return [
            *figures,
            Figure(
                f"{name}: bytes of the largest frame", "B", max(terminal.frames[frames:]), limit=MOST_BYTES
            ),
            Figure(f"{name}: peak memory", "MiB", peak_memory(terminal.process.pid), limit=MOST_MEMORY),
        ]


def _press(terminal: TimedTerminal, key: str) -> float:
    """Milliseconds until the map that it leads to is finished."""
    terminal.settle(0.4)
    before = _place(terminal.screen)
    pressed = terminal.send(key)
    shown = terminal.last_change(_map, lambda screen: _place(screen) != before and _is_finished(screen))
    if shown is None:
        raise RuntimeError(f"the map was not finished after {key!r}:\n{terminal.screen.text}")
    return (shown - pressed) * 1000


def _is_finished(screen: Emulator) -> bool:
    """Whether no better picture is on its way."""
    said = _SOURCE.search(screen.text)
    return said is not None and said[2] is None


def _map(screen: Emulator) -> list[tuple[str, str, str]]:
    """The cells of the map, with their colours."""
    rows = (screen.buffer[y] for y in _MAP_LINES)
    return [(cell.data, cell.fg, cell.bg) for row in rows for cell in (row[x] for x in _MAP_COLUMNS)]


def _place(screen: Emulator) -> str:
    """Where the cursor is, and how long things are: the line below the map."""
    return next((line for line in reversed(screen.text.splitlines()) if "├" in line and "┤" in line), "")
