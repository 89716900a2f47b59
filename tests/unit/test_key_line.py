from __future__ import annotations

from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from console.widgets.key_line import KeyLine


class KeysApp(App[None]):
    """A field and the line of keys under it."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("question_mark", "help", "help"),
        Binding("slash", "filter", "[filter]"),
        Binding("s", "sort", "sort"),
        Binding("k", "terminate", "terminate"),
        Binding("c,x", "cancel", "cancel"),
        Binding("f9", "secret", "secret", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.allowed: bool | None = True
        self.done: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input()
        yield KeyLine()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.allowed if action == "terminate" else True

    def action_sort(self) -> None:
        self.done.append("sort")

    def action_terminate(self) -> None:
        self.done.append("terminate")

    @property
    def line(self) -> KeyLine:
        return self.query_one(KeyLine)

    @property
    def shown(self) -> str:
        return self.line.render_line(0).text


async def test_the_line_shows_the_keys_that_work_here_with_help_and_quit_at_the_right() -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        assert app.shown.startswith("/ [filter]  s sort  k terminate  c cancel  ")
        assert app.shown.endswith("  ? help  q quit")
        assert "secret" not in app.shown
        assert "x cancel" not in app.shown, "the first key stands for all"


async def test_the_line_is_painted_only_when_the_keys_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        painted: list[None] = []
        render = KeyLine.render

        def spy(line: KeyLine) -> Content:
            painted.append(None)
            return render(line)

        monkeypatch.setattr(KeyLine, "render", spy)
        app.screen.refresh_bindings()
        await pilot.pause()
        assert painted == []
        app.allowed = None
        app.screen.refresh_bindings()
        await pilot.pause()
        assert painted


async def test_an_action_that_is_not_allowed_is_not_shown() -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        assert "terminate" in app.shown
        app.allowed = False
        app.screen.refresh_bindings()
        await pilot.pause()
        assert "terminate" not in app.shown


async def test_a_disabled_action_is_shown_dim_and_does_nothing_when_clicked() -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        app.allowed = None
        app.screen.refresh_bindings()
        await pilot.pause()
        dim = [segment.text for segment in app.line.render_line(0) if segment.style and segment.style.dim]
        assert dim == ["k terminate"]
        await pilot.click(KeyLine, offset=(app.shown.index("terminate") + 1, 0))
        assert app.done == []


async def test_keys_that_a_field_takes_as_text_are_not_shown_while_it_has_the_focus() -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        assert "s sort" in app.shown
        app.query_one(Input).focus()
        await pilot.pause()
        assert "s sort" not in app.shown


async def test_what_does_not_fit_is_left_out_from_the_end() -> None:
    app = KeysApp()
    async with app.run_test(size=(44, 5)) as pilot:
        await pilot.pause()
        assert app.shown == "/ [filter]  s sort          ? help  q quit"
        await pilot.resize_terminal(80, 5)
        await pilot.pause()
        assert "c cancel" in app.shown


async def test_a_click_presses_the_key() -> None:
    app = KeysApp()
    async with app.run_test(size=(80, 5)) as pilot:
        await pilot.pause()
        await pilot.click(KeyLine, offset=(app.shown.index("sort") + 1, 0))
        await pilot.pause()
        assert app.done == ["sort"]
