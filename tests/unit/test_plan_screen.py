"""The plan of a statement on fake services: what is asked when, what each key shows, what goes elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from console.dialogs.confirm import ConfirmDialog
from console.dialogs.help import HelpDialog
from console.dialogs.values import ValuesDialog
from console.errors import OperationRefused, QueryTimedOut
from console.models.activity import SessionState
from console.screens.activity import ActivityScreen
from console.screens.plan import PlanScreen
from console.screens.plan_columns import WIDEST_BRANCH, branch, log_share, table_tone
from console.settings import Settings
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable
from console.widgets.sql_view import SqlView
from tests.fake_plans import (
    ADVICE,
    ANALYZED,
    LARGE,
    PLAN,
    PLANNING_WRITES,
    REQUEST,
    STATEMENT,
    TABLES,
    node,
    plan_of,
)
from tests.fakes import FakeConsole, StoppedClock, activity_snapshot, session

SIZE = (120, 40)
RUN = ("a", *"open", "enter")
"""Keys that want it run for real, with a value for its parameter."""
CONFIRM = ("tab", "enter")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def console(**changes: object) -> FakeConsole:
    given = {"theme": "dark", "environment": "development", "screen": "activity"} | changes
    return FakeConsole(settings=Settings(**given))  # type: ignore[arg-type]


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Presses keys, each when the one before has had its effect, the first when the services are there."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way that does not wait for a person."""
    await pilot.pause()
    for worker in list(pilot.app.workers):
        while not worker.is_finished and not _waits_for_a_person(pilot, worker.group):
            await pilot.pause()
    await pilot.pause()


def _waits_for_a_person(pilot: Pilot[int], group: str) -> bool:
    return group in {"help", "export"} or isinstance(pilot.app.screen, ConfirmDialog | ValuesDialog)


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await pilot.pause()


async def open_plan(pilot: Pilot[int], app: FakeConsole, *keys: str) -> PlanScreen:
    """The screen on `REQUEST`, after these keys."""
    await settle(pilot)
    assert app.services is not None
    screen = PlanScreen(app.services, REQUEST, "statement 86", clock=StoppedClock())
    app.push_screen(screen)
    await press(pilot, *keys)
    return screen


def names(app: FakeConsole) -> list[str]:
    """What the service was asked for, without what it was about."""
    return [asked[0] for asked in app.plans.asked]


def said(app: FakeConsole) -> list[str]:
    return [notification.message for notification in app._notifications]


def head(screen: PlanScreen) -> str:
    return str(screen.query_one("#plan-head", Static).content)


def raw(screen: PlanScreen) -> str:
    return screen.query_one("#plan-raw", SqlView).text


def detail(screen: PlanScreen) -> str:
    return screen.query_one("#plan-node", DetailPane).text


def drawn(app: FakeConsole) -> str:
    return "\n".join("".join(part.text for part in line) for line in app.screen._compositor.render_strips())


# From the Activity screen -------------------------------------------------------------------------------------------


async def test_x_takes_the_plan_of_the_whole_statement_of_a_session() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "x")
        assert isinstance(app.screen, PlanScreen)
        request = app.plans.asked[0][1]
        assert request.text.startswith("UPDATE orders SET state = $1")
        assert request.text.endswith("RETURNING id"), "the table has only its beginning"
        assert (request.database, request.user, request.query_id) == ("shop", "app", 8614407856940471875)
        assert app.activity_feed.is_watched, "what is behind goes on"
        await press(pilot, "escape")
        assert isinstance(app.screen, ActivityScreen)


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (session(1, is_hidden=True), "What pid 1 runs is hidden from this role. GRANT pg_monitor"),
        (session(2, is_client=False, blocks=1), "pid 2 is a process of the server itself"),
        (session(3, SessionState.IDLE_IN_TRANSACTION, ""), "pid 3 has run nothing yet."),
    ],
    ids=["hidden", "server", "nothing"],
)
async def test_a_session_without_a_statement_has_no_plan(
    one: object, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console()
    app.activity_feed.give(snapshot=activity_snapshot([one]))  # type: ignore[list-item]
    known = app.activity.detail

    async def nothing(*about: object) -> object:
        found = await known(*about)  # type: ignore[arg-type]
        assert found is not None
        return replace(found, query=" \n")

    monkeypatch.setattr(app.activity, "detail", nothing)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "x")
        assert isinstance(app.screen, ActivityScreen)
        assert said(app)[0].startswith(sentence)
        assert app.plans.asked == []


async def test_a_session_that_has_gone_has_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console()

    async def gone(*_about: object) -> None:
        return None

    monkeypatch.setattr(app.activity, "detail", gone)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "x")
        assert said(app) == ["pid 8123 has gone."]


# Taking it ----------------------------------------------------------------------------------------------------------


async def test_the_cursor_begins_at_the_widest_node() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app)
        assert screen.view.nodes.cursor_row is PLAN.widest
        assert "Seq Scan on orders o" in detail(screen)
        assert "(o.state = $1)" in detail(screen)
        assert head(screen).startswith("generic plan, not run · cost 1,381,204")
        assert "planned as app in shop · random_page_cost = 1.1" in head(screen)
        await press(pilot, "home")
        assert "Limit" in detail(screen), "it follows the cursor"
        await press(pilot, "w")
        assert screen.view.nodes.cursor_row is PLAN.widest


async def test_while_it_is_asked_for_the_statement_is_there() -> None:
    app = console()
    app.plans.may_answer.clear()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.services is not None
        screen = PlanScreen(app.services, REQUEST, "statement 86")
        app.push_screen(screen)
        await until(pilot, lambda: "plan" in names(app) and "\nFROM orders o\n" in screen._statement)
        await pilot.pause()
        text = screen.query_one("#plan-said", SqlView).text
        assert "Asking for the plan …" in text
        assert "\nFROM orders o\nJOIN order_items i" in text, "laid out for reading"
        await pilot.press("a", "f", "i", "y", "e", "escape")
        await until(pilot, lambda: isinstance(app.screen, ActivityScreen))
        await until(pilot, lambda: app.plans.cancelled == ["plan"])


@pytest.mark.parametrize("method", ["explaining", "plan"])
async def test_what_cannot_be_explained_is_said_above_the_statement(method: str) -> None:
    app = console()
    app.plans.problems[method] = OperationRefused("VACUUM has no plan [red]x[/foo] \x1b[2J.")
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "a", "i", "f", "e")
        assert app.screen is screen
        text = screen.query_one("#plan-said", SqlView).text
        assert text.index("◆ VACUUM has no plan [red]x[/foo]") < text.index("FROM orders o")
        assert "\x1b" not in drawn(app)
        assert "advise" not in names(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, ActivityScreen)


async def test_r_takes_the_plan_anew() -> None:
    app = console()
    app.plans.problems["plan"] = QueryTimedOut("big is locked by pid 7 (nightly); waited 500 ms.")
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app)
        text = screen.query_one("#plan-said", SqlView).text
        assert "◆ big is locked by pid 7 (nightly); waited 500 ms. r tries again." in text
        assert "r again" in drawn(app)
        del app.plans.problems["plan"]
        await press(pilot, "r")
        assert screen.view.nodes.rows == PLAN.nodes
        assert names(app).count("plan") == 2
        app.plans.problems["plan"] = QueryTimedOut("It is locked again.")
        await press(pilot, "r")
        assert screen.view.nodes.rows == PLAN.nodes, "the last one stays"
        assert head(screen).startswith("◆ It is locked again. r tries again.\ngeneric plan")
        del app.plans.problems["plan"]
        app.plans.given = ANALYZED
        await press(pilot, "r")
        assert head(screen).startswith("run and rolled back")
        assert said(app) == ["The plan was taken anew."]


@pytest.mark.parametrize("method", ["plan", "advise", "check_running", "analyze_operation"])
async def test_a_mistake_of_the_consoles_own_is_said(method: str) -> None:
    app = console()
    app.plans.problems[method] = KeyError("Node [b]Type[/b]")
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(
            pilot,
            app,
            *{"plan": (), "advise": ("i",)}.get(method, ("a",) if method == "check_running" else RUN),
        )
        assert "◆ The console failed: KeyError: 'Node [b]Type[/b]'" in drawn(app)


async def test_planning_that_takes_locks_asks_first() -> None:
    app = console()
    app.plans.operation = PLANNING_WRITES
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app)
        assert isinstance(app.screen, ConfirmDialog)
        assert names(app) == ["explaining"]
        await press(pilot, *CONFIRM)
        assert screen.is_current
        assert names(app) == ["explaining", "plan"]


async def test_who_does_not_want_the_locks_is_back_where_he_was() -> None:
    app = console()
    app.plans.operation = PLANNING_WRITES
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, "escape")
        assert isinstance(app.screen, ActivityScreen)
        assert names(app) == ["explaining"]


# Looking ------------------------------------------------------------------------------------------------------------


async def test_f_shows_the_text_then_the_json_then_the_tree() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "f")
        assert "->  Seq Scan on orders o  (cost=" in raw(screen)
        assert screen.focused is screen.query_one("#plan-raw")
        await press(pilot, "f")
        assert '"Node Type": "Limit"' in raw(screen)
        await press(pilot, "f")
        assert screen.focused is screen.view.nodes


async def test_escape_goes_back_step_by_step() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "b", "f", "escape")
        assert (screen.view.pane, screen.focused) == ("node", screen.view.nodes)
        await press(pilot, "escape")
        assert isinstance(app.screen, ActivityScreen)


async def test_q_closes_at_once() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, "b", "q")
        assert isinstance(app.screen, ActivityScreen)
        assert app.is_running


async def test_b_shows_the_tables_and_enter_leads_to_the_node_that_reads_one() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "b")
        table = screen.query_one("#plan-tables", LiveTable)
        assert screen.focused is table
        assert "public.orders 10.6 GiB 41.1 M 6.2 M 9d00h 31 d 9.2 M" in " ".join(drawn(app).split())
        await press(pilot, "down", "down", "enter")
        assert screen.view.nodes.cursor_row == PLAN.nodes[8], "customers is read by the last one"
        await press(pilot, "tab")
        assert screen.focused is screen.view.nodes


async def test_i_asks_for_indexes_once() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "i")
        assert screen.focused is screen.view.indexes.table
        shown = drawn(app)
        assert ADVICE.sentence in shown
        assert "orders (state, customer_id)" in shown
        assert "1.4 M → 212 k" in shown
        assert "not tried" in shown
        assert "not used" in shown
        assert "CREATE INDEX CONCURRENTLY ON public.orders (state, customer_id)" in shown
        await press(pilot, "n", "i")
        assert names(app).count("advise") == 1


async def test_advice_that_fails_is_said_and_asked_for_again() -> None:
    app = console()
    app.plans.problems["advise"] = QueryTimedOut()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "i")
        assert f"◆ {QueryTimedOut.__doc__}" in drawn(app)
        del app.plans.problems["advise"]
        await press(pilot, "n", "i")
        assert len(screen.view.indexes.table.rows) == len(ADVICE.candidates)


async def test_of_many_statements_the_first_are_shown_and_all_are_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = console()
    copied: list[str] = []
    monkeypatch.setattr("console.terminal.clipboard.copy", lambda _app, text: copied.append(text))
    statement = "\n".join(f"CREATE INDEX {n};" for n in range(1000))
    app.plans.advice = replace(ADVICE, candidates=(replace(ADVICE.candidates[0], statement=statement),))
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, "i", "y")
        assert "CREATE INDEX 2;" in drawn(app)
        assert "… and 997 more lines; y copies all of them" in drawn(app)
        assert copied == [statement]


async def test_without_a_candidate_there_is_no_heading() -> None:
    app = console()
    app.plans.advice = replace(ADVICE, candidates=(), sentence="Nothing would help.")
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "i")
        assert "Nothing would help." in drawn(app)
        assert "cost of the plan" not in drawn(app)
        assert screen.focused is screen.view.indexes.table


async def test_a_line_that_cannot_be_broken_is_read_by_scrolling_sideways() -> None:
    app = console()
    app.plans.given = replace(PLAN, statement="x")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.services is not None
        request = replace(REQUEST, text=f"SELECT '{'x' * 600}end'")
        screen = PlanScreen(app.services, request, "statement 86", clock=StoppedClock())
        app.push_screen(screen)
        await press(pilot, "s")
        assert "xend" not in drawn(app)
        await press(pilot, *["right"] * 10)
        assert "xend" in drawn(app)


async def test_s_shows_the_statement_laid_out_with_what_should_be_known() -> None:
    app = console()
    app.plans.given = replace(PLAN, notes=("It was planned as dba: the role app cannot be taken on.",))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "s")
        text = screen.query_one("#plan-statement", SqlView).text
        assert text.startswith('search_path = "$user", public\n▲ It was planned as dba')
        assert "\nGROUP BY o.id, c.name\n" in text
        assert "▲ It was planned as dba" in head(screen)


async def test_a_plan_of_a_thousand_nodes_answers_at_once() -> None:
    app = console()
    app.plans.given = LARGE
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app)
        assert screen.view.nodes.cursor_row is LARGE.nodes[700]
        assert "Seq Scan on events_p0700 events_700" in drawn(app)
        began = time.perf_counter()
        await pilot.press("f", "f")
        await pilot.pause()
        assert len(raw(screen).splitlines()) > 20_000
        assert time.perf_counter() - began < 2


async def test_everything_of_a_server_is_data() -> None:
    hostile = "[@click=app.quit]x[/] \x1b[2J\u202e"
    nodes = (node(0, "", hostile, 1, 1, 1, 1, details=((hostile, hostile),)),)
    tables = (replace(TABLES[0], name=hostile),)
    app = console()
    app.plans.given = plan_of(
        nodes, tables=tables, notes=(hostile,), role=hostile, text=hostile, json=hostile
    )
    app.plans.advice = replace(ADVICE, sentence=hostile)
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app)
        for key in ("n", "b", "i", "s", "f", "f"):
            await press(pilot, key)
            shown = drawn(app)
            assert "[@click=app.quit]x[/] ␛[2J‹U+202E›" in shown
            assert "\x1b" not in shown


async def test_every_key_is_in_the_help_and_can_be_another() -> None:
    app = console(keys={"plan.format": "F"})
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "f")
        assert screen.focused is screen.view.nodes
        await press(pilot, "F")
        assert screen.focused is screen.query_one("#plan-raw")
        assert said(app) == []
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpDialog)
        text = app.screen.query_one(DetailPane).text
        assert text.startswith("Keys: Plan")
        for binding in PlanScreen.BINDINGS:
            assert binding.tooltip in text  # type: ignore[union-attr]
            assert binding.id or binding.key == "tab"  # type: ignore[union-attr]


# Running it for real ------------------------------------------------------------------------------------------------


async def test_a_runs_it_once_that_was_confirmed() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "i", *RUN)
        assert isinstance(app.screen, ConfirmDialog)
        assert "analyze" not in names(app)
        await press(pilot, *CONFIRM)
        assert names(app)[-2:] == ["analyze", "advise"], "another plan, other advice"
        assert head(screen).startswith("run and rolled back · 11 s")
        assert screen.view.nodes.rows == ANALYZED.nodes
        await press(pilot, "n")
        assert "6.8 s of its own (60.7 % of the plan's)" in detail(screen)
        assert "1,204,331, 148,000 were expected, 39,880,000 more were thrown away" in detail(screen)
        assert "▲ 41 M rows, 8" in drawn(app)


async def test_each_parameter_is_asked_for_and_kept_for_the_next_time() -> None:
    app = console()
    statement = "SELECT 1 FROM [b]o[/b]\n WHERE id = $1 AND state = $2 AND placed = ANY ($3) AND $10"
    app.plans.given = replace(PLAN, statement=statement, parameters=("integer", "text", "date[]"))
    app.plans.analyzed = app.plans.given
    async with app.run_test(size=(80, 24)) as pilot:
        await open_plan(pilot, app, "a")
        assert isinstance(app.screen, ValuesDialog)
        assert "[b]o[/b] WHERE id = $1 AND state = $2" in drawn(app)
        assert "$2 AND placed = ANY ($3) AND $10 …" in drawn(app)
        await press(pilot, *"41", "enter", "enter", *"NULL", "enter", *CONFIRM)
        assert app.plans.asked[-1] == ("analyze", ("41", "", None))
        await press(pilot, "a")
        assert [box.value for box in app.screen.query(Input)] == ["41", "", "NULL"]
        await press(pilot, "escape")
        assert isinstance(app.screen, PlanScreen)
        assert names(app).count("analyze_operation") == 1


async def test_what_must_not_run_is_refused_before_values_are_asked_for() -> None:
    app = console()
    app.plans.problems["check_running"] = OperationRefused("This one writes.")
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "a")
        assert screen.is_current
        assert head(screen).startswith("◆ This one writes.")


async def test_nobody_is_asked_for_a_thousand_values() -> None:
    app = console()
    app.plans.given = replace(PLAN, parameters=("integer",) * 1000)
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "a")
        assert screen.is_current
        assert head(screen).startswith("◆ It has 1,000 parameters")


async def test_production_wants_the_name_typed() -> None:
    app = console(environment="production")
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, *RUN, *CONFIRM)
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, *"shop", "enter", "enter")
        assert names(app)[-1] == "analyze"


async def test_cancel_runs_nothing() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, *RUN, "enter")
        assert app.screen is screen
        assert "analyze" not in names(app)


async def test_read_only_runs_nothing_and_says_why() -> None:
    app = console(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, "a")
        assert app.screen is screen
        assert said(app) == [
            "The console is read-only, by --read-only or the setting read_only: it runs no statement for real."
        ]
        assert "analyze_operation" not in names(app)


@pytest.mark.parametrize("method", ["analyze_operation", "analyze"])
async def test_a_run_that_fails_leaves_the_plan_and_says_why(method: str) -> None:
    app = console()
    app.plans.problems[method] = QueryTimedOut("It took longer than 30 s.")
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, *RUN, *(CONFIRM if method == "analyze" else ()))
        assert head(screen).startswith("◆ It took longer than 30 s.\ngeneric plan, not run")
        assert screen.view.nodes.rows == PLAN.nodes


async def test_escape_stops_what_runs_and_stays() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_plan(pilot, app, *RUN)
        app.plans.may_answer.clear()
        await pilot.press(*CONFIRM)
        await until(pilot, lambda: "analyze" in names(app))
        await until(pilot, lambda: "● running it for real, 0.0 s; esc stops it" in head(screen))
        await pilot.press("a")
        await pilot.press("escape")
        await until(pilot, lambda: app.plans.cancelled == ["analyze"])
        await pilot.pause()
        assert names(app).count("analyze_operation") == 1
        assert app.screen is screen
        assert head(screen).startswith("generic plan, not run")


async def test_leaving_stops_what_runs() -> None:
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, *RUN)
        app.plans.may_answer.clear()
        await pilot.press(*CONFIRM)
        await until(pilot, lambda: "analyze" in names(app))
        await pilot.press("q")
        await until(pilot, lambda: app.plans.cancelled == ["analyze"])
        assert isinstance(app.screen, ActivityScreen)


# Taking it elsewhere ------------------------------------------------------------------------------------------------


async def test_what_y_copies_is_what_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console()
    copied: list[str] = []
    monkeypatch.setattr("console.terminal.clipboard.copy", lambda _app, text: copied.append(text))
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, "y", "Y", "i", "down", "y", "tab", "y", "f", "f", "y")
        candidate = ADVICE.candidates[1].statement
        assert copied == [PLAN.text, STATEMENT, candidate, PLAN.text, PLAN.json]
        what = ["the plan", "the statement", "CREATE INDEX …", "the plan", "the plan as JSON"]
        assert said(app) == [f"Sent {one} to the terminal's clipboard." for one in what]


@pytest.mark.parametrize(("suffix", "text"), [(".json", PLAN.json), (".txt", PLAN.text), ("", PLAN.text)])
async def test_e_writes_the_plan_and_nothing_over_another_file(
    suffix: str, text: str, tmp_path: Path
) -> None:
    app = console()
    path = tmp_path / f"plan{suffix}"
    async with app.run_test(size=SIZE) as pilot:
        await open_plan(pilot, app, "e")
        box = app.screen.query_one(Input)
        assert box.value == "dbconsole-plan-20260301T030000Z.txt"
        box.value = str(path)
        await press(pilot, "enter")
        assert path.read_text(encoding="utf-8") == f"{text}\n"
        assert said(app) == [f"Written to {path}."]
        await press(pilot, "e")
        app.screen.query_one(Input).value = str(path)
        await press(pilot, "enter")
        assert "there is such a file already" in drawn(app)


# Drawing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn_before", "indent", "expected"),
    [
        ("", 3, ""),
        ("   │  └─ ", 3, "   │  └─ "),
        ("   │  └─ ", 2, "  │ └─"),
        ("   │  └─ ", 1, " │└ "),
        ("│  " * 40 + "└─ ", 1, "…" + "│" * 21 + "└ "),
    ],
)
def test_a_deep_plan_is_drawn_closer(drawn_before: str, indent: int, expected: str) -> None:
    shown = branch(node(1, drawn_before, "Sort", 1, 1, 1, 1), indent)
    assert shown == expected
    assert len(shown) <= WIDEST_BRANCH


async def test_the_titles_of_a_deep_plan_are_seen_in_a_narrow_terminal() -> None:
    branches = ["", *("   " * level + "└─ " for level in range(30))]
    app = console()
    app.plans.given = plan_of([node(n, at, f"Loop {n}", 1, 1, 0.1, 1) for n, at in enumerate(branches)])
    async with app.run_test(size=(80, 24)) as pilot:
        await open_plan(pilot, app, "end")
        assert "└ Loop 30" in drawn(app)


def test_bars_of_rows_grow_with_their_digits() -> None:
    assert log_share(0, 1e6) == log_share(None, 1e6) == log_share(5, 0) == 0
    assert log_share(1e6, 1e6) == 1
    assert 0.45 < log_share(1e3, 1e6) < 0.55


def test_tables_that_were_neglected_stand_out() -> None:
    orders, items, customers, foreign = TABLES
    assert table_tone(orders) == "warning"
    assert table_tone(items) is None
    assert table_tone(replace(items, dead_rows=30_000_000)) == "warning"
    assert table_tone(replace(items, modified_since_analyze=13_000_000)) == "warning"
    assert table_tone(customers) is None
    assert table_tone(foreign) is None
