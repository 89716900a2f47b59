"""Migrations on a terminal: the program, a real project and a real server."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.alembic_projects import Written, table, write_project
from tests.postgres import PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console, has_focus
from tests.workload import Workload

pytestmark = pytest.mark.xdist_group("console-screens")

QUESTION = "This will run:"


@dataclass(frozen=True)
class Scene:
    """A project of three revisions, the first of them applied, and its database."""

    cluster: PostgresCluster
    database: str
    folder: Path

    @property
    def arguments(self) -> list[str]:
        """What opens the console on it."""
        url = self.cluster.url(database=self.database)
        return [url, "--screen", "migrations", "--refresh", "0.5", "--migrations", str(self.folder)]

    def ask(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """The rows of a statement in that database."""
        rows = asyncio.run(self.cluster.run(statement, *arguments, database=self.database))
        return [tuple(row) for row in rows]

    @property
    def version(self) -> list[tuple[object, ...]]:
        """What the version table names."""
        return self.ask("SELECT version_num FROM alembic_version")


@pytest.fixture
def scene(postgres: PostgresCluster, home: Path) -> Iterator[Scene]:
    folder = home / "project"
    folder.mkdir()
    write_project(
        folder,
        table("orders", "first"),
        Written(
            "second",
            "op.execute('ALTER TABLE orders ADD COLUMN total numeric')",
            "op.drop_column('orders', 'total')",
        ),
        Written("third", "op.execute('SELECT pg_sleep(60)')"),
    )
    database = f"migrated_{uuid4().hex[:12]}"
    asyncio.run(postgres.run(f"CREATE DATABASE {database}"))
    scene = Scene(postgres, database, folder)
    scene.ask("CREATE TABLE orders (id int PRIMARY KEY, note text)")
    scene.ask("INSERT INTO orders SELECT n, 'a note' FROM generate_series(1, 1234) n")
    scene.ask("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    scene.ask("INSERT INTO alembic_version VALUES ('first')")
    try:
        yield scene
    finally:
        asyncio.run(postgres.run(f"DROP DATABASE {database} WITH (FORCE)"))


def confirm(console: Console, action: str) -> None:
    """Answers the question with its action."""
    console.wait_seen(QUESTION)
    console.wait_for(lambda screen: has_focus(screen, "Cancel"))
    console.send(TAB)
    console.wait_for(lambda screen: has_focus(screen, action))
    console.send(ENTER)


def hide(console: Console) -> None:
    """Looks away from the run."""
    console.send(ESCAPE)
    console.wait_gone("esc hide")


def at(console: Console, revision: str) -> None:
    """Goes to a revision's row."""
    console.choose(revision)
    console.wait_seen(revision)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
def test_status_preview_upgrade_and_rollback(scene: Scene, home: Path, columns: int, lines: int) -> None:
    with Console(home, *scene.arguments, columns=columns, lines=lines) as console:
        console.wait_seen("2 pending", "first", "second", "third", "applied", "pending")
        at(console, "second")
        console.send("p")
        console.wait_seen("ADD COLUMN total", "UPDATE alembic_version")
        console.send(ESCAPE)
        console.wait_gone("ADD COLUMN total")

        console.send("u")
        console.wait_seen("Upgrade by 1 revision")
        confirm(console, "Upgrade")
        console.wait_seen("done", "1 revision done.")
        assert scene.version == [("second",)]
        hide(console)
        console.wait_seen("1 pending")

        console.send("d")
        console.wait_seen("orders.total")
        confirm(console, "Roll back")
        console.wait_seen("1 revision done.")
        assert scene.version == [("first",)]
        hide(console)
        console.wait_seen("2 pending")
        entries = [json.loads(line) for line in console.audit_file.read_text().splitlines()]
        assert [(entry["operation"].split()[0], entry["done"]) for entry in entries] == [
            ("Upgrade", True),
            ("Roll", True),
        ]
        console.quit()
    assert scene.ask("SELECT revision, direction, done FROM dbconsole_migrations ORDER BY id") == [
        ("second", "upgrade", True),
        ("second", "downgrade", True),
    ]


def test_who_is_in_the_way_is_seen_and_waited_for(scene: Scene, home: Path) -> None:
    with Workload(scene.cluster) as workload:
        holder = workload.session("forgotten", database=scene.database)
        holder.run("BEGIN")
        holder.run("UPDATE orders SET note = 'held' WHERE id = 1")
        with Console(
            home, *scene.arguments, environment={"DBCONSOLE_MIGRATIONS__LOCK_TIMEOUT": "2"}
        ) as console:
            console.wait_seen("2 pending")
            at(console, "second")
            console.send("u")
            confirm(console, "Upgrade")
            console.wait_seen("It waits for a lock", str(holder.pid), "forgotten")
            console.wait_seen("waiting to try again")
            holder.run("ROLLBACK")
            console.wait_seen("1 revision done.")
            assert scene.version == [("second",)]
            hide(console)
            console.quit()


def test_a_cancel_rolls_back_and_the_interface_goes_on(scene: Scene, home: Path) -> None:
    with Console(home, *scene.arguments) as console:
        console.wait_seen("2 pending")
        at(console, "third")
        console.send("u")
        confirm(console, "Upgrade")
        console.wait_seen("pg_sleep", "1 of 2 done")
        hide(console)
        console.wait_seen("step 2 of 2", "1 pending")
        console.send("1")
        console.wait_seen("by application", "open 3 of 3", "3 conn")
        console.send("4")
        console.wait_seen("step 2 of 2")
        console.send("w")
        console.wait_seen("cancel the migration")
        console.send("c")
        console.wait_seen("cancelled", "third was rolled back")
        assert scene.version == [("second",)]
        hide(console)
        console.wait_seen("failed")
        console.quit()


def test_leaving_in_the_middle_wants_two_words_and_is_written_down(scene: Scene, home: Path) -> None:
    with Console(home, *scene.arguments) as console:
        console.wait_seen("2 pending")
        at(console, "third")
        console.send("u")
        confirm(console, "Upgrade")
        console.wait_seen("pg_sleep", "1 of 2 done")
        hide(console)
        console.send("q")
        console.wait_seen("q again leaves")
        console.quit()
        (entry,) = (json.loads(line) for line in console.audit_file.read_text().splitlines())
    assert (entry["object"], entry["done"]) == ("third", False)
    assert "Cancelled" in entry["outcome"]
    assert scene.version == [("second",)]


def test_killed_in_the_middle_it_leaves_the_old_revision_and_nothing_else(scene: Scene, home: Path) -> None:
    with Console(home, *scene.arguments) as console:
        console.wait_seen("2 pending")
        at(console, "third")
        console.send("u")
        confirm(console, "Upgrade")
        console.wait_seen("pg_sleep", "1 of 2 done")
        workers = psutil.Process(console.pid).children(recursive=True)
        assert workers
        console.signal(signal.SIGKILL)
        gone, alive = psutil.wait_procs(workers, timeout=20)
        assert not alive, gone
    with Workload(scene.cluster) as workload:
        workload.until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{scene.database}')")
    assert scene.version == [("second",)]


def test_production_wants_the_revision_typed(scene: Scene, home: Path) -> None:
    with Console(home, *scene.arguments, "-e", "production") as console:
        console.wait_seen("2 pending")
        at(console, "second")
        console.send("u")
        console.wait_seen(QUESTION, "Type second to go on")
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send("second")
        console.wait_for(lambda screen: not has_focus(screen, "Cancel"))
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(TAB)
        console.wait_for(lambda screen: has_focus(screen, "Upgrade"))
        console.send(ENTER)
        console.wait_seen("1 revision done.")
        hide(console)
        console.quit()
