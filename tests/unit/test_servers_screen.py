"""The choice of servers on fake ones: what can be chosen, and what has to be said first."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot

from console.app import SERVERS
from console.errors import BadSetting
from console.models.environments import Destination, Kind
from console.screens.frame import Unfinished
from console.widgets.live_table import LiveTable
from tests.fakes import FakeConsole

SIZE = (120, 40)
STAGING = Destination(
    "staging", Kind.ENVIRONMENT, "config", SecretStr("host=s"), "staging", address="a@s:1/b"
)
PRODUCTION = Destination(
    "production", Kind.ENVIRONMENT, "config", SecretStr("host=p"), "production", address="a@p:1/b"
)
BROKEN = replace(STAGING, name="broken", address="", problem="It has [no] address.")
FOUND = (STAGING, PRODUCTION, BROKEN)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before has had its effect."""
    for key in ("", *keys):
        if key:
            await pilot.press(key)
        await pilot.pause()
        busy = [one for one in pilot.app.workers if one.group in ("servers", "start")]
        await pilot.app.workers.wait_for_complete(busy)
        await pilot.pause()


def chosen(app: FakeConsole) -> Destination | None:
    """Where it goes next."""
    return app.chosen


async def test_nothing_is_opened_before_a_server_is_chosen() -> None:
    app = FakeConsole(servers=FOUND, is_open=False)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "escape", "ctrl+o")
        assert app.current_mode == SERVERS
        assert app.services is None
        assert not [one for one in app.get_system_commands(app.screen) if one.title.startswith("Go to")]
        await press(pilot, "end", "enter")
        (said,) = app._notifications
        assert (said.message, said.markup) == ("It has [no] address.", False)
        assert chosen(app) is None
        await press(pilot, "slash", "p", "r", "o", "d", "enter")
        assert [one.name for one in app.screen.query_one(LiveTable).shown_rows] == ["production"]
        await press(pilot, "enter")
    assert (chosen(app), app.return_code) == (PRODUCTION, 0)


async def test_going_to_another_server_asks_where_it_would_interrupt_something() -> None:
    app = FakeConsole(servers=FOUND)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2")
        (command,) = [one for one in app.get_system_commands(app.screen) if "Switch environment" in one.title]
        await cast("Awaitable[None]", command.callback())
        await press(pilot)
        assert app.current_mode == SERVERS
        assert not app.activity_feed.is_watched
        await press(pilot, "escape")
        assert app.current_mode == "activity"
        app.screen.post_message(Unfinished("A migration runs."))
        await press(pilot, "ctrl+o", "enter")
        assert chosen(app) is None
        (said,) = app._notifications
        assert said.message == "A migration runs. enter again goes there."
        app.clear_notifications()
        await press(pilot, "escape", "q")
        (said,) = app._notifications
        assert said.message == "A migration runs. q again leaves.", "it still runs"
        await press(pilot, "ctrl+o", "enter")
        assert chosen(app) is None, "the other way was warned of"
        await press(pilot, "enter")
    assert (chosen(app), app.looked_at) == (STAGING, "activity")


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_config_file_that_cannot_be_used_is_said(is_open: bool) -> None:
    def refuse() -> tuple[Destination, ...]:
        raise BadSetting("It is broken.")

    app = FakeConsole(is_open=is_open)
    app._find_servers = refuse
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+o")
        if is_open:
            assert "It is broken." in str(app.screen.query_one(LiveTable)._empty)
    assert (app.refusal is None, app.return_code) == ((True, None) if is_open else (False, 2))
