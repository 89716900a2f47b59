"""Pictures of the plan of a statement, with data and time standing still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.dialogs.confirm import ConfirmDialog
from console.dialogs.values import ValuesDialog
from console.errors import OperationRefused
from console.screens.plan import PlanScreen
from console.settings import Settings
from console.themes import SHIPPED
from tests.fake_plans import ADVICE, ANALYZED, LARGE, PLAN, PLANNING_WRITES, REQUEST
from tests.fakes import FakeConsole, StoppedClock
from tests.snapshots.test_screens import DESIGN, SIZE_NAMES, SIZES, SMALL, SnapCompare, Step


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def console(theme: str = "dark", environment: str = "development") -> FakeConsole:
    return FakeConsole(settings=Settings(theme=theme, environment=environment, screen="activity"))


def plan(*pressed: str, until: Callable[[FakeConsole], bool] | None = None) -> Step:
    """Opens the plan over the sessions and presses keys, each when the one before has had its effect."""

    async def press(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, FakeConsole)
        await settle(pilot)
        assert app.services is not None
        app.push_screen(PlanScreen(app.services, REQUEST, "pid 8123", clock=StoppedClock()))
        if until is not None:
            while not until(app):
                await pilot.pause()
        for key in ("", *pressed):
            if key:
                await pilot.press(key)
            await settle(pilot)

    return press


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way that does not wait for a person, or for what never comes."""
    await pilot.pause()
    for worker in list(pilot.app.workers):
        while not (worker.is_finished or worker.group in {"help", "export"} or _is_asked(pilot)):
            await pilot.pause()
    await pilot.pause()


def _is_asked(pilot: Pilot[int]) -> bool:
    app = pilot.app
    assert isinstance(app, FakeConsole)
    return isinstance(app.screen, ConfirmDialog | ValuesDialog) or not app.plans.may_answer.is_set()


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize(
    "pressed", [(), ("f",), ("i",), ("b",), ("s",)], ids=["tree", "text", "indexes", "tables", "statement"]
)
def test_plan(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=plan(*pressed))


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_a_statement_that_was_run(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    app = console(environment="production")
    app.plans.given = ANALYZED
    assert snap_compare(app, terminal_size=size, run_before=plan())


@pytest.mark.parametrize("theme", SHIPPED)
def test_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    """The cursor is elsewhere: what stands out then does so by itself."""
    app = console(theme, "staging")
    app.plans.given = ANALYZED
    assert snap_compare(app, terminal_size=SMALL, run_before=plan("down"))


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_what_cannot_be_explained(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    app = console()
    app.plans.problems["plan"] = OperationRefused(
        "The text was cut by the server after 1,024 bytes, and what is left of it cannot be read; "
        "track_activity_query_size says where it cuts."
    )
    assert snap_compare(app, terminal_size=size, run_before=plan())


def test_waiting_for_the_plan(snap_compare: SnapCompare) -> None:
    app = console()
    app.plans.may_answer.clear()
    laid_out = plan(until=lambda shown: "\nFROM" in getattr(shown.screen, "_statement", ""))
    assert snap_compare(app, terminal_size=SMALL, run_before=laid_out)


def test_the_question_before_a_plan_that_takes_locks(snap_compare: SnapCompare) -> None:
    app = console(environment="production")
    app.plans.operation = PLANNING_WRITES
    assert snap_compare(app, terminal_size=SMALL, run_before=plan())


def test_a_thousand_nodes(snap_compare: SnapCompare) -> None:
    app = console()
    app.plans.given = LARGE
    assert snap_compare(app, terminal_size=SMALL, run_before=plan())


def test_json(snap_compare: SnapCompare) -> None:
    assert snap_compare(console(), terminal_size=SMALL, run_before=plan("f", "f"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_notes_and_advice_that_was_not_tried(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    app = console()
    app.plans.given = replace(
        PLAN,
        notes=(
            "It was planned as dba: the console's role may not become app.",
            "now() stands in the place of a parameter that has no type of its own.",
        ),
    )
    app.plans.advice = replace(
        ADVICE,
        candidates=tuple(
            replace(one, is_tried=False, is_used=None, cost_before=None, cost_after=None, size=None)
            for one in ADVICE.candidates
        ),
        sentence="None of them was tried: hypopg is not installed in this database. CREATE EXTENSION hypopg allows it.",
    )
    assert snap_compare(app, terminal_size=size, run_before=plan("i"))


def test_the_values_that_it_is_run_with(snap_compare: SnapCompare) -> None:
    app = console()
    app.plans.given = replace(PLAN, parameters=("text", "date[]"))
    assert snap_compare(app, terminal_size=SMALL, run_before=plan("a", *"open"))
