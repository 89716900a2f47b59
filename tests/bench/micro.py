"""`python -m tests.bench.micro`: what single pieces of the console cost inside its own process, in CPU milliseconds."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import plotext
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from console.data.services import services_for
from console.models.activity import Session, SessionKey, SessionState
from console.screens.activity_columns import SESSION_COLUMNS
from console.settings import Settings
from console.targets import resolve
from console.terminal.painter import Painter
from console.widgets.curves import Series, draw, frame
from console.widgets.live_table import LiveTable
from tests.bench.contestants import CONSOLE
from tests.bench.scene import MANY_IDLE, Scene
from tests.bench.terminal import COLUMNS, LINES

_ROUNDS = 20
_ROWS = 10_000
_CHANGES = 30
_CHART = (100, 20)
_CURVES, _POINTS = 3, 300


def main() -> None:
    """Measures, and prints a line for each piece."""
    asyncio.run(_table())
    _painter()
    _chart()
    with Scene((CONSOLE.role,)) as scene:
        scene.fill(MANY_IDLE)
        asyncio.run(_sample(scene.url(CONSOLE.role)))


def _say(name: str, seconds: list[float]) -> None:
    median, most = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"{name:60} {median:7.2f} ms   (at most {most:.2f})", flush=True)


def _time(work: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return taken


async def _time_async(work: Callable[[], Awaitable[object]]) -> list[float]:
    taken = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        await work()
        taken.append(time.process_time() - began)
    return taken


class _TableApp(App[None]):
    """The table of the Activity screen, alone."""

    def compose(self) -> ComposeResult:
        yield LiveTable[Session](SESSION_COLUMNS, lambda session: session.key)


async def _table() -> None:
    chance = random.Random(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sessions = [_session(number, start, chance) for number in range(_ROWS)]
    app = _TableApp()
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:
        table = app.query_one(LiveTable)
        table.sort_by("query")

        async def update() -> None:
            older = chance.uniform(1.9, 2.1)
            rows = [replace(session, query_age=(session.query_age or 0.0) + older) for session in sessions]
            began = time.process_time()
            table.update_rows(rows)
            given.append(time.process_time() - began)
            await pilot.pause()
            drawn.append(time.process_time() - began)

        given: list[float] = []
        drawn: list[float] = []
        for _ in range(_ROUNDS):
            await update()
    _say(f"table: update_rows, {_ROWS:,} rows, sorted", given)
    _say("table: the same until drawn (stock painting)", drawn)


def _session(number: int, start: datetime, chance: random.Random) -> Session:
    age = chance.uniform(0, 3600)
    return Session(
        key=SessionKey(number, start + timedelta(seconds=number)),
        database="shop",
        user="app",
        application="checkout",
        client="10.0.0.1",
        backend_type="client backend",
        is_client=True,
        state=SessionState.ACTIVE,
        wait_event_type=None,
        wait_event=None,
        connection_age=age,
        transaction_age=age,
        query_age=age,
        state_age=age,
        wait_age=None,
        blocked_by=(),
        blocks=0,
        query=f"REFRESH MATERIALIZED VIEW sales_{number}",
        is_hidden=False,
    )


def _painter() -> None:
    chance = random.Random(1)
    style = Style.parse("#c0c0c0 on #101010")
    cells = [[chance.randrange(10**6) for _ in range(15)] for _ in range(LINES)]
    painter = Painter(ColorSystem.TRUECOLOR)
    sent = []

    def change() -> LayoutUpdate:
        for _ in range(_CHANGES):
            cells[chance.randrange(LINES)][chance.randrange(15)] = chance.randrange(10**6)
        strips: list[Iterable[Strip]] = [
            [Strip([Segment(f"{number:>7} ", style) for number in row], COLUMNS)] for row in cells
        ]
        return LayoutUpdate(strips, Region(0, 0, COLUMNS, LINES))

    taken = []
    painter.frame(change(), (0, 0))
    for _ in range(_ROUNDS):
        update = change()
        began = time.process_time()
        sent.append(len(painter.frame(update, (0, 0))))
        taken.append(time.process_time() - began)
    _say(f"painter: a frame with {_CHANGES} changed cells ({statistics.median(sent):.0f} bytes)", taken)


def _chart() -> None:
    chance = random.Random(1)
    now = time.time()
    series = [
        Series(str(number), [(now - 3 * point, chance.uniform(0, 100)) for point in reversed(range(_POINTS))])
        for number in range(_CURVES)
    ]
    width, height = _CHART
    picture = frame(series, width, height, 900.0, 100.0)
    draw(plotext, picture)
    name = f"chart: {_CURVES}×{_POINTS} points at {width}×{height}"
    _say(f"{name}, what is in it", _time(lambda: frame(series, width, height, 900.0, 100.0)))
    _say(f"{name}, drawn", _time(lambda: draw(plotext, picture)))


async def _sample(url: str) -> None:
    services = services_for(resolve(url, {}), Settings())
    await services.server.connect()
    try:
        for wanted in (False, True):
            services.activity.with_idle = wanted
            await services.activity.sample()  # prepares the statement
            texts = "with" if wanted else "without"
            _say(
                f"activity: sample of {MANY_IDLE} sessions {texts} idle queries",
                await _time_async(services.activity.sample),
            )
    finally:
        await services.close()


if __name__ == "__main__":
    main()
