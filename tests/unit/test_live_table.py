from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot

from console.widgets.columns import Column
from console.widgets.live_table import LiveTable
from console.widgets.tones import Tone


@dataclass(frozen=True, slots=True)
class Backend:
    pid: int
    user: str = "app"
    age: float | None = 0.0
    query: str = "SELECT 1"


COLUMNS = (
    Column[Backend](
        "pid", "pid", lambda row: str(row.pid), 6, align="right", sort=lambda row: row.pid, priority=3
    ),
    Column[Backend]("user", "user", lambda row: row.user, 10, sort=lambda row: row.user, priority=1),
    Column[Backend](
        "age",
        "age",
        lambda row: "–" if row.age is None else f"{row.age:.0f} s",
        8,
        align="right",
        sort=lambda row: row.age,
        descending_first=True,
        priority=2,
        exact=lambda row: "" if row.age is None else repr(row.age),
    ),
    Column[Backend]("query", "query", lambda row: row.query, 20, min_width=12, flexible=True, priority=4),
)


class TableApp(App[None]):
    """A table alone on a screen."""

    def __init__(
        self, rows: Sequence[Backend] = (), columns: Sequence[Column[Backend]] = COLUMNS, **options: object
    ) -> None:
        super().__init__()
        self.table: LiveTable[Backend] = LiveTable(columns, row_key=lambda row: row.pid, **options)  # type: ignore[arg-type]
        self._first_rows = rows

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.update_rows(self._first_rows)


@asynccontextmanager
async def shown(
    rows: Sequence[Backend],
    size: tuple[int, int] = (60, 8),
    columns: Sequence[Column[Backend]] = COLUMNS,
    **options: object,
) -> AsyncIterator[tuple[LiveTable[Backend], Pilot[None], list[Message]]]:
    """A table with `rows`, its pilot, and the messages that it has posted."""
    app = TableApp(rows, columns, **options)
    messages: list[Message] = []
    async with app.run_test(size=size, message_hook=messages.append) as pilot:
        await pilot.pause()
        yield app.table, pilot, messages


def lines(table: LiveTable[Backend]) -> list[str]:
    """What stands on the screen, line by line."""
    return [strip.text.rstrip() for strip in table.render_lines(table.size.region)]


def cursor(table: LiveTable[Backend]) -> object:
    """The key under the cursor."""
    return table.cursor_key


def pids(table: LiveTable[Backend]) -> list[int]:
    return [row.pid for row in table.shown_rows]


def highlighted(messages: list[Message]) -> list[object]:
    """The keys that the table said are under the cursor, each once though messages pass many nodes."""
    keys: dict[int, object] = {
        id(message): message.key for message in messages if isinstance(message, LiveTable.RowHighlighted)
    }
    return list(keys.values())


async def test_the_cursor_stays_on_its_row_when_rows_move_under_it() -> None:
    rows = [Backend(pid, age=float(pid)) for pid in range(1, 6)]
    async with shown(rows) as (table, pilot, messages):
        table.sort_by("age")
        assert cursor(table) == 1
        await pilot.press("up")
        assert cursor(table) == 2
        table.update_rows([replace(row, age=100.0) if row.pid == 2 else row for row in rows])
        await pilot.pause()
        assert pids(table) == [2, 5, 4, 3, 1]
        assert cursor(table) == 2
        assert table.cursor_row == Backend(2, age=100.0)
        assert highlighted(messages)[-1] == 2


async def test_the_cursor_takes_the_place_of_a_row_that_is_gone() -> None:
    async with shown([Backend(pid) for pid in range(5)]) as (table, pilot, messages):
        await pilot.press("down", "down")
        table.update_rows([Backend(pid) for pid in (0, 1, 3, 4)])
        await pilot.pause()
        assert cursor(table) == 3
        table.update_rows([Backend(0)])
        await pilot.pause()
        assert cursor(table) == 0
        table.update_rows([])
        await pilot.pause()
        assert cursor(table) is None
        assert table.cursor_row is None
        assert highlighted(messages) == [0, 1, 2, 3, 0, None]


async def test_the_view_follows_the_cursor_only_once_it_was_moved() -> None:
    rows = [Backend(pid) for pid in range(50)]
    moved = [*(Backend(pid) for pid in range(100, 140)), *rows]
    async with shown(rows) as (table, pilot, _):
        table.update_rows(moved)
        await pilot.pause()
        assert cursor(table) == 100, "an untouched cursor stays where the eye is: at the top"
        assert table.scroll_offset.y == 0

        table.update_rows(rows)
        await pilot.press("down")
        assert cursor(table) == 1
        table.update_rows(moved)
        await pilot.pause()
        assert cursor(table) == 1
        assert any(line.split()[0] == "1" for line in lines(table)[1:])

        await pilot.press("home")
        table.update_rows([Backend(200), *moved])
        await pilot.pause()
        assert (cursor(table), table.scroll_offset.y) == (100, 0)
        table.update_rows([*(Backend(pid) for pid in range(300, 340)), *moved])
        await pilot.pause()
        assert (cursor(table), table.scroll_offset.y) == (300, 0), (
            "back at the top is back to watching the top"
        )


async def test_marks_belong_to_rows_and_vanish_with_them() -> None:
    async with shown([Backend(1), Backend(2), Backend(3)]) as (table, pilot, _):
        table.toggle_mark()
        await pilot.press("down")
        table.toggle_mark()
        assert table.marked_keys == {1, 2}
        assert [line[0] for line in lines(table)[1:4]] == ["●", "●", " "]
        table.update_rows([Backend(3), Backend(2)])
        assert table.marked_keys == {2}
        assert table.marked_rows == [Backend(2)]
        table.filter_text = "!2"
        assert table.marked_keys == {2}, "a filter only hides"
        table.filter_text = ""
        table.move_to(2)
        table.toggle_mark()
        assert table.marked_keys == set()


async def test_sorting_is_stable_and_keeps_unknown_values_last_both_ways() -> None:
    rows = [Backend(1, age=None), Backend(2, age=5.0), Backend(3, age=1.0), Backend(4, age=5.0)]
    async with shown(rows) as (table, _, _):
        table.sort_by("age")
        assert pids(table) == [2, 4, 3, 1]
        table.action_sort_reverse()
        assert pids(table) == [3, 2, 4, 1]
        table.sort_by(None)
        assert pids(table) == [1, 2, 3, 4]
        table.sort_by("query")
        assert table.sort_key is None, "a column without a sort key does not sort"


async def test_sorting_goes_from_column_to_column_and_says_so_in_the_header() -> None:
    async with shown([Backend(1), Backend(2)]) as (table, _, _):
        headers = []
        for _press in range(4):
            table.action_sort_next()
            headers.append(lines(table)[0].split())
        assert headers[0] == ["pid▲", "user", "age", "query"]
        assert headers[1] == ["pid", "user▲", "age", "query"]
        assert headers[2] == ["pid", "user", "age▼", "query"], "ages are sorted oldest first"
        assert headers[3] == headers[0]


async def test_a_click_on_a_title_sorts_and_another_turns_the_order() -> None:
    async with shown([Backend(1), Backend(3), Backend(2)]) as (table, pilot, _):
        await pilot.click(table, offset=(5, 0))
        assert (table.sort_key, pids(table)) == ("pid", [1, 2, 3])
        await pilot.click(table, offset=(5, 0))
        assert (table.sort_key, pids(table)) == ("pid", [3, 2, 1])


async def test_a_table_that_is_a_tree_keeps_its_order() -> None:
    async with shown([Backend(2, user="├ b"), Backend(1, user="└ a")], sortable=False) as (table, pilot, _):
        await pilot.click(table, offset=(5, 0))
        table.action_sort_next()
        assert pids(table) == [2, 1]
        assert "├ b" in lines(table)[1]


async def test_a_click_moves_the_cursor_and_a_double_click_selects() -> None:
    async with shown([Backend(1), Backend(2), Backend(3)]) as (table, pilot, messages):
        await pilot.click(table, offset=(5, 3))
        assert cursor(table) == 3
        await pilot.click(table, offset=(5, 2), times=2)
        await pilot.pause()
        selected = {message.key for message in messages if isinstance(message, LiveTable.RowSelected)}
        assert selected == {2}
        await pilot.click(table, offset=(5, 6))
        assert cursor(table) == 2, "below the rows there is nothing to click"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("", [1, 2, 3]),
        ("ORDERS", [1, 3]),
        ("orders web", [1]),
        ("orders !web", [3]),
        ("!orders", [2]),
        ("!", [1, 2, 3]),
        ("[red]", [2]),
        ("5 s", [3]),
        ("user:worker", [2, 3]),
        ("user:WORKER !query:vacuum", [3]),
        ("query:web", []),
        ("nocolumn:web", []),
        ("user:", []),
    ],
)
async def test_the_filter_takes_words_from_any_column(words: str, left: list[int]) -> None:
    rows = [
        Backend(1, "web", 1.0, "SELECT * FROM Orders"),
        Backend(2, "worker", 2.0, "VACUUM [red]"),
        Backend(3, "worker", 5.0, "UPDATE orders"),
    ]
    async with shown(rows) as (table, _, _):
        table.filter_text = words
        assert pids(table) == left


async def test_an_empty_table_says_why_it_is_empty() -> None:
    async with shown([], empty=Content("No session runs [now].")) as (table, pilot, _):
        assert lines(table)[1].strip() == "No session runs [now]."
        table.update_rows([Backend(1)])
        table.filter_text = "nowhere"
        await pilot.pause()
        assert lines(table)[1].strip() == "No row matches the filter."
        table.update_rows([])
        await pilot.pause()
        assert lines(table)[1].strip() == "No session runs [now]."
        table.show_when_empty(Content("The role may not see sessions."))
        assert lines(table)[1].strip() == "The role may not see sessions."


HOSTILE = [
    "[red]",
    "[/x]",
    "[@click=app.quit]quit[/]",
    "\x1b[31mred",
    "nul\x00",
    "\u202egnirts",
    "line\nbreak\ttab",
    "😀 emoji",
    "漢字漢字漢字漢字",
    "e\u0301" * 30,
    "x" * 100_000,
]


@pytest.mark.parametrize("width", [60, 61, 33])
async def test_text_from_a_database_is_shown_as_text_and_aligned(width: int) -> None:
    rows = [Backend(pid, user=text, query=text) for pid, text in enumerate(HOSTILE)]
    async with shown(rows, size=(width, len(rows) + 1)) as (table, pilot, _):
        drawn = [table.render_line(y) for y in range(len(rows) + 1)]
        assert {strip.cell_length for strip in drawn} == {width}
        assert {cell_len(strip.text) for strip in drawn} == {width}
        text = "\n".join(strip.text for strip in drawn)
        assert "[red]" in text
        assert "[/x]" in text
        assert "[@click=a" in text
        assert not set("\x1b\x00\u202e\t") & set(text)
        assert not any(
            "@click" in segment.style.meta for strip in drawn for segment in strip if segment.style
        )
        await pilot.click(table, offset=(width - 10, 3))
        assert pilot.app.is_running


async def test_a_cut_text_ends_with_an_ellipsis() -> None:
    async with shown([Backend(1, user="abcdefghijkl", query="漢字" * 40)], size=(60, 3)) as (table, _, _):
        line = lines(table)[1]
        assert "abcdefghi… " in line
        assert line.rstrip("┃ ").endswith("…")


async def test_only_visible_rows_are_asked_for_their_cells() -> None:
    asked: set[int] = set()

    def query(row: Backend) -> str:
        asked.add(row.pid)
        return row.query

    columns = [*COLUMNS[:3], replace(COLUMNS[3], cell=query)]
    rows = [Backend(pid, age=float(pid)) for pid in range(10_000)]
    async with shown(rows, size=(60, 11), columns=columns) as (table, pilot, _):
        table.sort_by("age")
        await pilot.pause()
        await pilot.press("end")
        assert cursor(table) == 0
        assert lines(table)[-1].split()[0] == "0"
        assert asked == {*range(10), *range(9990, 10_000)}, "the first ten, the oldest ten, the youngest ten"


async def test_only_lines_that_changed_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Backend(pid) for pid in range(30)]
    async with shown(rows) as (table, pilot, _):
        painted: list[int] = []
        render_line = LiveTable.render_line

        def spy(table: LiveTable[Backend], y: int) -> object:
            painted.append(y)
            return render_line(table, y)

        monkeypatch.setattr(LiveTable, "render_line", spy)
        table.update_rows([replace(row) for row in rows])
        await pilot.pause()
        assert painted == []
        table.update_rows([replace(row, query="COMMIT") if row.pid in (3, 20) else row for row in rows])
        await pilot.pause()
        assert painted == [4], "row 3 stands on line 4, row 20 is out of sight"
        painted.clear()
        await pilot.press("down")
        await pilot.pause()
        assert sorted(set(painted)) == [1, 2]
        painted.clear()
        pilot.app.set_focus(None)
        await pilot.pause()
        assert 2 in painted, "without the focus the cursor looks different"


async def test_a_new_number_of_rows_does_not_lay_out_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shown([Backend(pid) for pid in range(30)]) as (table, pilot, _):
        layouts: list[None] = []
        monkeypatch.setattr(type(table.screen), "_refresh_layout", lambda *_, **__: layouts.append(None))
        table.update_rows([Backend(pid) for pid in range(40)])
        await pilot.pause()
        assert table.max_scroll_y == 41 - 8
        assert layouts == []


async def test_columns_that_do_not_fit_are_found_to_the_right() -> None:
    async with shown([Backend(1, user="somebody", age=7.0)], size=(32, 4)) as (table, pilot, _):
        header = lines(table)[0]
        assert header.split() == ["pid", "age", "query", "›"], "the least important column gives way"
        await pilot.press("right")
        assert "somebody" in lines(table)[1]
        assert "‹" in lines(table)[0]
        await pilot.press("left")
        assert lines(table)[0] == header


async def test_moving_by_pages_and_to_the_ends_scrolls() -> None:
    async with shown([Backend(pid) for pid in range(100)], size=(60, 11)) as (table, pilot, _):
        await pilot.press("pagedown")
        assert (cursor(table), table.scroll_offset.y) == (9, 0)
        await pilot.press("pagedown")
        assert (cursor(table), table.scroll_offset.y) == (18, 9)
        await pilot.press("end")
        assert (cursor(table), table.scroll_offset.y) == (99, 90)
        table.update_rows([Backend(pid) for pid in range(20)])
        await pilot.pause()
        assert (cursor(table), table.scroll_offset.y) == (19, 10), "no empty page is left behind"
        await pilot.press("home")
        assert (cursor(table), table.scroll_offset.y) == (0, 0)


async def test_a_state_is_a_glyph_and_not_colour_alone() -> None:
    def style(row: Backend) -> Tone | None:
        return {1: "warning", 2: "danger", 3: "muted"}.get(row.pid)  # type: ignore[return-value]

    async with shown([Backend(pid) for pid in range(4)], row_style=style) as (table, _, _):
        assert [line[1:2] for line in lines(table)[1:5]] == [" ", "▲", "◆", " "]


async def test_an_export_has_what_is_shown_in_exact_values() -> None:
    rows = [Backend(1, age=1.25), Backend(2, age=None), Backend(3, query="x" * 500)]
    async with shown(rows) as (table, _, _):
        table.sort_by("pid", descending=True)
        table.filter_text = "!xxx"
        assert table.export_rows() == [
            ["pid", "user", "age", "query"],
            ["2", "app", "", "SELECT 1"],
            ["1", "app", "1.25", "SELECT 1"],
        ]
        table.move_to(1)
        assert table.export_cursor_row() == ["1", "app", "1.25", "SELECT 1"]
        table.update_rows([])
        assert table.export_cursor_row() is None


async def test_other_columns_can_be_shown() -> None:
    async with shown([Backend(2), Backend(1)]) as (table, pilot, _):
        table.sort_by("pid")
        table.replace_columns(COLUMNS[:2])
        await pilot.pause()
        assert lines(table)[0].split() == ["pid▲", "user"]
        table.replace_columns(COLUMNS[2:])
        await pilot.pause()
        assert table.sort_key is None
        assert pids(table) == [2, 1]


async def test_old_data_is_greyed() -> None:
    async with shown([Backend(1), Backend(2)]) as (table, pilot, _):
        fresh = table.render_line(2)
        table.stale = True
        await pilot.pause()
        old = table.render_line(2)
        assert old.text == fresh.text
        assert [segment.style for segment in old] != [segment.style for segment in fresh]


class LateApp(App[None]):
    """A place to which a table comes later."""

    def compose(self) -> ComposeResult:
        yield Container()


async def test_it_is_laid_out_although_its_place_was_worked_out_before() -> None:
    app = LateApp()
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        app.screen._compositor._full_map_invalidated = True  # as after scrolling something
        table: LiveTable[Backend] = LiveTable(COLUMNS, row_key=lambda row: row.pid)
        await app.query_one(Container).mount(table)
        table.update_rows([Backend(1)])
        async with asyncio.timeout(20):
            while "pid" not in table.render_line(0).text:
                await pilot.pause()
