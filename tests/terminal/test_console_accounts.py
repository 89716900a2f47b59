"""Accounts on a terminal: a user is created, found, deactivated, given a password; the trail knows and is whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.accounts import CLOUD_ASSIST, installed, platform_of
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster
from tests.terminal.console_session import DOWN, ENTER, ESCAPE, TAB, Console, has_focus

pytestmark = pytest.mark.xdist_group("console-screens")

EMAIL = "Zoe.O'Neil@example.com"
PASSWORD = "Xq7_Zw9-correct-battery"


class Ground:
    """A database of the test's own, asked without an event loop of its own."""

    def __init__(self, runner: asyncio.Runner, found: Database) -> None:
        self._runner = runner
        self._database = found
        self.url = found.url

    def ask(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        rows = self._runner.run(self._database.run(statement, *arguments))
        return [tuple(row) for row in rows]


@contextmanager
def ground(cluster: PostgresCluster, kind: str) -> Iterator[Ground]:
    """The platform's tables ("platform"), those of cloud-assist ("old"), or none."""
    with asyncio.Runner() as runner:
        made = {
            "platform": lambda: platform_of(cluster),
            "old": lambda: installed(cluster, CLOUD_ASSIST),
            "none": lambda: database(cluster),
        }[kind]()
        found = runner.run(made.__aenter__())
        try:
            yield Ground(runner, found)
        finally:
            runner.run(made.__aexit__(None, None, None))


@contextmanager
def accounts(ground: Ground, home: Path, *options: str) -> Iterator[Console]:
    with Console(home, ground.url, "--refresh", "0.5", "--screen", "accounts", *options) as console:
        console.wait_live()
        yield console


def say_yes(console: Console, label: str) -> None:
    """Answers the question before a change."""
    console.wait_for(lambda screen: has_focus(screen, "Cancel"))
    console.send(TAB)
    console.wait_for(lambda screen: has_focus(screen, label))
    console.send(ENTER)


def test_a_user_from_its_making_to_its_end(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "platform") as database, accounts(database, home) as console:
        console.wait_seen("There are no users.")
        console.send("n")
        console.wait_seen("A new user", "telephone")
        console.send(EMAIL + ENTER)
        for _ in range(4):
            console.send(ENTER)
        console.wait_seen("Create the user", "It has no password and no key yet")
        say_yes(console, "Create")
        console.wait_seen("is there now", "● active")
        # Another one with the same address in another case is refused, and what was typed is still there.
        console.send("n")
        console.wait_seen("A new user")
        console.send(EMAIL.upper() + ENTER * 5)
        console.wait_seen("is that of another user already", f" {EMAIL.upper()} ")
        console.send(ESCAPE)
        console.wait_gone("A new user")
        console.choose("neil")
        console.wait_seen("1 user found · search: neil", EMAIL)
        console.send("d")
        console.wait_seen("Deactivate the user", "SET is_active=false")
        say_yes(console, "Deactivate")
        console.wait_seen("▲ deactivated")
        console.send("h")
        console.wait_seen("user.deactivate", "user.create")
        console.send("v")
        console.wait_seen("● whole", "chain whole at", ", 2 rows")
        console.send(ENTER)
        console.wait_seen("before", '"is_active": true')
        console.quit()
        assert database.ask("SELECT email, is_active FROM arxos_core.users") == [(EMAIL, False)]
        entries = [json.loads(line) for line in console.audit_file.read_text().splitlines()]
        assert [(entry["object"], entry["done"]) for entry in entries] == [(EMAIL, True), (EMAIL, True)]


def test_a_password_is_nowhere_but_in_its_hash(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "platform") as database:
        database.ask("INSERT INTO arxos_core.users (email) VALUES ('ada@example.com') RETURNING id")
        with accounts(database, home) as console:
            console.wait_seen("ada@example.com")
            console.send("p")
            console.wait_seen("A new password for ada@example.com")
            console.send(PASSWORD + ENTER)
            console.wait_for(lambda screen: screen.text.count("•") == len(PASSWORD))
            console.send(PASSWORD + ENTER)
            console.wait_seen("Set a password for the user", "$argon2id$…")
            say_yes(console, "Set password")
            console.wait_seen("has a new")
            console.quit()
            assert PASSWORD.encode() not in bytes(console.output)
            assert PASSWORD not in console.audit_file.read_text()
        ((kept,),) = database.ask("SELECT password_hash FROM arxos_core.users")
        assert str(kept).startswith("$argon2id$")
        ((said,),) = database.ask("SELECT string_agg(audit_logs::text, '') FROM arxos_core.audit_logs")
        assert "user.set_password" in str(said)
        assert PASSWORD not in str(said)


def test_many_users_are_shown_page_by_page(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "platform") as database:
        database.ask(
            "INSERT INTO arxos_core.users (email)"
            " SELECT 'user' || to_char(i, 'FM000') || '@example.com' FROM generate_series(1, 250) i RETURNING 1"
        )
        with accounts(database, home) as console:
            console.wait_seen("> next", "user001@example.com …")
            console.send(">")
            console.wait_seen("< before", "user101@example.com …")
            console.send(">")
            console.wait_seen("user201@example.com …", "user250@")
            console.send(">")
            console.wait_seen("This is the last page.")
            console.send("<")
            console.wait_seen("user101@example.com …")
            console.send("<")
            console.wait_seen("user001@example.com …")
            console.quit()


def test_sessions_are_ended(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "platform") as database:
        database.ask(
            "WITH ada AS (INSERT INTO arxos_core.users (email) VALUES ('ada@example.com') RETURNING id)"
            " INSERT INTO arxos_core.sessions (user_id, session_token, expires_at, ip_address)"
            " SELECT id, 'secret-token-' || i, now() + interval '1 day', ('10.0.0.' || i)::inet"
            " FROM ada, generate_series(1, 3) i RETURNING 1"
        )
        with accounts(database, home) as console:
            console.wait_seen("ada@example.com")
            console.send("l")
            console.wait_seen("3 sessions found · open only", "10.0.0.2")
            console.send("x")
            console.wait_seen("End a session of ada@example.com")
            say_yes(console, "End")
            console.wait_seen("2 sessions found")
            console.send("X")
            console.wait_seen("is logged in 2 times")
            say_yes(console, "End all")
            console.wait_seen("No sessions are like that.")
            console.send("f")
            console.wait_seen("○ ended")
            console.send(DOWN + ENTER)
            console.wait_seen("secret…")
            console.quit()
            assert b"secret-token" not in bytes(console.output)


def test_an_installation_that_came_before_the_platform(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "old") as database:
        database.ask(
            "INSERT INTO public.users (username, email, password_hash)"
            " VALUES ('ada', 'ada@example.com', '!') RETURNING id"
        )
        with accounts(database, home) as console:
            console.wait_seen("public.audit_logs are not chained", "ada@example.com")
            console.send("D")
            console.wait_seen("has no column")
            console.send("i")
            console.wait_seen("There is no table for")
            console.send("h")
            console.wait_seen("There are no rows.")
            console.send("v")
            console.wait_seen("▲ no chain")
            console.quit()


def test_without_any_tables(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "none") as database, accounts(database, home) as console:
        console.wait_seen("There is no table for users", "dbconsole platform init")
        console.send("o")
        console.wait_seen("postgres", "superuser")
        console.quit()


def test_read_only_and_production(postgres: PostgresCluster, home: Path) -> None:
    with ground(postgres, "platform") as database:
        database.ask("INSERT INTO arxos_core.users (email) VALUES ('ada@example.com') RETURNING id")
        with accounts(database, home, "--read-only") as console:
            console.wait_seen("ada@example.com")
            console.send("D")
            console.wait_seen("is read-only, by --read-only")
            console.quit()
        with accounts(database, home, "--environment", "production") as console:
            console.wait_seen("ada@example.com")
            console.send("D")
            console.wait_seen("PRODUCTION. Type ada@example.com to go on:")
            console.send("ada@example.com" + ENTER)
            console.wait_for(lambda screen: has_focus(screen, "Delete"))
            console.send(ENTER)
            console.wait_seen("◆ deleted")
            console.quit()
