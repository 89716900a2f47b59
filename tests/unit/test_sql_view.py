"""SQL in colours: what is drawn of it, and that much of it costs no more than little."""

from __future__ import annotations

import time

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.widgets.sql_colours import LONGEST, coloured_lines, load_lexer
from console.widgets.sql_view import Sql, SqlView, Words

FUNCTION = """CREATE FUNCTION f() RETURNS trigger AS $body$
BEGIN
\t-- not; the end
    RETURN NEW; /* nor
    this */
END $body$ LANGUAGE plpgsql"""


class Viewer(App[None]):
    def __init__(self, *parts: Words | Sql) -> None:
        super().__init__()
        self._parts = parts

    def compose(self) -> ComposeResult:
        yield SqlView()

    async def on_mount(self) -> None:
        self.view.show("title", self._parts)
        self.view.focus()

    @property
    def view(self) -> SqlView:
        return self.query_one(SqlView)

    def lines(self, count: int) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(count)]


async def settle(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize(
    "sql",
    [FUNCTION, "", "\n\nSELECT 1\n\n", "SELECT 'a\n''b\nc', $$x\ny$$ -- z", f"SELECT '{'x' * LONGEST}\ny'"],
    ids=["function", "nothing", "blank lines", "strings", "long"],
)
def test_colours_change_no_line(sql: str) -> None:
    lines = coloured_lines(sql, load_lexer())
    assert "\n".join("".join(text for text, _ in line) for line in lines) == sql


def test_a_keyword_in_a_comment_is_none() -> None:
    ((first, *_, last),) = coloured_lines("SELECT 1 -- FROM", load_lexer())
    assert (first, last) == (("SELECT", "keyword"), ("-- FROM", "comment"))


async def test_a_statement_stands_under_its_words_with_its_margin() -> None:
    app = Viewer(
        Words("▲ " + "long " * 20, "warning", indent=2), Sql("SELECT 1\n  FROM a\x1b[2J", margin="▲")
    )
    async with app.run_test(size=(40, 10)) as pilot:
        await settle(pilot)
        lines = app.lines(7)
        assert lines[0].startswith("title")
        assert lines[1] == "▲ long long long long long long long"
        assert lines[2] == "  long long long long long long long"
        assert lines[4:6] == ["▲ SELECT 1", "    FROM a␛[2J"]


async def test_it_scrolls_down_and_sideways() -> None:
    app = Viewer(*(Sql(f"SELECT {number}, '{'x' * 60}', {number}") for number in range(100)))
    async with app.run_test(size=(40, 11)) as pilot:
        await settle(pilot)
        assert app.lines(1)[0].endswith("1–10 of 100")
        await pilot.press("end", "right")
        await settle(pilot)
        lines = app.lines(11)
        assert lines[0].endswith("91–100 of 100")
        assert lines[10].startswith("xxx")
        await pilot.press("right", "right", "right")
        assert "', 99" in app.lines(11)[10]


async def test_the_place_is_kept_while_what_is_shown_grows() -> None:
    app = Viewer(*(Sql(f"SELECT {number}") for number in range(100)))
    async with app.run_test(size=(40, 11)) as pilot:
        await settle(pilot)
        await pilot.press("pagedown")
        before = app.lines(11)[1]
        app.view.show("title", [*(Sql(f"SELECT {number}") for number in range(200))], keep_place=True)
        assert app.lines(11)[1].split()[:2] == before.split()[:2] == ["SELECT", "9"]
        app.view.show("another", [Sql("SELECT 1")])
        await settle(pilot)
        assert app.lines(2)[1] == "  SELECT 1"


async def test_ten_thousand_lines_do_not_hold_up_a_key() -> None:
    statement = "INSERT INTO t VALUES\n" + ",\n".join(f"    ({number}, 'abc', now())" for number in range(9))
    app = Viewer(*(Sql(f"{statement} -- {number}") for number in range(1000)))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        began = time.perf_counter()
        app.view.show("again", [Sql(f"{statement} -- {number}") for number in range(1, 1001)])
        shown = time.perf_counter()
        app.view.scroll_to(y=5000, animate=False, force=True)
        assert app.lines(40)[39]
        drawn = time.perf_counter()
        # Far above what they take, far below what would be a wait.
        assert shown - began < 1.0
        assert drawn - shown < 0.5
