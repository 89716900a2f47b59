"""The delta painter shows exactly what Textual's own painting shows, in fewer bytes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region, Size
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Input, Static

from console.terminal.painter import DeltaPainting, Painter
from console.terminal.pen import change
from tests.terminal.emulator import Emulator

WIDTH, HEIGHT = 60, 12

# Words of every kind that a database may hold; the heart widens with U+FE0F.
WORDS = [
    "SELECT", "idle in tx", "0.4 s", "naïve", "é" "e\u0301a\u0308", "漢字", "한국어", "データ", "🚀", "👩‍🚀", "👍🏽",
    "❤\ufe0f", "⚠", "▲ ● ✓", "─┼─", "⣀⡠⠤", "עברית", "ไทย", "x" * 9,
]  # fmt: skip
STYLES = [
    None,
    *map(
        Style.parse,
        [
            "none",
            "bold",
            "dim italic",
            "bold red",
            "bold red on white",
            "underline #10c0f0 on #202020",
            "#10c0f0 on #202020",
            "reverse #808080",
            "strike bright_blue on color(17)",
            "not bold default on default",
        ],
    ),
]
COLOR_SYSTEMS = [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD]


def stock_output(update: CompositorUpdate, color_system: ColorSystem) -> str:
    """What Textual itself would write for `update`, the cursor left at the top."""
    console = Console(color_system=None)
    console._color_system = color_system
    return update.render_segments(console) + "\x1b[1;1H"


def terminal(**options: Any) -> Emulator:
    """A terminal as Textual sets it up: without autowrap."""
    emulator = Emulator(WIDTH, HEIGHT, **options)
    emulator.show("\x1b[?7l")
    return emulator


def assert_same(delta: Emulator, stock: Emulator) -> None:
    """Every cell has the same character, colours and attributes; the first that has not is named."""
    for y, (painted, expected) in enumerate(zip(delta.rows(), stock.rows(), strict=True)):
        for x, cells in enumerate(zip(painted, expected, strict=True)):
            assert cells[0] == cells[1], f"column {x}, line {y}"


def random_strip(chance: random.Random, width: int) -> Strip:
    segments = []
    for _ in range(chance.randint(1, 8)):
        segments.append(Segment(chance.choice(WORDS) + " " * chance.randint(0, 3), chance.choice(STYLES)))
    return Strip(segments).adjust_cell_length(width, chance.choice(STYLES))


def full(lines: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, len(lines)))


@pytest.mark.parametrize("color_system", COLOR_SYSTEMS)
@pytest.mark.parametrize("seed", range(4))
def test_random_updates_look_like_stock_painting(seed: int, color_system: ColorSystem) -> None:
    chance = random.Random(seed)
    # Rich keeps a style's codes for whichever colours it was rendered with first.
    for style in filter(None, STYLES):
        style._ansi = None
    Strip.render_ansi.cache_clear()
    stock, delta = terminal(), terminal()
    painter = Painter(color_system)
    lines = [random_strip(chance, WIDTH) for _ in range(HEIGHT)]
    for _ in range(60):
        update: LayoutUpdate | ChopsUpdate
        kind = chance.random()
        if kind < 0.2:  # a scroll
            lines = [*lines[1:], random_strip(chance, WIDTH)]
            update = full(lines)
        elif kind < 0.5:  # some lines changed
            for y in chance.sample(range(HEIGHT), 3):
                lines[y] = random_strip(chance, WIDTH)
            update = full(lines)
        else:  # a region changed: the dirty middle of a few lines that were cut at its edges
            left, right = sorted(chance.sample(range(WIDTH + 1), 2))
            spans = [(y, left, right) for y in sorted(chance.sample(range(HEIGHT), 4))]
            cuts = sorted({0, left, right, WIDTH})
            chops: list[dict[int, Strip | None]] = [dict.fromkeys(cuts[:-1]) for _ in range(HEIGHT)]
            for y, *_ in spans:
                parts = list(lines[y].divide(cuts[1:]))
                if any(not cell_len(part.text[:1] or " ") or part.text.endswith("\u200d") for part in parts):
                    continue  # cut inside a sequence: stock would join its rest to the neighbour
                parts[cuts.index(left)] = random_strip(chance, right - left)
                lines[y] = Strip.join(parts)
                chops[y] = dict(zip(cuts, parts, strict=False))
            update = ChopsUpdate(chops, spans, [cuts[1:]] * HEIGHT)
        stock.show(stock_output(update, color_system))
        delta.show(painter.frame(update, (0, 0)))
        assert_same(delta, stock)
        assert (delta.cursor.x, delta.cursor.y) == (0, 0)
    painter.frame(full(lines), (0, 0))
    assert painter.frame(full(lines), (0, 0)) == ""


@pytest.mark.parametrize("seed", range(3))
def test_terminal_that_draws_sequences_wider_keeps_its_columns(seed: int) -> None:
    """Where terminal and Textual disagree about an emoji, everything beside it stays in its place."""
    chance = random.Random(seed)
    delta = terminal(joins_sequences=False)
    painter = Painter(ColorSystem.TRUECOLOR)
    for step in range(20):
        lines = []
        for y in range(HEIGHT):
            glyph = chance.choice(["👩‍🚀", "❤\ufe0f", "🇩🇪", "👍🏽", "1\ufe0f\u20e3", "ab", "漢"])
            lines.append(
                Strip([Segment(f"{glyph}      "), Segment(f"pid {step} {y}")]).adjust_cell_length(WIDTH)
            )
        delta.show(painter.frame(full(lines), (0, 0)))
        for y, line in enumerate(lines):
            at = line.crop(0, line.cell_length - len(line.text[line.text.index("pid") :])).cell_length
            shown = "".join(cell.data for cell in delta.rows()[y][at:])
            assert shown.rstrip() == f"pid {step} {y}"


def test_narrow_drawing_leaves_nothing_old_beside_it() -> None:
    delta = terminal(joins_sequences=False)
    painter = Painter(ColorSystem.TRUECOLOR)
    delta.show(painter.frame(full([Strip([Segment("abcdef" * 10)])] * HEIGHT), (0, 0)))
    heart = Strip([Segment("❤\ufe0f")]).adjust_cell_length(WIDTH)  # two cells for Textual, one here
    delta.show(painter.frame(full([heart] * HEIGHT), (0, 0)))
    assert delta.text == "\n".join(["❤"] * HEIGHT)


def test_control_characters_never_leave() -> None:
    painter = Painter(ColorSystem.TRUECOLOR)
    line = Strip([Segment("a\x1b[31mb\x9bc\rd\x00e")], WIDTH)
    frame = painter.frame(LayoutUpdate([[line]], Region(0, 0, WIDTH, 1)), (0, 0))
    assert "a[31mbcde" in frame


def test_a_table_costs_what_changed() -> None:
    """Thirty changed numbers on a table that fills a 120×40 terminal."""
    chance = random.Random(7)
    colours = [Style.parse(f"{colour} on #101010") for colour in ("#c0c0c0", "#40ff40", "bold #ff8080")]
    table = [[chance.randrange(10**6) for _ in range(15)] for _ in range(40)]

    def lines() -> list[Iterable[Strip]]:
        return [
            [Strip([Segment(f"{n:>7} ", colours[x % 3]) for x, n in enumerate(row)], 120)] for row in table
        ]

    region = Region(0, 0, 120, 40)
    painter = Painter(ColorSystem.TRUECOLOR)
    first = painter.frame(LayoutUpdate(lines(), region), (0, 0))
    for _ in range(30):
        table[chance.randrange(40)][chance.randrange(15)] = chance.randrange(10**6)
    update = LayoutUpdate(lines(), region)
    frame = painter.frame(update, (0, 0))
    stock = stock_output(update, ColorSystem.TRUECOLOR)
    assert len(first) < 0.8 * len(stock)
    assert len(frame) < 1500
    assert len(frame) < 0.05 * len(stock)


def test_one_changed_digit_is_a_few_bytes() -> None:
    painter = Painter(ColorSystem.STANDARD)
    lines = [Strip([Segment("age 0.4 s", Style.parse("red"))]).adjust_cell_length(WIDTH)] * HEIGHT
    painter.frame(full(lines), (0, 0))
    lines = [Strip([Segment("age 0.5 s", Style.parse("red"))]).adjust_cell_length(WIDTH), *lines[1:]]
    assert painter.frame(full(lines), (0, 0)) == "\x1b[1;7H\x1b[31m5\x1b[m\x1b[H"


def test_cursor_alone_moves() -> None:
    painter = Painter(ColorSystem.STANDARD)
    lines = [Strip.blank(WIDTH)] * HEIGHT
    painter.frame(full(lines), (0, 0))
    assert painter.frame(full(lines), (3, 2)) == "\x1b[3;4H"
    assert painter.frame(full(lines), (3, 2)) == ""


@pytest.mark.parametrize(
    ("old", "new", "sequence"),
    [
        ("", "", ""),
        ("31", "31", ""),
        ("", "1;31", "\x1b[1;31m"),
        ("1;31", "", "\x1b[m"),
        ("31;44", "32;44", "\x1b[32m"),
        ("1;38;2;1;2;3;48;2;4;5;6", "38;2;1;2;3;48;2;4;5;6", "\x1b[22m"),
        ("1;2;38;2;1;2;3", "2;38;2;1;2;3", "\x1b[22;2m"),
        ("38;2;1;2;3;48;5;7", "48;5;7", "\x1b[39m"),
        ("53;31", "31", "\x1b[0;31m"),
    ],
)
def test_pen_changes_by_the_shortest_way(old: str, new: str, sequence: str) -> None:
    assert change(old, new) == sequence


# The whole way, through an app.


class Terminal(HeadlessDriver):
    """A driver whose output goes to an emulator; what it holds at the start is another program's."""

    emulator: Emulator

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        Terminal.emulator = terminal()

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.emulator.show(data)


class Question(ModalScreen[None]):
    DEFAULT_CSS = "Question { align: center middle; } #question { width: 20; height: 5; border: round red; }"
    BINDINGS: ClassVar = [("escape", "dismiss")]

    def compose(self) -> ComposeResult:
        yield Static("Terminate 漢字 🚀?", id="question")


class Other(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Input(placeholder="filter")
        for y in range(8):
            yield Static(f"[b]line {y}[/b] [reverse]and more[/reverse] of it")


class Main(Screen[None]):
    DEFAULT_CSS = "#body { height: 8; } #top { background: $primary; } Static { width: 100%; }"

    def compose(self) -> ComposeResult:
        yield Static("header", id="top")
        with VerticalScroll(id="body"):
            for y in range(30):
                yield Static(f"row {y} {WORDS[y % len(WORDS)]}", markup=False)


class Sample(DeltaPainting, App[None]):
    """An app that checks every frame against stock painting."""

    MODES: ClassVar = {"main": Main, "other": Other}
    DEFAULT_MODE = "main"
    frames = 0

    def __init__(self) -> None:
        super().__init__(driver_class=Terminal)
        self.animation_level = "none"
        self.stock = terminal()

    def _display(self, screen: Any, renderable: Any) -> None:
        painted = renderable is not None and not self._batch_count and self._running
        super()._display(screen, renderable)
        if painted:
            assert isinstance(renderable, CompositorUpdate)
            self.stock.show(renderable.render_segments(self.console))
            self.frames += 1
            assert_same(Terminal.emulator, self.stock)


async def play(app: Sample, script: Callable[[Pilot[None]], Any]) -> None:
    """Run `app` on an emulated terminal and let `script` drive it."""

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await script(pilot)
        await pilot.pause()
        app.exit()

    await app.run_async(size=(WIDTH, HEIGHT), auto_pilot=act)
    if app._exception is not None:
        raise app._exception
    assert app._paints_deltas, "the painter gave up"


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app work until `condition` holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, Terminal.emulator.text
        await pilot.pause(0.005)


async def shown(pilot: Pilot[None], text: str) -> None:
    """Let the app work until `text` stands on the terminal."""
    await until(pilot, lambda: text in Terminal.emulator.text)


@pytest.fixture(params=["truecolor", "256", "standard", "no colour"])
def colours(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The colours of the console, as Textual chooses them from the environment."""
    system: str = request.param
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "auto")
    monkeypatch.setenv("TERM", "xterm" if system == "standard" else "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORTERM", raising=False)
    if system in ("truecolor", "no colour"):
        monkeypatch.setenv("COLORTERM", "truecolor")
    if system == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    Strip.render_ansi.cache_clear()
    return system


async def test_an_app_looks_as_ever(colours: str) -> None:
    app = Sample()

    async def script(pilot: Pilot[None]) -> None:
        expected = {"truecolor": 3, "256": 2, "standard": 1, "no colour": 3}[colours]
        assert app.console._color_system is not None
        assert app.console._color_system.value == expected
        rows = list(app.screen.query("#body Static").results(Static))
        for step, row in enumerate(rows[:8]):
            row.update(Content.from_markup(f"[red]{step}[/red] 漢 🚀 {'-' * step}"))
            await shown(pilot, f"{step} 漢 🚀 {'-' * step}".rstrip())
        app.screen.query_one("#body").scroll_to(y=5, animate=False)
        await shown(pilot, "row 9")
        app.push_screen(Question())
        await shown(pilot, "Terminate")
        rows[9].update("changed below the question")
        await pilot.press("escape")
        await shown(pilot, "changed below the question")
        assert "Terminate" not in Terminal.emulator.text
        await app.switch_mode("other")
        await pilot.press("a", "漢", "left", "backspace")
        await shown(pilot, "line 7")
        await app.switch_mode("main")
        await shown(pilot, "header")
        before = Terminal.emulator.rows()
        app.theme = "textual-light"
        await until(pilot, lambda: app.no_color or Terminal.emulator.rows() != before)

    await play(app, script)
    assert app.frames > 12


def spoil(app: Sample) -> None:
    """Let something else write all over the terminal."""
    for emulator in (Terminal.emulator, app.stock):
        emulator.show("\x1b[H\x1b[m" + "\r\n".join(["#" * WIDTH] * HEIGHT))


async def resize(pilot: Pilot[None], *widths: int) -> None:
    for width in widths:
        Terminal.emulator.resize(HEIGHT, width)
        pilot.app.stock.resize(HEIGHT, width)  # type: ignore[attr-defined]
        spoil(pilot.app)  # type: ignore[arg-type]
        pilot.app._size, size = pilot.app._size, Size(width, HEIGHT)
        assert pilot.app._driver is not None
        pilot.app._driver._size = size
        pilot.app.post_message(events.Resize(size, size))


@pytest.mark.parametrize("widths", [[40], [80], [40, WIDTH], [WIDTH]])
async def test_a_resize_and_a_resume_repaint_everything(widths: list[int]) -> None:
    """A resume reports a size that did not change; a quick drag ends where it began."""
    app = Sample()

    async def script(pilot: Pilot[None]) -> None:
        await resize(pilot, *widths)
        await until(pilot, lambda: "#" not in Terminal.emulator.text)
        assert "header" in Terminal.emulator.text

    await play(app, script)


async def test_repaint_mends_a_garbled_terminal() -> None:
    app = Sample()

    async def script(pilot: Pilot[None]) -> None:
        spoil(app)
        Terminal.emulator.show("\x1b[?7h\x1b[?25h\x1b[2;5r\x1b[31m")
        app.stock.show("\x1b[2J")
        app.repaint()
        await until(pilot, lambda: "#" not in Terminal.emulator.text)
        assert Terminal.emulator.cursor.hidden
        assert Terminal.emulator.margins in (None, (0, HEIGHT - 1))

    await play(app, script)


async def test_nothing_leaves_when_nothing_changed() -> None:
    app = Sample()

    async def script(pilot: Pilot[None]) -> None:
        app._sync_available = True
        written: list[str] = []
        app._driver.write = written.append  # type: ignore[method-assign, union-attr]
        app.refresh()
        await pilot.pause()
        assert written == []
        app.stock = Terminal.emulator  # what is written now is only collected
        app.screen.query_one("#top", Static).update("HEADER")
        await until(pilot, lambda: bool(written))
        assert len(written) == 1
        assert written[0].startswith("\x1b[?2026h")
        assert written[0].endswith("\x1b[?2026l")

    await play(app, script)


async def test_textual_paints_when_the_hook_is_not_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Sample()

    async def script(pilot: Pilot[None]) -> None:
        def broken(*_: Any) -> str:
            raise AttributeError("renamed")

        monkeypatch.setattr(Painter, "frame", broken)
        app.screen.query_one("#top", Static).update("still painted")
        await shown(pilot, "still painted")
        monkeypatch.undo()
        app.screen.query_one("#top", Static).update("again painted")
        await shown(pilot, "again painted")
        assert not app._paints_deltas
        app._paints_deltas = True

    await play(app, script)
