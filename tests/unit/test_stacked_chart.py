from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from console.widgets.stacked_chart import StackedChart
from console.widgets.stacks import SOLID, Column, Layer, Piece, StackFrame, columns, rows
from console.widgets.time_axis import CLOSER_STEPS, nice_limit
from console.widgets.tones import TONES, Tone

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()


def times(count: int, step: float = 1.0, end: float = NOON) -> list[float]:
    """So many points in time, `step` seconds apart, the last one at `end`."""
    return [end - step * (count - 1 - index) for index in range(count)]


def layer(values: Sequence[float], fill: str = SOLID, tone: Tone = "accent", name: str = "IO") -> Layer:
    return Layer(name, values, fill, tone)


class ChartApp(App[None]):
    """A chart of one minute alone on a screen."""

    CSS = "StackedChart { height: 8; }"

    def compose(self) -> ComposeResult:
        yield StackedChart("active sessions", span=60)

    @property
    def chart(self) -> StackedChart:
        return self.query_one(StackedChart)

    @property
    def text(self) -> list[str]:
        return [self.chart.render_line(y).text.rstrip() for y in range(8)]


@asynccontextmanager
async def shown(
    at: Sequence[float], *layers: Layer, width: int = 64
) -> AsyncIterator[tuple[ChartApp, Pilot[None]]]:
    app = ChartApp()
    async with app.run_test(size=(width, 10)) as pilot:
        app.chart.show(at, layers)
        await pilot.pause()
        yield app, pilot


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC."""
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


# The chart


async def test_a_chart_names_its_layers_from_the_top_and_labels_its_axes() -> None:
    running = layer([2] * 60, "░", "success", "running")
    async with shown(times(60), running, layer([1] * 59 + [4], "█", "danger", "Lock")) as (app, _):
        text = app.text
    assert text[0] == "active sessions  █ Lock 4  ░ running 2"
    assert [line[:4] for line in text[1:7]] == ["6.0┤", "   │", "   │", "3.0┤", "   │", "  0┤"]
    assert text[7].startswith("   └")
    assert text[7].endswith(" 12:00")


async def test_layers_lie_on_each_other() -> None:
    running = layer([2] * 60, "░", "success", "running")
    async with shown(times(60), running, layer([2] * 60, "▒", name="IO")) as (app, _):
        column = [line[40] for line in app.text[1:7]]
    assert column == ["▒", "▒", "▒", "░", "░", "░"]


async def test_where_the_names_need_the_room_the_title_goes() -> None:
    layers = [layer([1] * 60, name=f"a wait of some kind {number}") for number in range(2)]
    async with shown(times(60), *layers) as (app, _):
        assert app.text[0] == "  █ a wait of some kind 1 1  █ a wait of some kind 0 1"


async def test_without_values_a_chart_says_so() -> None:
    async with shown([]) as (app, _):
        assert app.text[:2] == ["active sessions", "No values yet."]


async def test_when_nobody_is_active_the_axis_is_there() -> None:
    async with shown(times(60)) as (app, _):
        assert [line.rstrip() for line in app.text[1:7]] == ["1.0┤", "   │", "   │", "0.5┤", "   │", "  0┤"]


async def test_a_name_cannot_steer_the_terminal() -> None:
    async with shown(times(60), layer([1] * 60, name="a\x1b[31m[b]")) as (app, _):
        assert "a␛[31m[b] 1" in app.text[0]


async def test_edges_between_colours_are_exact() -> None:
    running = layer([1.5] * 60, tone="success")
    async with shown(times(60), running, layer([2.5] * 60, tone="danger")) as (app, _):
        strip = app.chart.render_line(4)
        cell = next(iter(strip.crop(40, 41)))
        below = next(iter(app.chart.render_line(5).crop(40, 41)))
        above = next(iter(app.chart.render_line(3).crop(40, 41)))
    assert (cell.text, below.text, above.text) == ("▂", "█", "█")
    assert cell.style is not None
    assert below.style is not None
    assert above.style is not None
    assert cell.style.color == below.style.color
    assert cell.style.bgcolor == above.style.color


async def test_only_the_lines_that_changed_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [2] * 60 + [4] * 4
    async with shown(times(60), layer(values[:60])) as (app, pilot):
        painted: list[int] = []
        render_line = StackedChart.render_line

        def spy(chart: StackedChart, y: int) -> Strip:
            painted.append(y)
            return render_line(chart, y)

        monkeypatch.setattr(StackedChart, "render_line", spy)
        app.chart.show(times(60), [layer(values[:60])])
        await pilot.pause()
        assert painted == [], "the same values are the same picture"

        app.chart.show(times(61, end=NOON + 1), [layer([*values[:60], 2])])
        await pilot.pause()
        assert painted == list(range(1, 7)), "neither the names nor the axis"

        app.chart.display = False
        await pilot.pause()
        painted.clear()
        app.chart.show(times(62, end=NOON + 2), [layer(values[:62])])
        await pilot.pause()
        assert painted == []


async def test_old_data_is_greyed() -> None:
    async with shown(times(60), layer([1] * 60)) as (app, pilot):
        fresh = app.chart.styles.opacity
        app.chart.stale = True
        await pilot.pause()
        assert (fresh, app.chart.styles.opacity) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("maximum", "limit"), [(1, 1), (2.1, 3), (4.5, 6), (11, 15), (21, 30), (99, 100), (101, 150), (801, 1000)]
)
def test_the_limit_lies_close_above_the_values(maximum: float, limit: float) -> None:
    assert nice_limit(maximum, steps=CLOSER_STEPS) == limit


# What is in a column


def values_of(found: Sequence[Column]) -> list[float | None]:
    return [None if column is None else column[0] for column in found]


def test_a_column_is_the_mean_of_its_points() -> None:
    _, found = columns(times(40, end=NOON - 1), [layer([0, 1, 2, 7] * 10)], 12, 48)
    assert [value for value in values_of(found) if value is not None] == [2.5] * 10


def test_where_columns_are_narrow_a_point_stands_for_what_follows() -> None:
    _, found = columns(times(6, end=NOON), [layer([1, 2, 3, 4, 5, 6])], 20, 10)
    known = [value for value in values_of(found) if value is not None]
    assert known == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]


def test_a_pause_is_a_gap() -> None:
    at = [*times(5, end=NOON - 20), *times(5)]
    _, found = columns(at, [layer([1] * 10)], 60, 60)
    known = "".join("·" if value is None else "█" for value in values_of(found)).strip("·")
    assert known == "█████" + "·" * 15 + "█████"


def test_points_further_apart_from_a_moment_on_are_no_gap() -> None:
    at = [*times(5, end=NOON - 50), *times(5, step=10)]
    _, found = columns(at, [layer([1] * 10)], 60, 120)
    assert None not in values_of(found)[-32:-6]


def test_what_lies_before_the_left_edge_is_left_out() -> None:
    start, found = columns(times(100), [layer([9] * 39 + [1] * 61)], 60, 60)
    assert set(values_of(found)) <= {1, None}
    assert start > NOON - 60


def test_the_picture_moves_in_strides_and_only_the_newest_column_changes() -> None:
    at, values = times(700), [float(index % 13) for index in range(700)]
    seen = [columns(at[:count], [layer(values[:count])], 60, 600) for count in range(600, 700)]
    assert sorted({start for start, _ in seen}) == [seen[0][0], seen[0][0] + 50], (
        "a stride is 5 columns of 10 s"
    )
    standing = [(before, after) for (start, before), (now, after) in pairwise(seen) if start == now]
    assert len(standing) == 98
    for before, after in standing:
        newest = max(index for index, column in enumerate(after) if column is not None)
        assert {index for index in range(60) if before[index] != after[index]} <= {newest}


# The picture


def picture(
    *found: Column, fills: Sequence[str] = (SOLID,) * 4, height: int = 3, limit: float = 3.0
) -> list[str]:
    frame = StackFrame(len(found), height, limit, 0.0, 1.0, found, tuple(fills), TONES[: len(fills)])
    return ["".join(piece.text for piece in line) for line in rows(frame)]


def test_the_upper_edge_is_exact() -> None:
    assert picture((0.0,), (0.01,), (0.5,), (1.0,), (1.25,), (2.875,), (3.0,)) == [
        "     ▇█",
        "    ▂██",
        " ▁▄████",
    ]


def test_nothing_known_is_blank() -> None:
    assert picture(None, (1.0,)) == ["  ", "  ", " █"]


def test_what_is_higher_than_the_limit_ends_at_the_edge() -> None:
    assert picture((9.0,)) == ["█", "█", "█"]


def test_patterns_fill_whole_cells() -> None:
    column = (1.0, 1.4)
    assert picture(column, (0.1, 0.0), (1.0, 0.6), fills=("░", "▓")) == ["   ", "▓ ▓", "░░░"]


def test_a_pattern_below_a_solid_layer_leaves_its_edge_exact() -> None:
    assert picture((1.0, 0.25), fills=("░", SOLID)) == [" ", "▂", "░"]


def pieces(column: Column) -> list[Piece]:
    frame = StackFrame(1, 1, 1.0, 0.0, 1.0, (column,), (SOLID,) * 4, TONES[:4])
    return rows(frame)[0]


def test_a_cell_shows_the_two_layers_that_have_most_of_it() -> None:
    assert pieces((0.25, 0.75)) == [Piece("▂", 0, 1)]
    assert pieces((0.5, 0.0, 0.5)) == [Piece("▄", 0, 2)]
    assert pieces((0.25, 0.125, 0.625)) == [Piece("▂", 0, 2)]
    assert pieces((0.125, 0.5, 0.25)) == [Piece("▇", 1, None)], "at the upper edge the background is seen"
    assert pieces((0.0, 1.0)) == [Piece("█", 1, None)]
