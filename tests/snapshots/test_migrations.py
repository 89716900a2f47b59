"""Pictures of the Migrations screen, with data and time standing still."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.models.activity import Blocker
from console.models.migrations import Drift, MigrationStatus, RunState, TimedStatement
from console.settings import Settings
from console.themes import SHIPPED
from tests.fake_migrations import (
    INVALID_INDEX,
    LOCK,
    MONOTONIC,
    NO_SOURCE,
    RUNNING,
    TROUBLED,
    migration_status,
)
from tests.fakes import FakeConsole, activity_snapshot, session
from tests.snapshots.test_screens import DESIGN, SIZE_NAMES, SIZES, SMALL, SnapCompare, Step

CONFIRM = ("tab", "enter")
WAITING = {"goal", "change", "run", "cancel", "help"}
"""Groups of workers that wait for a person, or for a run."""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


def console(status: MigrationStatus | None = None, **changes: Any) -> FakeConsole:
    settings = Settings(**({"theme": "dark", "environment": "development", "screen": "migrations"} | changes))
    return FakeConsole(settings=settings, migrations=status)


def keys(*pressed: str, then: Callable[[FakeConsole], None] | None = None) -> Step:
    """Presses keys, each when the one before has had its effect; `then` happens at the end."""

    async def press(pilot: Pilot[int]) -> None:
        await settle(pilot)
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)
        if then is not None:
            assert isinstance(pilot.app, FakeConsole)
            then(pilot.app)
            await settle(pilot)

    return press


async def settle(pilot: Pilot[int]) -> None:
    """Until nothing is under way that does not wait for a person or for a run."""
    await pilot.pause()
    for worker in list(pilot.app.workers):
        while worker.group not in WAITING and not worker.is_finished and not pilot.app.screen.is_modal:
            await pilot.pause()
    loading = [worker for worker in pilot.app.workers if worker.group == "lexer"]
    if loading:
        await pilot.app.workers.wait_for_complete(loading)
    await pilot.pause()


def stands(progress: Any, **changes: Any) -> Callable[[FakeConsole], None]:
    """The run that was begun stands so."""
    fields = {field.name: getattr(progress, field.name) for field in dataclasses.fields(progress)}
    return lambda app: app.migrations.runs[0].give(**(fields | changes))


BLOCKED = (
    Blocker(
        8123,
        None,
        activity_snapshot().sessions[0],
        (
            Blocker(
                4712,
                2.4,
                session(
                    4712, query="ALTER TABLE orders ADD COLUMN total", user="deploy", application="dbconsole"
                ),
                (),
            ),
        ),
    ),
)


# Where the database stands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("enter",), ("p",)], ids=["list", "revision", "preview"])
def test_migrations(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=keys(*pressed))


@pytest.mark.parametrize("theme", SHIPPED)
def test_preview_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    app = console(theme=theme, environment="production")
    assert snap_compare(app, terminal_size=DESIGN, run_before=keys("p", "pagedown"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_all_that_can_be_wrong(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(console(TROUBLED), terminal_size=size, run_before=keys("enter"))


def test_another_migrates(snap_compare: SnapCompare) -> None:
    status = migration_status(lock=LOCK, invalid_indexes=(INVALID_INDEX,))
    assert snap_compare(console(status), terminal_size=SMALL, run_before=keys())


@pytest.mark.parametrize("status", [NO_SOURCE, migration_status(())], ids=["no source", "no revisions"])
def test_nothing_to_show(snap_compare: SnapCompare, status: MigrationStatus) -> None:
    assert snap_compare(console(status), terminal_size=SMALL, run_before=keys())


def test_sorted_the_graph_is_dots(snap_compare: SnapCompare) -> None:
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("s", "s"))


# What would run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_a_rollback_with_what_it_loses(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=keys("down", "down", "down", "p"))


@pytest.mark.parametrize("key", ["g", "n", "T"])
def test_questions(snap_compare: SnapCompare, key: str) -> None:
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys(key))


def test_verify(snap_compare: SnapCompare) -> None:
    app = console()
    app.migrations.drifts = (
        Drift("public.orders.total", "missing in the database"),
        Drift("public.orders.note", "nullable in the database, not in the metadata"),
    )
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("v"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_the_question_before_an_upgrade(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    app = console(environment="production")
    assert snap_compare(app, terminal_size=size, run_before=keys("u"))


# A run --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_running(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(console(), terminal_size=size, run_before=keys("u", *CONFIRM, then=stands(RUNNING)))


def test_running_in_sixteen_colours(snap_compare: SnapCompare) -> None:
    app = console(theme="sixteen")
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("u", *CONFIRM, then=stands(RUNNING)))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_waiting_for_a_lock(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    then = stands(RUNNING, work=None, blocked_by=BLOCKED, attempt=3)
    assert snap_compare(console(), terminal_size=size, run_before=keys("u", *CONFIRM, then=then))


def test_waiting_to_try_again(snap_compare: SnapCompare) -> None:
    then = stands(
        RUNNING,
        state=RunState.PAUSING,
        statement=None,
        work=None,
        retry_at=MONOTONIC + 7,
        attempt=3,
        sentence="A lock was not to be had within 3 s; all of 9f3c2a1be07d is rolled back.",
    )
    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("u", *CONFIRM, then=then))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_failed(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    then = stands(
        RUNNING,
        state=RunState.FAILED,
        statement=None,
        work=None,
        failed_statement="CREATE INDEX objects_place_idx ON arxos_cad.objects USING gist (place)",
        sentence='9f3c2a1be07d: data type text has no default operator class for access method "gist" (42704). '
        "All of it is rolled back.",
    )
    assert snap_compare(console(), terminal_size=size, run_before=keys("u", *CONFIRM, then=then))


def test_a_rehearsal_is_over(snap_compare: SnapCompare) -> None:
    then = stands(
        RUNNING,
        state=RunState.DONE,
        statement=None,
        work=None,
        finished=2,
        timings=(*RUNNING.timings, TimedStatement("9f3c2a1be07d", "CREATE INDEX objects_place_idx", 131.0)),
        sentence="All of it ran, and all of it was rolled back.",
    )
    assert snap_compare(console(), terminal_size=DESIGN, run_before=keys("h", *CONFIRM, then=then))


def test_a_run_that_is_not_looked_at(snap_compare: SnapCompare) -> None:
    then = stands(RUNNING)

    def begun(app: FakeConsole) -> None:
        then(app)
        app.screen.dismiss()

    assert snap_compare(console(), terminal_size=SMALL, run_before=keys("u", *CONFIRM, then=begun))
