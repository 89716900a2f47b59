from __future__ import annotations

import importlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from console.units import bytes_binary
from console.widgets import chart as chart_module
from console.widgets import curves
from console.widgets.chart import Chart
from console.widgets.curves import Series, frame
from console.widgets.time_axis import nice_limit, steady_limit, time_axis

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def points(
    values: Sequence[float | None], end: datetime = NOON, step: float = 1.0
) -> list[tuple[datetime, float | None]]:
    """The values as points `step` seconds apart, the last one at `end`."""
    return [
        (end - timedelta(seconds=step * (len(values) - 1 - index)), value)
        for index, value in enumerate(values)
    ]


class ChartApp(App[None]):
    """A chart alone on a screen."""

    CSS = "Chart { height: 8; }"

    def compose(self) -> ComposeResult:
        yield Chart("connections", span=60)

    @property
    def chart(self) -> Chart:
        return self.screen_stack[0].query_one(Chart)

    @property
    def text(self) -> list[str]:
        return [self.chart.render_line(y).text.rstrip() for y in range(8)]


@asynccontextmanager
async def shown(*series: Series, maximum: float | None = None) -> AsyncIterator[tuple[ChartApp, Pilot[None]]]:
    app = ChartApp()
    async with app.run_test(size=(64, 10)) as pilot:
        app.chart.show(series, maximum)
        await pilot.pause()
        await app.workers.wait_for_complete()
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


async def test_a_chart_names_its_curves_and_labels_its_axes() -> None:
    async with shown(Series("total", points([5, 10, 20])), Series("active", points([1, 2, 3]))) as (app, _):
        text = app.text
        assert text[0] == "connections  ━ total 20  ━ active 3"
        assert [line[:3] for line in text[1:7]] == ["20┤", "  │", "  │", "10┤", "  │", " 0┤"]
        assert text[7].startswith("  └")
        assert text[7].endswith(" 12:00")


async def test_the_curve_reaches_from_the_lower_to_the_upper_edge() -> None:
    async with shown(Series("total", points([0.0] * 30 + [20.0] * 30)), maximum=20) as (app, _):
        text = app.text
        assert set(text[6][3:28]) == set("⣀"), "nothing is the lowest dot"
        assert set(text[1][-25:-1]) == set("⠉"), "the maximum is the highest dot"


async def test_a_gap_in_the_values_is_a_gap_in_the_curve() -> None:
    async with shown(Series("total", points([1.0] * 20 + [None] * 20 + [1.0] * 20)), maximum=1) as (app, _):
        before, after = app.text[1][3:].split()
        gap = app.text[1][3:].count(" ")
        assert set(before + after) <= set("⠉⠈⠁")
        assert abs(gap - 20) <= 2


async def test_without_values_a_chart_says_so() -> None:
    async with shown(Series("total", points([None, None]))) as (app, _):
        assert app.text[0] == "connections  ━ total –"
        assert app.text[1] == "No values yet."


async def test_a_chart_that_cannot_be_drawn_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> ModuleType:
        raise ImportError(f"{name} has\x1b no kernel")

    monkeypatch.setattr(chart_module, "_plotext", None)
    monkeypatch.setattr(importlib, "import_module", fail)
    async with shown(Series("total", points([1.0, 2.0]))) as (app, _):
        assert "Charts cannot be drawn here: plotext has␛ no kernel" in "\n".join(app.text)
        assert app.text[0] == "connections  ━ total 2"


async def test_a_chart_is_drawn_only_when_its_picture_changes_and_it_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[curves.Frame] = []

    def count(plotext: ModuleType, picture: curves.Frame) -> list[list[curves.Piece]]:
        drawn.append(picture)
        return curves.draw(plotext, picture)

    monkeypatch.setattr(chart_module, "draw", count)
    values = [float(value % 7) for value in range(60)]
    async with shown(Series("total", points(values))) as (app, pilot):
        assert len(drawn) == 1
        painted: list[int] = []
        render_line = Chart.render_line

        def spy(chart: Chart, y: int) -> Strip:
            painted.append(y)
            return render_line(chart, y)

        monkeypatch.setattr(Chart, "render_line", spy)
        app.chart.show([Series("total", points(values))])
        await pilot.pause()
        assert len(drawn) == 1, "the same values are the same picture"
        assert painted == []

        await app.push_screen(Screen())
        app.chart.show([Series("total", points([*values, 3.0]))])
        await pilot.pause()
        assert len(drawn) == 1, "behind another screen nothing is drawn"

        app.pop_screen()
        await pilot.pause()
        assert len(drawn) == 2

        app.chart.display = False
        app.chart.show([Series("total", points([*values, 5.0]))])
        await pilot.pause()
        assert len(drawn) == 2, "hidden, nothing is drawn"


def test_the_picture_moves_in_strides() -> None:
    values = [float(value % 13) for value in range(700)]
    starts = [
        frame([Series("total", points(values, NOON + timedelta(seconds=shift)))], 60, 5, 600, 10).start
        for shift in range(0, 101, 10)
    ]
    assert starts[0] == NOON.timestamp() + 50 - 600, "with room for five new cells of 10 s"
    assert [start - starts[0] for start in starts] == [0, 0, 0, 0, 0, 50, 50, 50, 50, 50, 100]


def test_while_it_stands_only_the_newest_column_changes() -> None:
    values = [float(value % 13) for value in range(600)]
    before = frame([Series("total", points(values))], 60, 5, 600, 10)
    after = frame([Series("total", points([*values, 99.0], NOON + timedelta(seconds=1)))], 60, 5, 600, 10)
    assert before.start == after.start
    assert before.curves[0][0][:-1] == after.curves[0][0][:-1]
    assert before.curves[0][0][-1] != after.curves[0][0][-1]


def test_the_first_curve_lies_over_the_others() -> None:
    one = Series("total", points([float(value) for value in range(60)]))
    picture = frame([one, one], 40, 5, 60, 60)
    lines = curves.draw(importlib.import_module("plotext"), picture)
    assert {piece.curve for line in lines for piece in line if piece.text.strip()} == {0}


def test_a_short_peak_is_not_lost() -> None:
    picture = frame([Series("total", points([1.0] * 300 + [50.0] + [1.0] * 299))], 20, 5, 600, 50)
    assert max(value for run in picture.curves[0] for _, value in run) == 50


def test_the_time_axis_is_in_round_times_that_fit() -> None:
    picture = frame([Series("total", points([1.0] * 900))], 100, 5, 900, 1)
    axis = time_axis(picture)
    assert len(axis) == 100
    assert axis.split() == ["11:48", "11:50", "11:52", "11:54", "11:56", "11:58", "12:00"]


@pytest.mark.parametrize(
    ("maximum", "limit"),
    [
        (0, 1),
        (0.3, 0.5),
        (1, 1),
        (1.1, 2),
        (3, 5),
        (99, 100),
        (100, 100),
        (101, 200),
        (1000, 1000),
        (1001, 2000),
        (48_100, 50_000),
    ],
)
def test_the_limit_of_an_axis_is_round(maximum: float, limit: float) -> None:
    assert nice_limit(maximum) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("maximum", "label"),
    [
        (700, "1.0 KiB"),
        (3 * 1024, "5.0 KiB"),
        (600 * 1024, "1.0 MiB"),
        (150 * 1024**2, "200 MiB"),
        (3 * 1024**3, "5.0 GiB"),
    ],
)
def test_the_limit_of_an_axis_of_bytes_is_round_in_binary_units(maximum: float, label: str) -> None:
    assert bytes_binary(nice_limit(maximum, 1024)) == label


def test_the_limit_grows_at_once_and_shrinks_late() -> None:
    limit = 0.0
    seen = []
    for maximum in (90, 101, 99, 81, 50, 39, 45):
        limit = steady_limit(limit, maximum)
        seen.append(limit)
    assert seen == [100, 200, 200, 200, 50, 50, 50]
