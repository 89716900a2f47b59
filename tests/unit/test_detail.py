from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content

from console.widgets.detail import DetailPane, Section


class DetailApp(App[None]):
    """A detail pane alone on a screen."""

    def compose(self) -> ComposeResult:
        yield DetailPane()

    @property
    def pane(self) -> DetailPane:
        return self.query_one(DetailPane)

    @property
    def lines(self) -> list[str]:
        return [self.pane.render_line(y).text.rstrip("┃ ") for y in range(self.pane.size.height)]


HOSTILE = "SELECT '[red]'\n\tFROM [/x] \x1b[31m [@click=app.quit]q[/]"


async def test_everything_is_shown_in_full_and_as_text() -> None:
    app = DetailApp()
    async with app.run_test(size=(50, 12)) as pilot:
        app.pane.show(
            "backend [8123]",
            [
                Section("session", (("state", "idle"), ("wait event", "word " * 12))),
                Section("query", (("", HOSTILE), ("", Content.styled("ours", "bold")))),
            ],
        )
        await pilot.pause()
        assert app.lines == [
            "backend [8123]",
            "",
            "session",
            "state       idle",
            "wait event  word word word word word word word",
            "            word word word word word",
            "",
            "query",
            "SELECT '[red]'",
            "        FROM [/x] ␛[31m [@click=app.quit]q[/]",
            "ours",
            "",
        ]


async def test_the_place_is_kept_for_the_same_thing_and_left_for_another() -> None:
    app = DetailApp()
    async with app.run_test(size=(40, 5)) as pilot:
        pane = app.pane
        pane.focus()
        pane.show("one", [Section("", tuple((str(number), "value") for number in range(20)))])
        await pilot.press("pagedown", "down")
        assert pane.scroll_offset.y == 5
        pane.show("one", [Section("", tuple((str(number), "other") for number in range(20)))])
        await pilot.pause()
        assert pane.scroll_offset.y == 5
        assert app.lines[0].endswith("other")
        await pilot.press("end")
        assert app.lines[-1].startswith("19")
        pane.show("one", [Section("", (("0", "value"),))])
        await pilot.pause()
        assert app.lines[0] == "one"
        pane.show("one", [Section("", tuple((str(number), "value") for number in range(20)))])
        await pilot.press("end")
        pane.show("two", [Section("", tuple((str(number), "value") for number in range(20)))])
        await pilot.pause()
        assert app.lines[0] == "two"


async def test_the_text_to_copy_is_exact() -> None:
    app = DetailApp()
    async with app.run_test(size=(40, 5)):
        app.pane.show("one", [Section("query", (("", HOSTILE), ("rows", "5")))])
        assert app.pane.text == f"one\n\nquery\n{HOSTILE}\nrows: 5"
