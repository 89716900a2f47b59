"""Pictures of the wait view: in colours, in sixteen of them, and in patterns where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.models.waits import WaitsSnapshot
from console.resources import folder
from console.screens.waits_panel import WaitsPanel
from console.themes import load_theme
from tests.snapshots.test_widgets import SnapCompare, looks_right
from tests.wait_samples import known_text, quiet, waits_snapshot


class Waits(App[None]):
    """The wait view alone on a screen."""

    CSS_PATH: ClassVar[list[str | Path]] = [
        folder("themes") / "widgets.tcss",
        folder("themes") / "waits.tcss",
    ]  # type: ignore[assignment]

    def __init__(self, theme: str, snapshot: WaitsSnapshot | None = None) -> None:
        super().__init__()
        self.register_theme(load_theme(theme, Path("/nonexistent")))
        self.theme = theme
        self._snapshot = snapshot or waits_snapshot()

    def compose(self) -> ComposeResult:
        yield WaitsPanel()

    def on_mount(self) -> None:
        self.screen.set_class(self.size.width >= 110, "-wide")
        panel = self.query_one(WaitsPanel)
        panel.missing_right = "GRANT pg_monitor TO dba shows it."
        panel.events.focus()

    def on_ready(self) -> None:
        self.query_one(WaitsPanel).show(self._snapshot, known_text)


@pytest.mark.parametrize("theme", ["dark", "sixteen"])
@pytest.mark.parametrize("size", [(120, 36), (80, 21)], ids=["120x36", "80x21"])
def test_all_waits(snap_compare: SnapCompare, theme: str, size: tuple[int, int]) -> None:
    assert looks_right(snap_compare, Waits(theme), size)


def test_without_colours(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert looks_right(snap_compare, Waits("dark"), (120, 36))


def test_one_event_by_statement(snap_compare: SnapCompare) -> None:
    async def choose(pilot: Pilot[None]) -> None:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()

    assert looks_right(snap_compare, Waits("light"), (120, 36), choose)


def test_old_samples(snap_compare: SnapCompare) -> None:
    async def age(pilot: Pilot[None]) -> None:
        await pilot.pause()
        pilot.app.screen.add_class("-stale")
        await pilot.pause()

    assert looks_right(snap_compare, Waits("dark"), (100, 30), age)


def test_what_a_role_may_not_see(snap_compare: SnapCompare) -> None:
    assert looks_right(snap_compare, Waits("dark", waits_snapshot(60, quiet, 12)), (80, 21))
