"""The wait view: what it shows, and how one goes deeper and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from console.models.waits import (
    OTHER_QUERIES,
    ActiveQuery,
    Activity,
    Layer,
    QueryFacts,
    WaitEvent,
    WaitSample,
    WaitsSnapshot,
)
from console.resources import folder
from console.screens.waits_columns import PLACE_LOOKS, keep_places
from console.screens.waits_panel import WaitsPanel
from console.screens.waits_view import LookedAt, WaitsView, view_of
from console.widgets.live_table import LiveTable
from console.widgets.stacked_chart import StackedChart
from tests.wait_samples import (
    CART,
    COUNT,
    EVIL,
    FACTS,
    LOCK,
    NOW,
    READ,
    RUNNING,
    TUPLE,
    UNNAMED,
    UPDATE,
    known_text,
    quiet,
    waits_snapshot,
)

# What there is to show


def view(looked_at: LookedAt | None = None, *, solid: bool = False) -> WaitsView:
    return view_of(waits_snapshot(), looked_at or LookedAt(), known_text, solid=solid)


def test_at_first_all_waits_are_shown_by_class() -> None:
    shown = view()
    assert [(layer.name, layer.fill, layer.tone) for layer in shown.layers] == [
        ("running", "░", "success"),
        ("IO", "▒", "accent"),
        ("Client", ":", "muted"),
        ("LWLock", "▓", "warning"),
        ("Lock", "█", "danger"),
    ]
    assert len(shown.samples) == 270
    assert [row.name for row in shown.events][:3] == ["running", "Lock:transactionid", "LWLock:WALWrite"]
    assert shown.events[1].look == ("█", "danger")
    assert sum(row.load.load.share for row in shown.events) == pytest.approx(1)
    total = sum(activity.sessions for sample in shown.samples for activity in sample.activities)
    assert shown.sessions == pytest.approx(total / 270)
    assert sum(sum(layer.values) for layer in shown.layers) == total


def test_with_colours_layers_are_solid_and_their_rows_too() -> None:
    shown = view(solid=True)
    assert {layer.fill for layer in shown.layers} == {"█"}
    assert {row.look[0] for row in shown.events if row.look} == {"█"}
    assert len({layer.tone for layer in shown.layers}) == 5


def test_a_statement_has_the_text_that_is_known_else_the_one_that_was_seen() -> None:
    texts = {row.load.query: row.text for row in view().statements}
    assert texts[UPDATE] == "UPDATE orders SET state = $1 WHERE id = $2"
    assert texts[COUNT] == "SELECT count(*) FROM events WHERE at > now()"
    assert texts[UNNAMED] == "DELETE FROM sessions WHERE id = 7"
    assert texts[OTHER_QUERIES] == "(other statements)"


def test_an_event_is_shown_by_statement() -> None:
    shown = view(LookedAt(event=RUNNING))
    assert shown.subject == "running · by statement"
    assert [row.load.query for row in shown.statements] == [CART, UNNAMED, COUNT, OTHER_QUERIES]
    assert [row.look for row in shown.statements] == list(PLACE_LOOKS[:4])
    assert [layer.name for layer in shown.layers] == [
        "(other statements)",
        "SELECT count(*) FROM ev…",
        "DELETE FROM sessions WH…",
        "SELECT * FROM cart WHER…",
    ]
    assert len(shown.events) == len(view().events), "the others stay in sight"
    assert shown.sessions == pytest.approx(sum(row.load.load.sessions for row in shown.statements))


def test_a_statement_is_shown_by_event() -> None:
    shown = view(LookedAt(query=UPDATE))
    assert (shown.subject, shown.statement) == (
        "one statement · by wait",
        "UPDATE orders SET state = $1 WHERE id = $2",
    )
    assert [(row.load.event, row.look) for row in shown.events] == [
        (LOCK, PLACE_LOOKS[0]),
        (TUPLE, PLACE_LOOKS[1]),
    ]
    assert [layer.name for layer in shown.layers] == ["Lock:tuple", "Lock:transactionid"]
    assert len(shown.statements) == len(view().statements)


def test_what_has_no_layer_of_its_own_is_the_lowest() -> None:
    queries = [ActiveQuery(number, "") for number in range(8)]
    facts = {query: QueryFacts(f"SELECT {query.query_id}", "app", "shop", "web") for query in queries}
    doing = tuple(Activity(query, LOCK, "app", "shop", "web", 10 - n) for n, query in enumerate(queries))
    snapshot = WaitsSnapshot(NOW, 0.0, (WaitSample(NOW, doing),), facts, 0)
    shown = view_of(snapshot, LookedAt(event=LOCK), known_text)
    assert [(layer.name, layer.values) for layer in shown.layers][:2] == [
        ("other", (12,)),
        ("SELECT 4", (6,)),
    ]
    assert [row.look is None for row in shown.statements] == [False] * 5 + [True] * 3


def test_a_layer_keeps_its_place_and_a_new_one_takes_a_free_one() -> None:
    events = [WaitEvent("IO", f"Event{number}") for number in range(7)]
    names: list[Layer] = list(events)
    places = keep_places((), names)
    assert places == names[:5]
    assert keep_places(places, [names[6], *names[:4]]) == [*names[:4], names[6]]
    assert keep_places(places, [names[2], names[0]]) == [names[0], None, names[2], None, None]


@pytest.mark.parametrize(
    ("seconds", "span", "chart_span"),
    [(30, 300.0, 60.0), (100, 300.0, 120.0), (900, 300.0, 300.0), (900, None, 900.0), (900, 60.0, 60.0)],
)
def test_the_chart_grows_with_what_there_is(seconds: int, span: float | None, chart_span: float) -> None:
    shown = view_of(waits_snapshot(seconds), LookedAt(span), known_text)
    assert shown.chart_span == chart_span
    assert shown.age < chart_span


# The panel


class PanelApp(App[None]):
    """The panel alone on a screen; it notes which statements were chosen."""

    CSS_PATH: ClassVar[list[str | Path]] = [folder("themes") / "waits.tcss"]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[WaitsPanel.StatementChosen] = []
        self.selected: list[LiveTable.RowSelected] = []

    def compose(self) -> ComposeResult:
        yield WaitsPanel()

    @property
    def panel(self) -> WaitsPanel:
        return self.query_one(WaitsPanel)

    @property
    def line(self) -> str:
        return str(self.query_one("#waits-line", Static).content)

    @property
    def statements(self) -> list[ActiveQuery]:
        return [row.load.query for row in self.panel.statements.shown_rows]

    @property
    def events(self) -> list[WaitEvent]:
        return [row.load.event for row in self.panel.events.shown_rows]

    @property
    def legend(self) -> str:
        return self.query_one(StackedChart).render_line(0).text

    @property
    def text(self) -> str:
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()
        )

    @on(WaitsPanel.StatementChosen)
    def _note(self, message: WaitsPanel.StatementChosen) -> None:
        self.chosen.append(message)

    @on(LiveTable.RowSelected)
    def _note_row(self, message: LiveTable.RowSelected) -> None:
        self.selected.append(message)


@asynccontextmanager
async def shown(
    snapshot: WaitsSnapshot | None = None, size: tuple[int, int] = (120, 36), missing_right: str = ""
) -> AsyncIterator[tuple[PanelApp, Pilot[None]]]:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.screen.set_class(size[0] >= 110, "-wide")
        app.panel.missing_right = missing_right
        app.panel.show(snapshot or waits_snapshot(), known_text)
        app.panel.events.focus()
        await pilot.pause()
        yield app, pilot


async def test_the_panel_says_what_it_shows() -> None:
    async with shown() as (app, _):
        average = sum(row.load.load.sessions for row in app.panel.events.rows)
        assert app.line == f"all waits · last 5 min · 270 samples · {average:.1f} sessions active on average"
        assert "Lock 13" in app.legend
        assert app.events[:2] == [RUNNING, LOCK]
        assert app.statements[0] == UPDATE


async def test_from_an_event_to_a_statement_and_back() -> None:
    async with shown() as (app, pilot):
        await pilot.press("down", "enter")
        assert app.panel.looked_at == LookedAt(event=LOCK)
        assert app.line.startswith("Lock:transactionid · by statement · last 5 min")
        assert app.statements == [UPDATE]
        assert "UPDATE orders SET state… 9" in app.legend
        assert app.panel.statements.has_focus

        await pilot.press("enter")
        assert app.panel.looked_at == LookedAt(event=LOCK, query=UPDATE)
        assert app.line.startswith("one statement · by wait")
        assert app.events == [LOCK, TUPLE]
        assert "Lock:tuple" in app.legend
        assert app.chosen == []

        await pilot.press("enter")
        assert [(message.query, message.facts.user) for message in app.chosen] == [(UPDATE, "app")]

        assert app.panel.back()
        assert app.panel.looked_at == LookedAt(event=LOCK)
        assert app.panel.statements.has_focus
        assert app.panel.back()
        assert app.panel.looked_at == LookedAt()
        assert not app.panel.back()
        await pilot.pause()
        assert app.panel.events.has_focus
        assert app.panel.events.cursor_key == LOCK
        assert app.selected == [], "what is chosen here is not for the screen"


async def test_an_event_of_a_statement_leads_to_all_statements_in_it() -> None:
    async with shown() as (app, pilot):
        app.panel.statements.focus()
        app.panel.statements.move_to(COUNT)
        await pilot.press("enter")
        assert app.panel.looked_at == LookedAt(query=COUNT)
        app.panel.events.focus()
        app.panel.events.move_to(RUNNING)
        await pilot.press("enter")
        assert app.panel.looked_at == LookedAt(event=RUNNING)
        assert COUNT in app.statements
        assert app.panel.statements.cursor_key == app.statements[0]


async def test_a_statement_that_has_gone_is_still_named() -> None:
    async with shown() as (app, pilot):
        app.panel.statements.focus()
        await pilot.press("enter")
        app.panel.show(waits_snapshot(doing=quiet), known_text)
        assert app.line.endswith("0 sessions active on average · UPDATE orders SET state = $1 WHERE id = $2")


async def test_other_statements_are_no_statement_to_choose() -> None:
    async with shown() as (app, pilot):
        app.panel.statements.focus()
        app.panel.statements.move_to(OTHER_QUERIES)
        await pilot.press("enter", "enter")
        assert app.panel.looked_at.query == OTHER_QUERIES
        assert app.panel.chosen is None
        assert app.chosen == []


async def test_the_statement_under_the_cursor_is_chosen_wherever_the_focus_is() -> None:
    async with shown() as (app, pilot):
        assert app.panel.chosen == (UPDATE, FACTS[UPDATE])
        app.panel.statements.focus()
        await pilot.press("down")
        assert app.panel.chosen != (UPDATE, FACTS[UPDATE])


async def test_the_span_goes_round() -> None:
    async with shown(waits_snapshot(900)) as (app, _):
        lines = [app.line]
        for _ in range(3):
            app.panel.next_span()
            lines.append(app.line)
    assert [" · ".join(line.split(" · ")[1:3]) for line in lines] == [
        "last 5 min · 300 samples",
        "last 14m59s · 870 samples",
        "last 1 min · 60 samples",
        "last 5 min · 300 samples",
    ]


async def test_a_layer_keeps_its_place_while_loads_change() -> None:
    async with shown() as (app, pilot):
        app.panel.statements.focus()
        app.panel.statements.move_to(COUNT)
        await pilot.press("enter")
        before = {row.load.event: row.look for row in app.panel.events.rows}
        assert app.events[0] == READ
        app.panel.show(waits_snapshot(1), known_text)
        assert app.events == [RUNNING], "second 0 is one in which it runs"
        (row,) = app.panel.events.rows
        assert row.look == before[RUNNING] == ("█", PLACE_LOOKS[1][1])


async def test_nobody_is_active() -> None:
    async with shown(waits_snapshot(doing=quiet)) as (app, _):
        assert "Nobody was active in the last 5 min." in app.text
        assert "0 sessions active on average" in app.line


async def test_what_is_hidden_is_said_with_the_right_that_is_missing() -> None:
    grant = "GRANT pg_monitor TO dba shows it."
    async with shown(waits_snapshot(doing=quiet, hidden_sessions=12), size=(80, 21), missing_right=grant) as (
        app,
        _,
    ):
        assert "What 12 sessions do is hidden from this role. GRANT" in app.text
        assert "12 hidden from this role" in app.line


async def test_before_the_first_sample() -> None:
    async with shown() as (app, _):
        app.panel.show(WaitsSnapshot(waits_snapshot().at, 0.0, (), {}, 0), known_text)
        app.panel.next_span()
        assert "all waits" in app.line


async def test_a_statements_text_is_data() -> None:
    async with shown() as (app, pilot):
        app.panel.statements.focus()
        app.panel.statements.move_to(EVIL)
        await pilot.press("enter")
        assert "SELECT name FROM 商品 -- ␛]0;title␇ [red]not red[/]" in app.line
        assert "\x1b" not in app.text
        assert "␛]0;title␇" in app.text


@pytest.mark.parametrize("size", [(80, 21), (120, 36), (200, 56)])
async def test_there_is_room_for_everything(size: tuple[int, int]) -> None:
    async with shown(size=size) as (app, _):
        assert app.query_one(StackedChart).size.height >= 7
        for table in (app.panel.events, app.panel.statements):
            assert table.size.height >= 4
            assert table.region.bottom <= size[1]
        assert "UPDATE orders SET state = $1" in app.text
        assert "Lock:transactionid" in app.text
