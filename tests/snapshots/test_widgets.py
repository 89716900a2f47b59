"""Pictures of the widgets, each theme once at the design size and once at the smallest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import sin
from pathlib import Path
from typing import ClassVar, Protocol

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widgets import Label

from console.resources import folder
from console.themes import SHIPPED, load_theme
from console.units import duration
from console.widgets.bars import Occupancy, OccupancyBar, Part, share_bar
from console.widgets.chart import Chart
from console.widgets.columns import Cell, Column
from console.widgets.curves import Series
from console.widgets.detail import DetailPane, Section
from console.widgets.key_line import KeyLine
from console.widgets.live_table import LiveTable
from console.widgets.loading import StillLoading
from console.widgets.tones import Tone

MORNING = 1_772_334_000.0
"""2026-03-01 03:00 UTC."""


class SnapCompare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: App[None], terminal_size: tuple[int, int], run_before: object = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Backend:
    pid: int
    state: str
    wait: str
    age: float
    user: str
    query: str

    @property
    def tone(self) -> Tone | None:
        return {"idle in tx": "warning", "blocked": "danger", "idle": "muted"}.get(self.state)  # type: ignore[return-value]


def state(row: Backend) -> Cell:
    return (row.state, row.tone) if row.tone else row.state


BACKENDS = [
    Backend(8123, "idle in tx", "Client:ClientRead", 131, "shop/app", "UPDATE orders SET state = $1"),
    Backend(
        8410,
        "blocked",
        "Lock:transactionid",
        118,
        "shop/app",
        "UPDATE orders SET state = $1 -- [red]not red[/]",
    ),
    Backend(9001, "active", "–", 0.2, "shop/app", "SELECT * FROM cart WHERE user_id = $1 AND state = 'open'"),
    Backend(
        9002,
        "active",
        "IO:DataFileRead",
        14,
        "shop/reports",
        "SELECT name FROM 商品 WHERE ナメ = '漢字' -- 😀 emoji",
    ),
    Backend(9003, "active", "–", 3, "shop/app", "SELECT 1 -- \x1b[31m\u202eesrever\x00"),
    *(
        Backend(9100 + pid, "idle", "Client:ClientRead", 4000 * pid, "shop/app", "COMMIT")
        for pid in range(30)
    ),
]

COLUMNS = [
    Column[Backend](
        "pid", "pid", lambda row: str(row.pid), 5, align="right", sort=lambda row: row.pid, priority=9
    ),
    Column[Backend]("state", "state", state, 10, priority=8),
    Column[Backend]("wait", "wait", lambda row: row.wait, 18, min_width=12, priority=7),
    Column[Backend](
        "age",
        "tx",
        lambda row: duration(row.age),
        6,
        align="right",
        sort=lambda row: row.age,
        descending_first=True,
        priority=6,
    ),
    Column[Backend]("share", "share", lambda row: share_bar(row.age / 120_000, 6), 6, priority=1),
    Column[Backend]("user", "db/user", lambda row: row.user, 12, priority=2),
    Column[Backend]("query", "query", lambda row: row.query, 120, min_width=20, flexible=True, priority=9),
]


class Gallery(App[None]):
    """Every widget, as the screens put them together."""

    CSS_PATH: ClassVar[list[str | Path]] = [folder("themes") / "widgets.tcss"]  # type: ignore[assignment]
    CSS = """
    #badge { width: 100%; color: $environment-production-text; background: $environment-production; padding: 0 1; }
    Chart { height: 9; margin: 1 0; }
    LiveTable { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter"),
        Binding("s", "sort", "sort"),
        Binding("k", "terminate", "terminate"),
        Binding("question_mark", "help", "help"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.register_theme(load_theme(theme, Path("/nonexistent")))
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield Label("PRODUCTION", id="badge")
        yield OccupancyBar()
        yield Chart("connections")
        yield LiveTable(COLUMNS, row_key=lambda row: row.pid, row_style=lambda row: row.tone)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(OccupancyBar).occupancy = Occupancy(
            (
                Part("active", 31, "accent"),
                Part("idle", 118),
                Part("idle in tx", 12, "warning"),
                Part("waiting", 6, "danger"),
            ),
            200,
            3,
        )
        times = [MORNING - 2 * (450 - index) for index in range(450)]
        total = [
            (at, None if 150 < index < 180 else 120 + 60 * sin(index / 40)) for index, at in enumerate(times)
        ]
        active = [(at, 30 + 20 * sin(index / 15)) for index, at in enumerate(times)]
        self.query_one(Chart).show([Series("total", total), Series("active", active)])
        table = self.query_one(LiveTable)
        table.update_rows(BACKENDS)
        table.sort_by("age")
        table.move_to(9001)
        table.toggle_mark()
        table.move_to(8410)
        table.sort_by("pid")
        table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "terminate" else True


class Details(App[None]):
    """A detail pane over a place that still waits for its data."""

    CSS = "DetailPane { height: 1fr; } StillLoading { height: 5; }"

    def compose(self) -> ComposeResult:
        yield DetailPane()
        yield StillLoading()

    def on_mount(self) -> None:
        self.register_theme(load_theme("dark", Path("/nonexistent")))
        self.theme = "dark"
        lines = [("pid", "8123"), ("application", "[bold]shop[/]"), ("client", "10.0.0.7:51422")]
        query = (
            "SELECT o.*, c.name\n  FROM orders o\n  JOIN 顧客 c ON c.id = o.customer -- \x1b]0;title\x07\n"
            + " WHERE a OR b" * 30
        )
        self.query_one(DetailPane).show(
            "backend 8123", [Section("session", tuple(lines)), Section("query", (("", query),))]
        )


async def settle(pilot: Pilot[None]) -> None:
    """Until the charts have been drawn: plotext is imported in a worker."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def looks_right(
    snap_compare: SnapCompare,
    app: App[None],
    size: tuple[int, int],
    prepare: Callable[[Pilot[None]], Awaitable[None]] = settle,
) -> bool:
    """Whether the picture is the recorded one. An app that could not start has a picture too: it does not count."""
    running: list[bool] = []

    async def run_before(pilot: Pilot[None]) -> None:
        await prepare(pilot)
        running.append(app.is_running)

    return snap_compare(app, terminal_size=size, run_before=run_before) and running == [True]


@pytest.mark.parametrize("theme", SHIPPED)
@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_widgets(snap_compare: SnapCompare, theme: str, size: tuple[int, int]) -> None:
    assert looks_right(snap_compare, Gallery(theme), size)


def test_old_data(snap_compare: SnapCompare) -> None:
    async def age(pilot: Pilot[None]) -> None:
        await settle(pilot)
        pilot.app.query_one(Chart).stale = True
        pilot.app.query_one(LiveTable).stale = True
        pilot.app.set_focus(None)
        await pilot.pause()

    assert looks_right(snap_compare, Gallery("dark"), (100, 30), age)


def test_details(snap_compare: SnapCompare) -> None:
    assert looks_right(snap_compare, Details(), (80, 24))


async def test_another_theme_repaints_everything() -> None:
    def colours(app: App[None]) -> list[list[tuple[str, str]]]:
        lines = [app.query_one(LiveTable).render_line(y) for y in range(5)]
        lines += [app.query_one(Chart).render_line(y) for y in range(5)]
        return [[(segment.text, str(segment.style)) for segment in line] for line in lines]

    changed, fresh = Gallery("dark"), Gallery("light")
    async with fresh.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        wanted = colours(fresh)
    async with changed.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert colours(changed) != wanted
        changed.register_theme(load_theme("light", Path("/nonexistent")))
        changed.theme = "light"
        await settle(pilot)
        assert colours(changed) == wanted
