"""Pictures of screen 5: users, one in full, its form and its password, login sessions, the trail, what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.screens.accounts import AccountsScreen
from console.themes import SHIPPED
from tests.fake_accounts import NO_TABLES, OLD_TABLES
from tests.fakes import FakeConsole
from tests.snapshots.test_screens import DESIGN, SIZE_NAMES, SIZES, SMALL, SnapCompare, Step, production


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def keys(*pressed: str) -> Step:
    """Opens the screen and presses keys, each when the one before has had its effect; a dialog keeps a change waiting."""

    async def press(pilot: Pilot[int]) -> None:
        await settle(pilot)
        for key in ("5", *pressed):
            await pilot.press(key)
            await settle(pilot)

    return press


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way any more, and the list has its place on the screen."""
    await pilot.pause()
    awaited = {"start", "view", "load", "detail", "verify", "newest"}
    while workers := [one for one in pilot.app.workers if one.group in awaited and not one.is_finished]:
        await pilot.app.workers.wait_for_complete(workers)
        await pilot.pause()
    for screen in pilot.app.screen_stack:
        while isinstance(screen, AccountsScreen) and not (screen.pane and screen.pane.table.size.width):
            await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("enter",)], ids=["users", "detail"])
def test_users(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys(*pressed))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_the_form(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("m"))


def test_a_password_is_masked(snap_compare: SnapCompare) -> None:
    typed = "correct_horse_battery"
    assert snap_compare(
        FakeConsole(), terminal_size=SMALL, run_before=keys("p", *typed, "enter", *"other", "enter")
    )


def test_a_search_that_is_being_typed(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("slash", *"mem"))


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_sessions(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("l", "f", "enter"))


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("enter",)], ids=["trail", "detail"])
def test_the_trail(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("h", *pressed))


def test_a_broken_chain(snap_compare: SnapCompare) -> None:
    app = FakeConsole()
    app.accounts.trail.broken_at = 17
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("h", "v"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_without_tables(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(tables=NO_TABLES), terminal_size=size, run_before=keys())


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_an_older_installation(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(tables=OLD_TABLES), terminal_size=size, run_before=keys())


@pytest.mark.parametrize("theme", SHIPPED)
def test_users_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    settings = production().model_copy(update={"theme": theme})
    assert snap_compare(FakeConsole(settings=settings), terminal_size=SMALL, run_before=keys("enter"))


def test_deleting_in_production(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(settings=production()), terminal_size=SMALL, run_before=keys("D"))
