"""The composition root: modes, themes, keys, services."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import platformdirs
from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Input

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import BadTheme, CannotConnect
from console.models.server import LinkState
from console.models.target import Target
from console.resources import folder
from console.screens.activity import ActivityScreen
from console.screens.frame import TABS, ConsoleScreen
from console.screens.pools import PoolsScreen
from console.settings import Settings
from console.terminal.driver import ConsoleDriver
from console.terminal.painter import DeltaPainting
from console.terminal.safe_text import visible
from console.themes import (
    DEFAULT_THEME,
    SIXTEEN_COLOURS,
    available_themes,
    check_theme,
    default_theme,
    load_theme,
)
from console.widgets.alert_strip import AlertStrip
from console.widgets.loading import StillLoading

if TYPE_CHECKING:
    from console.data.services import Services


class ConsoleApp(DeltaPainting, App[int]):
    """The console on one server."""

    TITLE = "dbconsole"
    CSS_PATH: ClassVar[CSSPathType | None] = [
        folder("themes") / "widgets.tcss",
        folder("themes") / "console.tcss",
    ]
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 5
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{key},f{key}", f"switch_mode({mode!r})", title, show=False, priority=True, id=f"screen.{mode}", tooltip=f"Go to {title}")
            for key, mode, title in TABS
        ),
        Binding("t", "next_theme", "theme", show=False, id="theme", tooltip="Use the next theme"),
        Binding("ctrl+l", "repaint", "repaint", show=False, id="repaint", tooltip="Paint the whole screen again"),
        Binding("question_mark", "help", "help", key_display="?", id="help", tooltip="Show the keys of this screen"),
        Binding("q", "quit", "quit", id="quit", tooltip="Leave"),
    ]  # fmt: skip

    def __init__(self, settings: Settings, target: Target, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.target = target
        self.clock = clock
        self.services: Services | None = None
        self.was_connected = False
        self._connecting: asyncio.Task[None] | None = None
        # Per console, not per class: its screens need its settings.
        self.DEFAULT_MODE = settings.screen  # type: ignore[misc]
        self.MODES = {"pools": self._screen(PoolsScreen), "activity": self._screen(ActivityScreen)}  # type: ignore[misc]
        # Textual chooses its filter for NO_COLOR before a theme is set: an ANSI theme keeps the terminal's defaults.
        self._colourless = "NO_COLOR" in os.environ
        super().__init__(driver_class=ConsoleDriver, ansi_color=True if self._colourless else None)
        self.animation_level = "none"
        self._config_dir = platformdirs.user_config_path("dbconsole")
        self._complaints: list[str] = []
        self._choose_theme(settings.theme or default_theme(os.environ))
        self._use_keys(settings.keys)

    def _screen(self, kind: type[PoolsScreen] | type[ActivityScreen]) -> Callable[[], Screen[None]]:
        def make() -> Screen[None]:
            screen = kind(self.settings, self.target, self.clock)
            screen.services = self.services
            return screen

        return make

    def get_loading_widget(self) -> Widget:
        return StillLoading()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Shows a sentence for a while; it may have words of a server in it."""
        text = visible(message, multiline=True)
        super().notify(text, title=title, severity=severity, timeout=timeout, markup=markup)

    def _use_keys(self, keys: Mapping[str, str]) -> None:
        """Maps keys by the ids of bindings; an id that no binding has is complained of."""
        kinds = (ConsoleApp, PoolsScreen, ActivityScreen)
        known = {
            binding.id
            for kind in kinds
            for binding in kind.BINDINGS
            if isinstance(binding, Binding) and binding.id
        }
        for name in sorted(keys.keys() - known):
            close = get_close_matches(name, known, 1)
            self._complaints.append(
                f"[keys] names {name}, which is no command"
                + (f"; did you mean {close[0]}?" if close else ".")
            )
        self.set_keymap({name: key for name, key in keys.items() if name in known})

    # Connecting ---------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        # After the first frame: the driver takes time to import, and keys must not wait for it.
        self.call_after_refresh(self._start)

    @work(group="start", exclusive=True, exit_on_error=True)
    async def _start(self) -> None:
        """Makes the services and begins to connect. It cannot fail but by a defect, which then ends the app."""
        self.services = await self.make_services()
        self.services.server.on_link_change(self._link_changed)
        self._connecting = asyncio.create_task(self.services.server.keep_connected(), name="keep connected")
        for screen in self.screen_stack:
            if isinstance(screen, ConsoleScreen):
                screen.attach(self.services)
        self._complain()

    async def make_services(self) -> Services:
        """The services of the target; nothing is connected yet. Tests put others in their place."""
        await asyncio.to_thread(import_module, "console.data.services")
        from console.data.services import services_for

        return services_for(self.target, self.settings, self.clock)

    def _link_changed(self) -> None:
        if self.services is not None and self.services.server.link.state is LinkState.LIVE:
            self.was_connected = True

    def _fatal_error(self) -> None:
        # Textual would print the traceback with every local variable, passwords among them.
        self._close_messages_no_wait()

    async def on_unmount(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self.services is not None:
            await self.services.close()

    # Themes -------------------------------------------------------------------------------------------------------

    def _choose_theme(self, name: str) -> None:
        try:
            theme = load_theme(SIXTEEN_COLOURS if self._colourless else name, self._config_dir)
        except BadTheme as problem:
            self._complaints.append(f"{problem.sentence} The theme {DEFAULT_THEME} is used.")
            theme = load_theme(DEFAULT_THEME, self._config_dir)
        self.register_theme(theme)
        self.theme = theme.name

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # The keys of the screens are looked at before any other, so that what is typed right behind one finds its
        # screen there; but not while a person types, nor through a dialog.
        return not (action == "switch_mode" and (isinstance(self.focused, Input) or self.screen.is_modal))

    def action_next_theme(self) -> None:
        """Use the next theme."""
        if self._colourless:
            self.notify("NO_COLOR is set: there is no other theme.", markup=False, timeout=3)
            return
        names = available_themes(self._config_dir)
        now = names.index(self.theme) if self.theme in names else -1
        self._choose_theme(names[(now + 1) % len(names)])
        self._complain()
        self.notify(f"Theme: {self.theme}", markup=False, timeout=2)

    def _complain(self) -> None:
        """Says what of the person's own settings could not be used."""
        while self._complaints:
            self.notify(self._complaints.pop(), markup=False, severity="warning", timeout=10)

    # What a person can do everywhere -------------------------------------------------------------------------------

    @work(group="help", exclusive=True, exit_on_error=False)
    async def action_help(self) -> None:
        """Show the keys of this screen. It has nothing that can fail."""
        from console.dialogs.help import HelpDialog

        title = next((title for _, mode, title in TABS if mode == self.current_mode), "")
        await self.push_screen_wait(HelpDialog(f"Keys: {title}", list(self.screen.active_bindings.values())))

    def action_repaint(self) -> None:
        """Paint the whole screen again."""
        self.repaint()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the screen that is shown, by its name."""
        # Its own screen is a dialog, through which the keys of the screens do not work.
        commands = {
            mode: SystemCommand(f"Go to {title}", f"key {key}", partial(self.switch_mode, mode))
            for key, mode, title in TABS
        }
        for active in screen.active_bindings.values():
            binding = active.binding
            words = active.tooltip or binding.tooltip
            if words and not binding.system and binding.action not in commands:
                run = self._runner(active.node, binding.action)
                commands[binding.action] = SystemCommand(words, f"key {self.get_key_display(binding)}", run)
        return commands.values()

    def _runner(self, node: object, action: str) -> Callable[[], object]:
        async def run() -> None:
            await self.run_action(action, node)  # type: ignore[arg-type]

        return run

    @on(AlertStrip.Followed)
    async def _explain(self, event: AlertStrip.Followed) -> None:
        await self.switch_mode(event.alert.screen)
        if isinstance(self.screen, ActivityScreen) and event.alert.view is not None:
            self.screen.view = event.alert.view

    @on(PoolsScreen.SessionsWanted)
    async def _show_sessions(self, event: PoolsScreen.SessionsWanted) -> None:
        await self.switch_mode("activity")
        if isinstance(self.screen, ActivityScreen):
            self.screen.show_only(event.words)


def run(settings: Settings, target: Target) -> int:
    """Shows the console until the person leaves. Returns the exit code: 3 when no connection ever came about.

    Raises `BadTheme` when the settings name a theme that there is not.
    """
    if settings.theme is not None:
        check_theme(settings.theme, platformdirs.user_config_path("dbconsole"))
    app = ConsoleApp(settings, target)
    app.run()
    if app._exception is not None:
        raise app._exception
    if app.return_code:
        return app.return_code
    problem = app.services.server.link.problem if app.services else None
    if app.was_connected or problem is None:
        return 0
    print(f"dbconsole: {visible(problem)}", file=sys.stderr)
    return CannotConnect.exit_code
