"""The composition root: modes, themes, keys, services."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast
from weakref import ref

import platformdirs
from textual import on, work
from textual._time import get_time
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.events import Event, Key
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Input

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import BadTheme, DbconsoleError
from console.models.server import LinkState
from console.resources import folder
from console.screens.asking import DialogAsker
from console.screens.frame import TABS, ConsoleScreen, SessionsWanted, Unfinished
from console.terminal.driver import ConsoleDriver
from console.terminal.painter import DeltaPainting
from console.terminal.printed import Printed
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
    from console.models.environments import Destination
    from console.screens.activity import ActivityScreen
    from console.screens.servers import ServerChosen, ServersRefused


Complain: TypeAlias = Callable[[str], None]
"""Takes a sentence about something of the person's own that could not be used."""

SERVERS = "servers"
"""The mode in which a server is chosen."""
_WARNING_SECONDS = 6.0
"""For so long it is said what leaving would interrupt, and somebody who leaves again means it."""


class ConsoleApp(DeltaPainting, App[int]):
    """The console on one server."""

    TITLE = "dbconsole"
    CSS_PATH: ClassVar[CSSPathType | None] = [
        folder("themes") / "widgets.tcss",
        folder("themes") / "frame.tcss",
    ]
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 5
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{key},f{key}", f"switch_mode({mode!r})", title, show=False, priority=True, id=f"screen.{mode}", tooltip=f"Go to {title}")
            for key, mode, title in TABS
        ),
        Binding("ctrl+o", "show_servers", "servers", show=False, id="servers", tooltip="Switch environment: go to another server"),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="suspend", tooltip="Go to the shell; fg comes back"),
        Binding("t", "next_theme", "theme", show=False, id="theme", tooltip="Use the next theme"),
        Binding("ctrl+l", "repaint", "repaint", show=False, id="repaint", tooltip="Paint the whole screen again"),
        Binding("question_mark", "help", "help", key_display="?", id="help", tooltip="Show the keys of this screen"),
        Binding("q", "quit", "quit", id="quit", tooltip="Leave"),
    ]  # fmt: skip

    def __init__(
        self,
        services: Callable[[Complain], Services] | None,
        *,
        servers: Callable[[], Sequence[Destination]] = tuple,
        theme: object = None,
        screen: object = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`services` gives the services of the target and may take its time: it is called in a thread after the first frame.

        It is handed a function for sentences about what could not be used, and raises `DbconsoleError` where the
        console cannot go on. Without it the console is there to choose one of `servers`, which is called in a thread
        too; whichever is chosen, this console ends, for it belongs to one server. `theme` and `screen` are wishes for
        the first frame, still unchecked.
        """
        self.clock = clock
        self.services: Services | None = None
        self.refusal: DbconsoleError | None = None
        self.was_connected = False
        self.chosen: Destination | None = None
        """The server to go to next."""
        self._make_services = services
        self._find_servers = servers
        self._connecting: asyncio.Task[None] | None = None
        self._unfinished: str | None = None
        self._warned: tuple[str, float] | None = None
        """How to leave all the same, and when that was said."""
        self._answered_at = 0.0
        # Weakly: what was typed, a password perhaps, and a dialog that is gone are not kept for it.
        self._keys_read: deque[tuple[ref[Key], ref[Screen[object]]]] = deque(maxlen=64)
        # Per console, not per class: its screens need its services.
        self.MODES = {  # type: ignore[misc]
            "pools": self._pools_screen,
            "activity": self._activity_screen,
            "slow": self._slow_screen,
            "migrations": self._migrations_screen,
            "accounts": self._accounts_screen,
            "spatial": self._spatial_screen,
            SERVERS: self._servers_screen,
        }
        self.looked_at = screen if isinstance(screen, str) and screen in self.MODES else TABS[0][1]
        self.DEFAULT_MODE = SERVERS if services is None else self.looked_at  # type: ignore[misc]
        # Textual chooses its filter for NO_COLOR before a theme is set: an ANSI theme keeps the terminal's defaults.
        self._colourless = "NO_COLOR" in os.environ
        super().__init__(driver_class=ConsoleDriver, ansi_color=True if self._colourless else None)
        self._capture_stdout, self._capture_stderr = Printed(self), Printed(self, stderr=True)
        self.animation_level = "none"
        self._config_dir = platformdirs.user_config_path("dbconsole")
        self._complaints: list[str] = []
        self._styled_with: dict[str, str] = {}
        known = isinstance(theme, str) and theme in available_themes(self._config_dir)
        self._choose_theme(str(theme) if known else default_theme(os.environ))

    # Each screen is imported when it is first shown.

    def _pools_screen(self) -> Screen[None]:
        from console.screens.pools import PoolsScreen

        return PoolsScreen(self.services, self.clock)

    def _activity_screen(self) -> Screen[None]:
        from console.screens.activity import ActivityScreen

        return ActivityScreen(self.services, self.clock)

    def _slow_screen(self) -> Screen[None]:
        from console.screens.slow import SlowScreen

        return SlowScreen(self.services, self.clock)

    def _migrations_screen(self) -> Screen[None]:
        from console.screens.migrations import MigrationsScreen

        return MigrationsScreen(self.services, self.clock)

    def _accounts_screen(self) -> Screen[None]:
        from console.screens.accounts import AccountsScreen

        return AccountsScreen(self.services, self.clock)

    def _spatial_screen(self) -> Screen[None]:
        from console.screens.spatial import SpatialScreen

        return SpatialScreen(self.services, self.clock)

    def _servers_screen(self) -> Screen[None]:
        from console.screens.servers import ServersScreen

        return ServersScreen(self._find_servers, lambda: self.services)

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
        if keys:
            from console.screens.keymap import keymap

            self.set_keymap(keymap(keys, ConsoleApp, self._complaints.append))

    # Connecting ---------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        # The first frame has been painted: what follows takes time to import, in a thread, and no key waits for it.
        if self._make_services is not None:
            self._start(self._make_services)

    @work(group="start", exclusive=True, exit_on_error=True)
    async def _start(self, make_services: Callable[[Complain], Services]) -> None:
        """Makes the services and begins to connect. Bad input ends the app with a sentence, a defect as defects do."""
        try:
            services = await asyncio.to_thread(make_services, self._complaints.append)
            if (theme := services.settings.theme) is not None:
                check_theme(theme, self._config_dir)
        except DbconsoleError as problem:
            self._refuse(problem)
            return
        self.services = services
        self._use_keys(services.settings.keys)
        services.server.passwords.asker = DialogAsker(self)
        services.server.on_link_change(self._link_changed)
        end_of_start()
        self._connecting = asyncio.create_task(services.server.keep_connected(), name="keep connected")
        for screen in self.screen_stack:
            if isinstance(screen, ConsoleScreen):
                screen.attach(services)
        self._complain()

    def _refuse(self, problem: DbconsoleError) -> None:
        self.refusal = problem
        self.exit(return_code=problem.exit_code)

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
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        # Choosing the theme asks for it before there is anything to see, when it would parse all styles once more; so
        # does, twice, each screen when it is first shown, whose styles have just been parsed.
        if not self.screen_stack:
            return
        if (variables := self.get_css_variables()) != self._styled_with:
            self._styled_with = variables
            super().refresh_css(animate)
        elif self.screen.is_mounted:
            self.stylesheet.update(self.screen, animate=animate)
            self.screen._css_update_count = self._css_update_count
            self.screen._refresh_layout(self.size)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # The keys of the screens are looked at before any other, so that what is typed right behind one finds its
        # screen there; but not while a person types, nor through a dialog, nor before there is a server.
        if action == "switch_mode":
            blocked = isinstance(self.focused, Input) or self.screen.is_modal
            return not blocked and self._make_services is not None
        if action == "leave_servers":
            return self._make_services is not None
        return not (action == "show_servers" and self.current_mode == SERVERS)

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

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            self._keys_read.append((ref(event), ref(self.screen)))
            if event.time < self._answered_at:
                return
        await super().on_event(event)

    def pop_screen(self) -> AwaitComplete:
        # Keys that were typed right behind an answer were meant for the box that has it, as the second of two enters.
        if isinstance(self.focused, Input):
            self._answered_at = get_time()
        return super().pop_screen()

    async def _on_key(self, event: Key) -> None:
        # A key reaches its command after those behind it have been looked at: one that was meant for a screen that
        # is not there any more is dropped, lest it do something else on another.
        screen = next((screen() for key, screen in self._keys_read if key() is event), self.screen)
        if screen is not self.screen:
            event.prevent_default()  # App's own handler, which Textual calls after this one

    def _complain(self) -> None:
        """Says what of the person's own settings could not be used."""
        while self._complaints:
            self.notify(self._complaints.pop(), markup=False, severity="warning", timeout=10)

    # What a person can do everywhere -------------------------------------------------------------------------------

    @work(group="help", exclusive=True, exit_on_error=False)
    async def action_help(self) -> None:
        """Show the keys of this screen. It has nothing that can fail."""
        from console.dialogs.help import HelpDialog

        title = self.screen.title or next((title for _, mode, title in TABS if mode == self.current_mode), "")
        await self.push_screen_wait(HelpDialog(f"Keys: {title}", list(self.screen.active_bindings.values())))

    async def action_show_servers(self) -> None:
        """Show the servers that there are."""
        self.looked_at = self.current_mode
        await self.switch_mode(SERVERS)

    async def action_leave_servers(self) -> None:
        """Go back to the server that is open."""
        await self.switch_mode(self.looked_at)

    def on_server_chosen(self, event: ServerChosen) -> None:
        """Ends this console for one on another server; where that would interrupt something, only when it is said twice."""
        from console.models.environments import Kind

        if self._may_leave("enter again goes there."):
            self.chosen = event.destination
            if isinstance(self._driver, ConsoleDriver):
                # The demo has to say things on the terminal before its console is there.
                self._driver.hands_over = event.destination.kind is not Kind.DEMO
            self.exit()

    def on_servers_refused(self, event: ServersRefused) -> None:
        """Ends a console that was there only to choose."""
        if self._make_services is None:
            self._refuse(event.problem)

    @on(Unfinished)
    def _note_unfinished(self, event: Unfinished) -> None:
        self._unfinished = event.sentence

    async def action_quit(self) -> None:
        """Leave; where that would interrupt something, only when it is said twice."""
        if self._may_leave("q again leaves."):
            self.exit()

    def _may_leave(self, how: str) -> bool:
        """Whether leaving interrupts nothing, or that was said a moment ago; if not, says what it would and how to do it."""
        now = self.clock.monotonic()
        warned, self._warned = self._warned, (how, now)
        if self._unfinished is None:
            return True
        if warned is not None and warned[0] == how and now - warned[1] < _WARNING_SECONDS:
            return True
        self.notify(f"{self._unfinished} {how}", markup=False, severity="warning", timeout=_WARNING_SECONDS)
        return False

    def action_help_quit(self) -> None:
        """Say which key leaves: ctrl+c may have been meant to copy."""
        self.notify("q leaves the console.", timeout=3)

    def action_repaint(self) -> None:
        """Paint the whole screen again."""
        self.repaint()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every command of the screen that is shown, by its name."""
        # Its own screen is a dialog, through which the keys of the screens do not work.
        commands = {
            mode: SystemCommand(f"Go to {title}", f"key {key}", partial(self.switch_mode, mode))
            for key, mode, title in (TABS if self._make_services is not None else ())
        }
        for active in screen.active_bindings.values():
            binding = active.binding
            words = active.tooltip or binding.tooltip
            if words and binding.id and binding.action not in commands:
                run = self._runner(active.node, binding.action)
                title = f"{binding.description}: {words}"
                commands[binding.action] = SystemCommand(title, f"key {self.get_key_display(binding)}", run)
        return commands.values()

    def _runner(self, node: object, action: str) -> Callable[[], object]:
        async def run() -> None:
            await self.run_action(action, node)  # type: ignore[arg-type]

        return run

    @on(AlertStrip.Followed)
    async def _explain(self, event: AlertStrip.Followed) -> None:
        await self.switch_mode(event.alert.screen)
        if event.alert.view is not None:
            self._activity.view = event.alert.view

    @on(SessionsWanted)
    async def _show_sessions(self, event: SessionsWanted) -> None:
        await self.switch_mode("activity")
        self._activity.show_only(event.words)

    @property
    def _activity(self) -> ActivityScreen:
        """The Activity screen, which has to be the one that is shown."""
        return cast("ActivityScreen", self.screen)


def end_of_start() -> None:
    """Collects garbage again, which `open_console` puts off: what is there by now will stay, and is never looked at."""
    gc.freeze()
    gc.enable()
