"""A password in a real keyring: stored, used, rotated, locked away, removed; and seen nowhere."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.program import dbconsole
from tests.secret_service import lock, secret_service
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console, is_on_console

FIRST, SECOND = "s3cret-first", "s3cret-second"
SERVERS, SUSPEND = "\x0f", "\x1a"  # ctrl+o, ctrl+z


@pytest.fixture
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with secret_service(tmp_path_factory.mktemp("keyring")) as environment:
        yield environment


@pytest.fixture
def url(postgres: PostgresCluster) -> Iterator[str]:
    """The address of a role of the test's own."""
    postgres.psql(f"CREATE ROLE keeper LOGIN PASSWORD '{FIRST}'")
    yield postgres.url("keeper", password="")
    postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'")
    postgres.psql("DROP ROLE keeper")


def test_a_password_from_login_to_logout(
    home: Path, postgres: PostgresCluster, keyring: dict[str, str], url: str
) -> None:
    variables = {name: value for name, value in keyring.items() if name != "HOME"}
    whose = f"keeper@127.0.0.1:{postgres.port}"
    outputs = []

    def watch(console: Console) -> None:
        """Nobody else sees it while the console runs."""
        for name in ("cmdline", "environ", "comm"):
            assert b"s3cret" not in Path(f"/proc/{console.pid}/{name}").read_bytes()
        outputs.append(bytes(console.output))

    with Console(home, "login", url, environment=variables) as console:
        console.wait_seen("Password of role keeper at")
        console.send(FIRST + ENTER)
        console.wait_seen(f"The password of {whose} is right, and is in the keyring now.")
        assert console.wait_exit() == 0
        outputs.append(bytes(console.output))
    stored = dbconsole("pools", url, "--json", "-w", environment=keyring)
    assert (stored.returncode, stored.stderr) == (0, "")

    with Console(home, url, environment=variables) as console:
        console.wait_live()
        console.send(SERVERS)
        console.wait_seen("Go from", "The password is from the keyring.")
        console.send(ESCAPE)
        console.wait_live()
        # Rotated while the console is connected; then the connection is lost.
        postgres.psql(f"ALTER ROLE keeper PASSWORD '{SECOND}'")
        postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'")
        console.wait_seen("refused the password of role 'keeper' from the keyring.", "in the keyring: yes")
        console.send(SUSPEND)
        console.wait_stopped()
        console.signal(signal.SIGCONT)
        console.wait_for(is_on_console)
        console.wait_seen("in the keyring: yes")
        console.send(f"wrong{ENTER}")
        console.wait_seen("from what was typed.")
        console.send(f"{SECOND}{TAB}")
        console.send(ENTER)
        console.wait_seen("The password is in the keyring.")
        console.wait_live()
        watch(console)
        console.quit()

    removed = dbconsole("logout", url, environment=keyring)
    assert removed.stderr == f"The password of {whose} is out of the keyring.\n"
    assert dbconsole("logout", url, environment=keyring).returncode == 1

    lock(keyring)
    with Console(home, url, environment=variables) as console:
        console.wait_seen("wants a password of role 'keeper'", "The keyring is locked.")
        assert "store it in the keyring" not in console.screen.text
        console.send(ESCAPE)
        console.wait_gone("Password of role")
        console.wait_seen("wants a password of role 'keeper' (the keyring is", "Press r to try again")
        console.send("r")
        console.wait_seen("The keyring is locked.")
        console.send(SECOND + ENTER)
        console.wait_live()
        watch(console)
        console.quit()
    assert "the keyring is locked" in dbconsole("logout", url, environment=keyring).stderr

    with Console(home, "pools", url, environment=variables) as console:
        console.wait_seen("The keyring is locked.", "Password of role keeper at")
        console.send(f"wrong{ENTER}")
        console.wait_for(lambda screen: screen.text.count("Password of role keeper at") == 2)
        console.wait_seen("refused the password of role 'keeper' from what was typed")
        console.send(SECOND + ENTER)
        console.wait_seen("connections ")
        assert console.wait_exit() == 0
        outputs.append(bytes(console.output))
    none = dbconsole("login", url, environment={"HOME": str(home)})
    assert (none.returncode, none.stdout) == (1, "")
    assert "there is no keyring here; ~/.pgpass or the environment's password_command" in none.stderr
    kept = [file for file in home.rglob("*") if file.is_file()]
    outputs += [file.read_bytes() for file in kept] + [postgres.log.encode()]
    assert not any(b"s3cret" in output for output in outputs)
