"""Where passwords come from: files, programs, keyrings, and the person who is asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import keyring.backend
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.SecretService
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from console.commands import asking as asking_module
from console.commands import logout, stored_passwords
from console.commands.asking import TerminalAsker
from console.commands.launch import find_target, passwords_for
from console.credentials import vault as vault_module
from console.credentials.command import CommandFailed, printed_password
from console.credentials.known import with_passwords
from console.credentials.passwords import Passwords
from console.credentials.vault import KeyringUnusable, Vault
from console.destinations import all_destinations, destination_of
from console.errors import PasswordRefused
from console.models.credentials import Answer, Question
from console.models.environments import Destination, Kind
from console.models.target import Target
from console.settings import Settings
from console.targets import resolve
from tests.live import until

PLACE = resolve("postgresql://app@db1:5432/shop", {})
REFUSED = PasswordRefused("db1:5432 wants a password of role 'app'; give the right one.")


@pytest.fixture
def passfile(tmp_path: Path) -> Path:
    """A password file with a line for one of two hosts, and one for an address."""
    file = tmp_path / "pgpass"
    file.write_text("db2:5433:shop:app:second\n10.0.0.3:*:*:*:third\n")
    file.chmod(0o600)
    return file


def passwords(target: Target) -> list[str | None]:
    """What is given at each place."""
    return [place.password.get_secret_value() if place.password else None for place in target.endpoints]


def test_each_place_has_its_own(passfile: Path) -> None:
    target = resolve(
        f"host=db1,db2, hostaddr=10.0.0.3,10.0.0.3,10.0.0.3 port=5433 user=app dbname=shop passfile={passfile}",
        {},
    )
    found = with_passwords(target, {}, pytest.fail)
    assert passwords(found) == [None, "second", "third"]
    assert [one.password_from for one in found.endpoints] == [None, *["the password file"] * 2]


def test_the_password_of_the_target_wins_everywhere(passfile: Path) -> None:
    target = resolve("postgresql://app:own@db1,db2:5433/shop", {"PGPASSFILE": str(passfile)})
    assert passwords(with_passwords(target, {}, pytest.fail)) == ["own", "own"]
    own = replace(target, password=SecretStr("other"))
    assert with_passwords(own, {}, pytest.fail) == own


def test_a_file_that_is_open_to_others_is_complained_of_once(passfile: Path) -> None:
    passfile.chmod(0o644)
    warnings: list[str] = []
    target = resolve("postgresql://app@db1,db2:5433/shop", {"PGPASSFILE": str(passfile)})
    assert passwords(with_passwords(target, {}, warnings.append)) == [None, None]
    assert len(warnings) == 1


# Programs -------------------------------------------------------------------------------------------------------


async def test_a_program_prints_a_password_and_leaves_nothing_running(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f"sleep 1000 >/dev/null & echo $! > {child}; cat; printf 'pä s\\r\\nuser: app\\n'"
    printed = await printed_password(("sh", "-c", script))
    assert (printed.secret.get_secret_value(), printed.lines) == ("pä s", 2)
    assert "pä" not in repr(printed)
    await until(lambda: not is_running(int(child.read_text())))

    # Nor does one that is not waited for any more.
    child.unlink()
    hanging = asyncio.create_task(printed_password(("sh", "-c", f"echo $$ > {child}; sleep 1000")))
    await until(lambda: child.exists() and bool(child.read_text()))
    hanging.cancel()
    with suppress(asyncio.CancelledError):
        await hanging
    assert not is_running(int(child.read_text()))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo s3cret; exit 3", "ended with exit code 3"),
        ("echo s3cret; kill -9 $$", "ended with signal 9"),
        ("echo; echo s3cret", "printed no password"),
        ("printf 's3cret\\377'", "printed what is not UTF-8 text"),
        ("echo s3cret; sleep 1000", "did not end within 0.3 s"),
    ],
    ids=["fails", "killed", "prints nothing", "binary", "hangs"],
)
async def test_what_a_program_prints_is_not_said_where_it_fails(script: str, why: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        await printed_password(("sh", "-c", script), 0.3 if "sleep" in script else 20)
    assert str(caught.value) == f"the password command {why}"


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(CommandFailed, match="cannot be started: No such file or directory"):
        await printed_password(("/nonexistent/pass", "s3cret"))


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not dead already."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


# Keyrings -------------------------------------------------------------------------------------------------------


class PlainText(keyring.backend.KeyringBackend):
    """Writes passwords down for everybody to read."""

    priority = 1

    def get_password(self, service: str, username: str) -> str:
        raise AssertionError("asked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("asked")


class Chain(keyring.backends.chainer.ChainerBackend):
    """One with given members."""

    backends: list[keyring.backend.KeyringBackend] = []  # noqa: RUF012


Chain.__module__, Chain.__qualname__ = "keyring.backends.chainer", "ChainerBackend"


class Slow:
    """A real one that nobody unlocks until the test does."""

    def __init__(self) -> None:
        self.is_unlocked = False

    def get_password(self, service: str, username: str) -> str:
        while not self.is_unlocked:
            time.sleep(0.005)
        return "slow"


async def test_only_real_keyrings_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    real, plain, none = (
        kind()
        for kind in cast(
            "list[Callable[[], Any]]",
            [keyring.backends.SecretService.Keyring, PlainText, keyring.backends.fail.Keyring],
        )
    )
    monkeypatch.setattr(real, "get_password", lambda service, name: f"{service} {name}")
    chain: Any = object.__new__(Chain)
    chain.backends = [plain, real]
    monkeypatch.setattr(keyring, "get_keyring", lambda: chain)
    found = await Vault("staging").find(PLACE)
    assert found is not None
    assert found.get_secret_value() == "dbconsole app@db1:5432 (staging)"

    chain.backends = [plain]
    for other in (chain, plain, none):
        monkeypatch.setattr(keyring, "get_keyring", lambda other=other: other)
        with pytest.raises(KeyringUnusable) as caught:
            await Vault(None).keep(PLACE, SecretStr("s3cret"))
        assert ("no keyring here" if other is none else "no keyring to trust") in str(caught.value)


async def test_a_keyring_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(vault_module, "_store", lambda: slow)
    vault = Vault(None, 0.05)
    with pytest.raises(KeyringUnusable, match=r"did not answer within 0\.05 s"):
        await vault.find(PLACE)
    with pytest.raises(KeyringUnusable, match="still does not answer"):
        await vault.find(PLACE)
    slow.is_unlocked = True
    await until(lambda: not vault._is_asked)
    found = await vault.find(PLACE)
    assert found is not None
    assert found.get_secret_value() == "slow"

    # Whoever takes a password out is there to unlock it, and is told that this is what is waited for.
    slow.is_unlocked = False
    monkeypatch.setattr(vault_module, "MOMENT_SECONDS", 0.01)
    monkeypatch.setattr(stored_passwords, "UNLOCKING_SECONDS", 0.1)
    done = await asyncio.to_thread(CliRunner().invoke, logout.command, ["postgresql://app@db1/shop"])
    slow.is_unlocked = True
    assert "dbconsole: waiting for the keyring, which may have to be unlocked …\n" in done.stderr


# Trying one after the other --------------------------------------------------------------------------------------


class FakeAsker:
    """Answers when it is told to; None is a person who goes back."""

    patience: float | None = 0.05

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.said: list[str] = []
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    async def ask(self, question: Question) -> Answer | None:
        self.questions.append(question)
        return await self.answer

    def update(self, question: Question) -> None:
        self.questions.append(question)
        if question.is_found and not self.answer.done():
            self.answer.set_result(None)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


class FakeVault:
    """A keyring with one password, which is there once it is unlocked."""

    def __init__(self, password: str | None = None, problem: str | None = None) -> None:
        self.password = SecretStr(password) if password else None
        self.problem = problem
        self.unlocked = asyncio.Event()
        self.unlocked.set()

    async def find(self, place: Target) -> SecretStr | None:
        await self.unlocked.wait()
        if self.problem:
            raise KeyringUnusable(self.problem)
        return self.password

    async def keep(self, place: Target, password: SecretStr) -> None:
        self.password = password


def tried(command: str | None, vault: FakeVault, home: Path = Path("/nonexistent")) -> Passwords:
    """Passwords from a program and a keyring, and from the password file in a home."""
    words = ("echo", command) if command else None
    return Passwords(words, vault, {"HOME": str(home)})  # type: ignore[arg-type]


async def test_every_password_is_tried_once_in_the_order_of_their_places(tmp_path: Path) -> None:
    file = tmp_path / ".pgpass"
    file.write_text("db1:5432:*:*:filed\n")
    file.chmod(0o600)
    passwords = tried("printed", FakeVault("kept"), tmp_path)
    passwords.asker = asker = FakeAsker()
    asker.answer.set_result(Answer(SecretStr("typed"), store=True))
    place = passwords.known(replace(PLACE, password=SecretStr("filed"), password_from="the password file"))
    seen = []
    for _ in range(5):
        assert place.password is not None
        seen.append((place.password.get_secret_value(), place.password_from))
        place = await passwords.another(place, REFUSED)
        if place.password_from == "what was typed":
            break
    assert seen == [
        ("filed", "the password file"),
        ("printed", "the password command"),
        ("kept", "the keyring"),
    ]
    assert asker.questions[0].was_stored
    assert asker.questions[0].reasons == tuple(
        f"{where} has the one that was refused" for where in ("the password file", "the password command")
    )

    passwords.proven(place)
    await until(lambda: asker.said == ["The password is in the keyring."])
    # What was typed is for every place of the server, and stays.
    elsewhere = passwords.known(replace(PLACE, host="db2"))
    assert elsewhere.password == SecretStr("typed")


async def test_many_connections_that_want_one_ask_once_and_are_not_told_twice() -> None:
    passwords = tried(None, FakeVault(problem="the keyring is locked"))
    passwords.asker = asker = FakeAsker()
    asking = [asyncio.create_task(passwords.another(PLACE, REFUSED)) for _ in range(3)]
    await until(lambda: bool(asker.questions))
    asker.answer.set_result(None)
    for task in asking:
        with pytest.raises(PasswordRefused):
            await task
    with pytest.raises(PasswordRefused) as caught:
        await passwords.another(PLACE, REFUSED)
    assert "(the keyring is locked)" in caught.value.sentence
    assert len(asker.questions) == 1

    passwords.start_over()
    with pytest.raises(PasswordRefused) as caught:
        await passwords.another(PLACE, REFUSED)
    assert len(asker.questions) == 2
    assert (
        caught.value.sentence
        == "db1:5432 wants a password of role 'app' (the keyring is locked); give the right one."
    )


async def test_a_locked_keyring_is_waited_for_while_a_person_is_asked() -> None:
    vault = FakeVault("kept")
    vault.unlocked.clear()
    passwords = tried(None, vault)
    passwords.asker = asker = FakeAsker()
    asking = asyncio.create_task(passwords.another(PLACE, REFUSED))
    await until(lambda: bool(asker.questions))
    assert (asker.questions[0].waiting_for, asker.questions[0].can_store) == ("the keyring", False)
    vault.unlocked.set()
    place = await asking
    assert (place.password, place.password_from) == (SecretStr("kept"), "the keyring")

    # Whoever wanted to connect may not want to any more: nothing is asked and nothing runs then.
    vault.unlocked.clear()
    asker.answer = asyncio.get_running_loop().create_future()
    before = asyncio.all_tasks()
    again = asyncio.create_task(passwords.another(place, REFUSED))
    await until(lambda: len(asker.questions) > 3)
    again.cancel()
    with suppress(asyncio.CancelledError):
        await again
    assert asyncio.all_tasks() <= before


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Destination, FakeVault], Awaitable[str]]:
    """What a person can do, in the words that are said where a server's password is not to be had."""

    async def say(destination: Destination, vault: FakeVault) -> str:
        monkeypatch.setattr(vault_module, "Vault", lambda _environment: vault)
        target = find_target(destination, pytest.fail)
        passwords = passwords_for(destination, target, Settings())
        with pytest.raises(PasswordRefused) as caught:
            await passwords.another(passwords.known(target), REFUSED)
        return caught.value.sentence.rpartition("'app'")[2]

    for name in [name for name in os.environ if name.startswith(("PG", "DB_", "DATABASE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return say


async def test_what_helps_is_said_and_nothing_else(
    said: Callable[[Destination, FakeVault], Awaitable[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "dbconsole" / "config.toml"
    config.parent.mkdir()
    config.write_text("[environments.qa]\nprimary = 'host=db1 user=app dbname=shop'\n")
    login, open_keyring = ", or store it with dbconsole login.", FakeVault()

    def meant(argument: str | None = None, environment: str | None = None) -> Destination:
        return destination_of(argument, environment, os.environ)

    url = "postgresql://app@db1/shop"
    assert await said(meant(url), open_keyring) == f"; give the right one in PGPASSWORD or ~/.pgpass{login}"
    assert await said(meant(f"{url}?passfile=/nowhere"), FakeVault(problem="there is no keyring here")) == (
        " (there is no keyring here); give the right one in PGPASSWORD or /nowhere."
    )
    in_environment = "~/.pgpass or the environment's password_command"
    assert await said(meant(None, "qa"), open_keyring) == (
        f"; give the right one in PGPASSWORD, {in_environment}{login}"
    )
    # Chosen from the list, or while variables name another server: none of them is looked at.
    chosen = {one.kind: one for one in all_destinations(None, None, os.environ)}
    assert (
        await said(chosen[Kind.ENVIRONMENT], open_keyring)
        == f"; give the right one in {in_environment}{login}"
    )
    monkeypatch.setenv("DB_HOST", "db1")
    assert await said(meant(None, "qa"), open_keyring) == f"; give the right one in {in_environment}{login}"
    assert await said(meant(), open_keyring) == f"; give the right one in DB_PASSWORD or ~/.pgpass{login}"


async def test_no_other_password_is_looked_for_than_the_one_that_was_given(
    said: Callable[[Destination, FakeVault], Awaitable[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, config = tmp_path / ".pgpass", tmp_path / "dbconsole" / "config.toml"
    file.write_text("*:*:*:*:filed\n")
    file.chmod(0o600)
    (tmp_path / ".pg_service.conf").write_text("[shop]\nhost=db1\npassword=wrong\n")
    config.parent.mkdir()
    config.write_text(
        "[environments.qa]\nprimary = 'host=db1,db2 password=wrong'\npassword_command = 'echo x'\n"
    )
    config.chmod(0o600)
    for argument, environment, variables, where in (
        ("postgresql://app:wrong@db1/shop", None, {}, "TARGET"),
        ("service=shop", None, {}, f"line 3 of {tmp_path}/.pg_service.conf"),
        (None, "qa", {}, f"environments.qa in {config}, line 1"),
        ("dbname=shop", None, {"PGPASSWORD": "wrong"}, "PGPASSWORD"),
        (None, None, {"DB_HOST": "db1", "DB_PASSWORD": "wrong"}, "DB_PASSWORD"),
    ):
        with monkeypatch.context() as set_now:
            for name, value in variables.items():
                set_now.setenv(name, value)
            sentence = await said(destination_of(argument, environment, os.environ), FakeVault("kept"))
        assert (
            sentence == f"; give the right one in {where}, or none there so that it is looked for elsewhere."
        )


async def test_who_gives_up_is_not_held_by_a_look_that_ends_slowly() -> None:
    ends = asyncio.Event()

    class SlowToEnd(FakeVault):
        async def find(self, place: Target) -> SecretStr | None:
            try:
                await asyncio.Event().wait()
            finally:
                is_ending.set()
                await ends.wait()
            return None

    is_ending = asyncio.Event()
    passwords = tried(None, SlowToEnd())
    passwords.asker = asker = FakeAsker()
    asker.answer.set_result(Answer(SecretStr("typed"), store=False))
    asking = asyncio.create_task(passwords.another(PLACE, REFUSED))
    await is_ending.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    ends.set()


async def test_at_the_terminal_a_refusal_is_said_before_anything_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["wrong", "right"])
    monkeypatch.setattr(asking_module, "typed_password", lambda *_: SecretStr(next(typed)))
    passwords = tried(None, FakeVault())
    passwords.asker = TerminalAsker()
    await passwords.another(PLACE, REFUSED)
    assert capsys.readouterr().err == "", "the question says it all"
    passwords.asker = TerminalAsker()
    await passwords.another(replace(PLACE, password=SecretStr("wrong"), password_from="PGPASSWORD"), REFUSED)
    assert capsys.readouterr().err == f"dbconsole: {REFUSED.problem}\n"


def test_nothing_of_a_password_is_in_what_is_printed_of_one() -> None:
    typed = Answer(SecretStr("s3cret"), store=True)
    place = replace(PLACE, password=typed.secret)
    assert "s3cret" not in f"{typed}{place!r}{place}{place.endpoints}"
