"""Passwords that real servers want: found, typed, rotated, and asked of nobody."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from console.commands import stored_passwords
from console.credentials.passwords import Passwords
from console.data.server import Server
from console.errors import PasswordRefused
from console.models.credentials import Answer, Question
from console.models.server import LinkState
from console.settings import Settings
from console.targets import resolve
from tests.live import until
from tests.pgbouncer import pgbouncer
from tests.postgres import Clusters, PostgresCluster
from tests.program import dbconsole
from tests.unit.test_credentials import FakeVault


class Person:
    """Types what a test says, and goes back when that is nothing."""

    patience = 0.05

    def __init__(self, typed: str | None) -> None:
        self.typed = typed
        self.problems: list[str] = []
        """What it was told whenever it was asked."""

    async def ask(self, question: Question) -> Answer | None:
        self.problems.append(question.problem)
        return Answer(SecretStr(self.typed), store=False) if self.typed is not None else None

    def update(self, question: Question) -> None:
        pass

    def say(self, sentence: str) -> None:
        raise AssertionError(sentence)


@pytest.fixture
async def rotate(postgres: PostgresCluster) -> AsyncIterator[Callable[[str], None]]:
    """Gives the role `rotating` another password, and ends its sessions when the test is over."""
    postgres.psql("CREATE ROLE rotating LOGIN PASSWORD 'first'")
    yield lambda password: postgres.psql(f"ALTER ROLE rotating PASSWORD '{password}'")
    postgres.psql("DROP ROLE rotating")


@asynccontextmanager
async def kept_connected(url: str, person: Person) -> AsyncIterator[Server]:
    """A server that is connected to whenever the connection is lost."""
    passwords = Passwords(environ={})
    passwords.asker = person
    server = Server(resolve(url, {}), Settings(), passwords=passwords)
    connecting = asyncio.create_task(server.keep_connected())
    try:
        yield server
    finally:
        connecting.cancel()
        await server.close()


async def test_a_password_that_is_rotated_is_asked_for_again(
    postgres: PostgresCluster, rotate: Callable[[str], None]
) -> None:
    failures = postgres.log.count('password authentication failed for user "rotating"')
    person = Person(None)
    where = f"127.0.0.1:{postgres.port}"
    async with kept_connected(postgres.url("rotating", password=""), person) as server:
        await until(lambda: server.link.state is LinkState.REFUSED)
        assert server.link.problem == (f"{where} wants a password of role 'rotating'; give the right one.")
        person.typed = "first"
        server.try_now()
        await until(lambda: server.link.state is LinkState.LIVE)
        assert (server.target.password_from, len(person.problems)) == ("what was typed", 2)

        # While the console is connected: the connection stays, and further ones have the new password.
        rotate("second")
        person.typed = "second"
        async with server.engine.connection() as connection:
            assert await connection.scalar(text("SELECT current_user")) == "rotating"
        assert person.problems[2:] == [
            f"{where} refused the password of role 'rotating' from what was typed."
        ]
        assert server.target.password == SecretStr("second")
        async with server.visit() as visiting:
            assert await visiting.fetchval("SELECT 1") == 1

        # And lost: it comes back as soon as the new one is typed.
        rotate("third")
        person.typed = "third"
        postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'")
        await until(lambda: len(person.problems) == 4 and server.link.state is LinkState.LIVE)
        assert server.target.password == SecretStr("third")

        # Whoever does not want to answer is not asked by each further connection.
        await server.engine.close()
        rotate("fourth")
        person.typed = None
        for _ in range(2):
            with pytest.raises(Exception, match="refused the password of role 'rotating'"):
                async with server.engine.connection():
                    pass
        assert len(person.problems) == 5
    said = postgres.log.count('password authentication failed for user "rotating"') - failures
    assert said == 3, "one for each password that was not right any more"


async def test_a_pooler_s_password_is_asked_for_too(clusters: Clusters, postgres: PostgresCluster) -> None:
    person = Person(postgres.password)
    with pgbouncer(clusters, postgres, "transaction") as pooler:
        url = pooler.url().replace(postgres.password, "wrong")
        async with kept_connected(url, person) as server:
            await until(lambda: server.link.state is LinkState.LIVE)
            assert len(person.problems) == 1
            assert "refused the password" in person.problems[0]


def test_a_given_password_is_the_only_one_that_is_sent(postgres: PostgresCluster, tmp_path: Path) -> None:
    file = tmp_path / ".pgpass"
    file.write_text(f"*:*:*:*:{postgres.password}\n")
    file.chmod(0o600)
    url = postgres.url("plain", password="")
    failure = 'password authentication failed for user "plain"'
    stored = dbconsole("pools", url, "--json", environment={"HOME": str(tmp_path)})
    assert (stored.returncode, stored.stderr) == (0, "")

    before = postgres.log.count(failure)
    given = {"HOME": str(tmp_path), "PGPASSWORD": "s3cret"}
    refused = dbconsole("pools", url, environment=given)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == (
        f"dbconsole: 127.0.0.1:{postgres.port} refused the password of role 'plain' from PGPASSWORD; "
        "give the right one in PGPASSWORD, or none there so that it is looked for elsewhere.\n"
    )
    psql = subprocess.run(
        [postgres.programs.directory / "psql", "-w", "-c", "SELECT 1", url], env=given, capture_output=True
    )
    assert psql.returncode == 2, "libpq has it so too"
    assert postgres.log.count(failure) == before + 2


def test_login_tries_what_is_typed_and_no_other_password(
    postgres: PostgresCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".pgpass"
    file.write_text(f"*:*:*:*:{postgres.password}\n")
    file.chmod(0o600)
    vault, typed = FakeVault(), [SecretStr("s3cret"), SecretStr(postgres.password)]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(stored_passwords, "Vault", lambda *_: vault)
    monkeypatch.setattr(stored_passwords, "may_ask_password", lambda: True)
    monkeypatch.setattr(stored_passwords, "typed_password", lambda *_: typed.pop(0))
    url = postgres.url("plain", password="")
    with pytest.raises(PasswordRefused) as caught:
        stored_passwords.log_in(url)
    assert caught.value.sentence == (
        f"127.0.0.1:{postgres.port} refused the password of role 'plain' from what was typed; "
        "nothing was stored, and dbconsole login asks for another one."
    )
    assert vault.password is None
    assert "is right, and is in the keyring now" in stored_passwords.log_in(url)
    assert vault.password == SecretStr(postgres.password)


def test_an_environment_s_password_command_serves_every_command(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    config = tmp_path / "dbconsole" / "config.toml"
    config.parent.mkdir()

    def pools(command: str, *more: str) -> subprocess.CompletedProcess[str]:
        url = postgres.url("plain", password="")
        config.write_text(
            f"keyring = false\n[environments.prod]\nprimary = '{url}'\npassword_command = {command}\n"
        )
        environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        return dbconsole("pools", "-e", "prod", *more, environment=environment)

    done = pools(f'["printf", "%s\\\\nuser: plain\\\\n", "{postgres.password}"]')
    assert (done.returncode, done.stderr) == (0, "")
    for command, why in {
        "'sh -c \"echo s3cret; exit 2\"'": "the password command ended with exit code 2",
        "'sh -c \"echo s3cret; echo s3cret\"'": "the password command printed 2 lines, of which the first is taken",
        "'/nonexistent s3cret'": "the password command cannot be started: No such file or directory",
    }.items():
        done = pools(command, "--no-password")
        assert done.returncode == 3
        assert done.stderr.count("\n") == 1
        assert why in done.stderr
        assert "role 'plain'" in done.stderr
        assert "s3cret" not in done.stderr
        tested = dbconsole(
            "env", "test", environment={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        )
        assert (tested.returncode, why in tested.stdout) == (3, True)
    for command in ("login", "logout"):
        refused = dbconsole(
            command, postgres.url(), environment={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        )
        assert (refused.returncode, "keyring = false" in refused.stderr) == (1, True)
