"""Screen 1, Pools: where connections pile up, and what the databases do."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.models.pools import ConnectionGroup, ConsolePool, DatabaseActivity, Grouping, PoolsSnapshot
from console.models.reading import Point, Reading
from console.resources import folder
from console.screens.frame import ConsoleScreen, SessionsWanted
from console.screens.pools_columns import DATABASE_COLUMNS, group_columns, group_tone
from console.units import duration, rate
from console.widgets.bars import Occupancy, OccupancyBar, Part
from console.widgets.chart import Chart
from console.widgets.curves import Series
from console.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services

SPANS = (120.0, 300.0, 900.0, 3600.0)
"""What the charts show at first, in seconds, before there is enough for all that the settings want."""

_GROUPINGS = tuple(Grouping)


class PoolsScreen(ConsoleScreen[PoolsSnapshot]):
    """Connections of the server and of the console, broken down; the databases; charts over time."""

    MODE = "pools"
    AUTO_FOCUS = "#groups"
    CSS_PATH = folder("themes") / "pools.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "next_grouping", "break down", id="pools.grouping", tooltip="Break down by the next of application, user, database, client"),
        Binding("c", "charts", "charts", id="pools.charts", tooltip="Show or hide the charts"),
        Binding("tab", "app.focus_next", "other table", show=False, tooltip="Go to the other table, or to the alerts"),
        Binding("escape", "back", "back", show=False, tooltip="Remove the filter"),
        *ConsoleScreen.COMMON_BINDINGS,
    ]  # fmt: skip

    grouping: reactive[Grouping] = reactive(Grouping.APPLICATION)

    def compose_body(self) -> Iterable[Widget]:
        yield OccupancyBar(id="occupancy")
        yield Static(id="console-pool", markup=False)
        with Container(id="upper"):
            yield LiveTable[ConnectionGroup](
                group_columns(self.grouping), lambda group: group.name, row_style=group_tone, id="groups"
            )
            yield Chart(id="connections-chart")
        with Container(id="lower"):
            yield LiveTable[DatabaseActivity](
                DATABASE_COLUMNS, lambda database: database.name, id="databases"
            )
            yield Chart("commits/s", format_value=rate, id="commits-chart")

    @property
    def _span(self) -> float:
        return self.services.settings.history_minutes * 60.0 if self.services else SPANS[0]

    @property
    def groups(self) -> LiveTable[ConnectionGroup]:
        """The breakdown."""
        return self.query_one("#groups", LiveTable)

    @property
    def databases(self) -> LiveTable[DatabaseActivity]:
        """The databases."""
        return self.query_one("#databases", LiveTable)

    def on_mount(self) -> None:
        super().on_mount()
        self.databases.sort_by("commits")

    def feed_of(self, services: Services) -> Feed[PoolsSnapshot]:
        return services.pools_feed

    def show(self, snapshot: PoolsSnapshot, reading: Reading[PoolsSnapshot]) -> None:
        self.query_one(OccupancyBar).occupancy = _occupancy(snapshot)
        self.query_one("#console-pool", Static).update(_console_pool(snapshot.console_pool), layout=False)
        self.groups.show_when_empty(Content("Nobody else is connected."))
        self.groups.update_rows(snapshot.groups[self.grouping])
        self.databases.update_rows(snapshot.databases)
        self.show_charts(reading.history)

    def show_charts(self, history: tuple[Point, ...]) -> None:
        """Draws the charts, where they have room; their span grows in steps with what there is to show."""
        age = (history[-1].at - history[0].at).total_seconds() if history else 0.0
        span = next((step for step in SPANS if age <= step < self._span), self._span)
        for chart in self.query(Chart):
            chart.stale = self.reading is not None and not self.reading.is_live
        self.query_one("#connections-chart", Chart).show(
            [_series(history, name) for name in ("total", "active", "in tx", "wait")], span=span
        )
        self.query_one("#commits-chart", Chart).show([_series(history, "commits")], span=span)

    def watch_grouping(self) -> None:
        if not self.is_mounted:
            return
        self.groups.replace_columns(group_columns(self.grouping))
        if self.reading is not None and self.reading.snapshot is not None:
            self.groups.update_rows(self.reading.snapshot.groups[self.grouping])

    def action_next_grouping(self) -> None:
        """Break the connections down by the next thing."""
        following = _GROUPINGS.index(self.grouping) + 1
        self.grouping = next(islice(_GROUPINGS, following % len(_GROUPINGS), None))

    def action_charts(self) -> None:
        """Show or hide the charts; in a narrow terminal they take the tables' place."""
        self.toggle_class("-charts")

    def action_back(self) -> None:
        """Remove the filter."""
        self.filter_by("")

    @on(LiveTable.RowSelected)
    def _show_sessions(self, event: LiveTable.RowSelected) -> None:
        self.post_message(SessionsWanted(event.row.name))


def _series(history: tuple[Point, ...], name: str) -> Series:
    return Series(name, [(point.at, point.values.get(name)) for point in history])


def _occupancy(snapshot: PoolsSnapshot) -> Occupancy:
    counts = snapshot.counts
    own = snapshot.vitals.connections - counts.total
    parts = [
        Part("active", counts.active, "success"),
        Part("waiting", counts.waiting, "danger"),
        Part("idle in tx", counts.in_transaction, "warning"),
        Part("idle", counts.idle, "accent"),
    ]
    if counts.other:
        parts.append(Part("other", counts.other, "muted"))
    return Occupancy(
        (*parts, Part("console", own, "muted")),
        snapshot.vitals.max_connections,
        snapshot.superuser_reserved + snapshot.reserved,
    )


def _console_pool(pool: ConsolePool) -> Content:
    figures = (
        f"open {pool.open_connections} of {pool.max_open_connections} · in use {pool.in_use} · idle {pool.idle} · "
        f"waits {pool.wait_count} ({duration(pool.wait_duration)}) · closed: idle {pool.max_idle_closed}, "
        f"idle time {pool.max_idle_time_closed}, lifetime {pool.max_lifetime_closed}"
    )
    return Content.styled("this console  ", "bold") + Content.styled(figures, "$text-muted")
