"""Pictures of the tabs of API keys and of roles, and of their dialogs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot
from textual.screen import Screen

from console.dialogs.created_key import CreatedKeyDialog
from console.dialogs.paste_key import PasteKeyDialog
from console.models.api_keys import CreatedKey, KeyState, KeyVerdict
from console.themes import SHIPPED
from tests.fake_keys import NOW, api_key
from tests.fakes import FakeConsole
from tests.snapshots.test_screens import (
    DESIGN,
    SIZE_NAMES,
    SIZES,
    SMALL,
    SnapCompare,
    Step,
    production,
)

WAIT_FOR_A_PERSON = {"change", "menu", "run"}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way any more but what waits for a person."""
    await pilot.pause()
    workers = [worker for worker in pilot.app.workers if worker.group not in WAIT_FOR_A_PERSON]
    if workers:
        await pilot.app.workers.wait_for_complete(workers)
    await pilot.pause()


def keys(*pressed: str) -> Step:
    """Presses keys, each when the one before has had its effect."""

    async def press(pilot: Pilot[int]) -> None:
        await settle(pilot)
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)

    return press


def over_the_keys(dialog: Screen[Any], *pressed: str) -> Step:
    """Shows a dialog over the tab of keys and presses keys in it."""

    async def show(pilot: Pilot[int]) -> None:
        await keys("5", "i")(pilot)
        pilot.app.push_screen(dialog)
        await keys(*pressed)(pilot)

    return show


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("enter",), ("a",)], ids=["keys", "detail", "audit"])
def test_keys(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("5", "i", *pressed))


@pytest.mark.parametrize("theme", SHIPPED)
def test_keys_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    settings = production().model_copy(update={"theme": theme})
    assert snap_compare(
        FakeConsole(settings=settings), terminal_size=SMALL, run_before=keys("5", "i", "m", "m")
    )


def test_choosing_which_keys(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("5", "i", "f"))


def test_whose_key(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("5", "i", "n", *"grace"))


def test_a_new_key(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("5", "i", "n", "enter"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_a_created_key(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The key is made up for the picture."""
    key = SecretStr("dbc_live_" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    created = CreatedKey(key, api_key(), api_key("old", expires_at=NOW + timedelta(days=1)))
    step = over_the_keys(CreatedKeyDialog(created), "y", "escape")
    assert snap_compare(FakeConsole(settings=production()), terminal_size=size, run_before=step)


@pytest.mark.parametrize("pressed", [("r",), ("tab",), (*"a(b", "enter")], ids=["list", "json", "refused"])
def test_scopes(snap_compare: SnapCompare, pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("5", "i", "c", *pressed))


def test_a_pasted_key(snap_compare: SnapCompare) -> None:
    async def verify(pasted: SecretStr) -> KeyVerdict:
        return KeyVerdict(
            True, api_key(), KeyState.ACTIVE, "It is well formed, and it is dbc_live_9Kx001…: active."
        )

    step = over_the_keys(PasteKeyDialog(verify), "x", "enter", *"secret")
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=step)


def test_revoking_many(snap_compare: SnapCompare) -> None:
    app = FakeConsole(settings=production())
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("5", "i", "m", "m", "X", *"gone", "enter"))


def test_many_being_revoked(snap_compare: SnapCompare) -> None:
    app = FakeConsole()
    app.accounts.keys.may_go_on.clear()
    step = keys("5", "i", "m", "m", "X", *"gone", "enter", "tab", "enter")
    assert snap_compare(app, terminal_size=SMALL, run_before=step)


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("down", "down", "enter")], ids=["roles", "detail"])
def test_roles(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("5", "o", *pressed))


@pytest.mark.parametrize(
    "pressed",
    [("n",), ("n", "enter"), ("down", "down", "M"), ("down", "down", "D")],
    ids=["template", "new", "alter", "heir"],
)
def test_changing_roles(snap_compare: SnapCompare, pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("5", "o", *pressed))
