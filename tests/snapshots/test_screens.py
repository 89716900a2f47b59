"""Pictures of the whole console, with data and time standing still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest
from textual.pilot import Pilot

from console.settings import Settings
from console.themes import SHIPPED
from tests.fakes import LOST, REFUSED, FakeConsole

Step: TypeAlias = Callable[[Pilot[int]], Awaitable[None]]

SIZES = [(80, 24), (120, 40), (200, 60)]
SIZE_NAMES = [f"{columns}x{lines}" for columns, lines in SIZES]
DESIGN, SMALL = SIZES[1], SIZES[0]


class SnapCompare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(
        self, app: FakeConsole, terminal_size: tuple[int, int], run_before: Step | None = None
    ) -> bool: ...


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def keys(*pressed: str) -> Step:
    """Presses keys, each when the one before has had its effect."""

    async def press(pilot: Pilot[int]) -> None:
        await settle(pilot)
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)

    return press


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way any more; a dialog keeps the worker waiting that asked."""
    await pilot.pause()
    workers = [
        worker
        for worker in pilot.app.workers
        if worker.group not in {"stop", "help", "export", "plan", "reset"}
    ]
    if workers:
        await pilot.app.workers.wait_for_complete(workers)
    await pilot.pause()


def production(**changes: object) -> Settings:
    return Settings(theme="dark", environment="production", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_pools(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys())


@pytest.mark.parametrize("theme", SHIPPED)
def test_pools_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    settings = Settings(theme=theme, environment="production")
    assert snap_compare(FakeConsole(settings=settings), terminal_size=DESIGN, run_before=keys())


def test_pools_charts_in_a_small_terminal(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("c"))


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize(
    "pressed", [(), ("a",), ("b",), ("enter",)], ids=["running", "all", "blocking", "detail"]
)
def test_activity(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("2", *pressed))


@pytest.mark.parametrize("theme", SHIPPED)
def test_activity_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    settings = Settings(theme=theme, environment="staging", read_only=True)
    assert snap_compare(FakeConsole(settings=settings), terminal_size=SMALL, run_before=keys("2", "m", "m"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
@pytest.mark.parametrize("environment", ["development", "production"])
def test_the_question_before_a_change(
    snap_compare: SnapCompare, size: tuple[int, int], environment: str
) -> None:
    settings = Settings(theme="dark", environment=environment)
    assert snap_compare(FakeConsole(settings=settings), terminal_size=size, run_before=keys("2", "k"))


def test_the_filter(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("2", "slash", *"update", "enter"))


def test_help(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("2", "question_mark"))


def test_export(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=SMALL, run_before=keys("e"))


def test_stale(snap_compare: SnapCompare) -> None:
    app = FakeConsole(problem="The server did not answer in time: canceling statement.", age=12)
    assert snap_compare(app, terminal_size=DESIGN, run_before=keys("2"))


def test_lost(snap_compare: SnapCompare) -> None:
    app = FakeConsole(settings=production(), link=LOST, age=95)
    assert snap_compare(app, terminal_size=DESIGN, run_before=keys())


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_refused(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(link=REFUSED, empty=True), terminal_size=size, run_before=keys())


@pytest.mark.parametrize("pressed", [(), ("2",), ("2", "b")], ids=["pools", "running", "blocking"])
def test_a_quiet_server(snap_compare: SnapCompare, pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(quiet=True), terminal_size=SMALL, run_before=keys(*pressed))


def test_too_small(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(), terminal_size=(40, 10), run_before=keys())
