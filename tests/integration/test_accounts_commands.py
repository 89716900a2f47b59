"""`dbconsole users`, `keys` and `audit` on real servers, as a script would call them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.audit_trail import fill
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

PROGRAM = "from console.cli import main; main()"
IMPORTS = "import sys; from console.cli import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
OLD = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def platform(postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database with the platform's core and nothing in it."""
    async with database(postgres) as found:
        await found.upgrade("core@head")
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's home directory, where the local audit file will be."""
    return tmp_path


def dbconsole(
    *arguments: str, home: Path, program: str = PROGRAM, given: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program with nothing of ours in its environment but `environ`; `given` is its standard input."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        input=given or "",
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environ},
    )
    return done


# The audit trail ----------------------------------------------------------------------------------------------


async def test_the_trail_is_listed_and_searched(platform: Database, home: Path) -> None:
    await fill(platform, 600, OLD)
    done = dbconsole("audit", "list", platform.url, "--limit", "0", "--json", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    entries = json.loads(done.stdout)
    assert [entry["sequence"] for entry in entries] == list(range(600, 0, -1))
    assert entries[-1]["at"] == "2020-01-01T00:00:00Z"
    assert entries[-1]["by"] == "ada@desk"

    searched = dbconsole(
        *(
            "audit",
            "list",
            platform.url,
            "--person",
            "bob",
            "--action",
            "api_key",
            "--until",
            "2020-01-01T06:00Z",
        ),
        *("--since", "2020-01-01T00:00:00+00:00", "--object", "api_key"),
        home=home,
    )
    assert (searched.returncode, searched.stderr) == (0, "")
    heading, *lines = searched.stdout.splitlines()
    assert heading.split() == ["row", "time", "(UTC)", "by", "action", "object", "details"]
    assert [line.split()[:5] for line in lines] == [
        ["6", "2020-01-01", "05:00", "bob@desk", "api_key.revoke"],
        ["2", "2020-01-01", "01:00", "bob@desk", "api_key.create"],
    ]

    some = dbconsole("audit", "list", platform.url, "--limit", "3", home=home)
    assert len(some.stdout.splitlines()) == 4
    assert some.stderr == "There are more than these 3; --limit 0 prints all.\n"
    none = dbconsole("audit", "list", platform.url, "--person", "zoe", home=home)
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "The trail has no such row.\n")


async def test_verify_tells_by_its_exit_code(platform: Database, home: Path) -> None:
    await fill(platform, 20, OLD)
    whole = dbconsole("audit", "verify", platform.url, home=home)
    assert (whole.returncode, whole.stdout, whole.stderr) == (
        0,
        "The chain is whole: 20 rows from 1 on.\n",
        "",
    )
    number, hash_, at = dbconsole("audit", "newest", platform.url, home=home).stdout.split()
    assert (number, at) == ("20", "2020-01-01T19:00:00Z")
    as_json = json.loads(dbconsole("audit", "newest", platform.url, "--json", home=home).stdout)
    assert as_json == {"sequence": 20, "hash": hash_, "at": at}
    assert dbconsole("audit", "verify", platform.url, "--expect", hash_, home=home).returncode == 0

    await platform.run("DELETE FROM arxos_core.audit_logs WHERE sequence = 20")
    assert dbconsole("audit", "verify", platform.url, home=home).returncode == 0
    cut = dbconsole("audit", "verify", platform.url, "--expect", hash_, "--json", home=home)
    said = json.loads(cut.stdout)
    assert (cut.returncode, said["is_whole"], said["expected_hash_found"]) == (1, False, False)

    await platform.run("UPDATE arxos_core.audit_logs SET action = 'x' WHERE sequence = 7")
    broken = dbconsole("audit", "verify", platform.url, home=home)
    assert (broken.returncode, broken.stderr) == (1, "")
    assert broken.stdout.startswith("The chain breaks at row 7: ")

    await platform.run("TRUNCATE arxos_core.audit_logs")
    empty = dbconsole("audit", "newest", platform.url, home=home)
    assert (empty.returncode, empty.stdout) == (1, "")
    assert empty.stderr == "dbconsole: The trail is empty: there is no hash yet.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["audit", "verify", "--expect", "abc"], 2, "64 hexadecimal digits"),
        (["audit", "list", "--since", "soon"], 2, "--since: 'soon' is no time"),
        (["audit", "list", "--limit", "-1"], 2, "--limit"),
        (["audit", "verify"], 1, "core_0004"),
        (["audit", "list"], 1, "core_0004"),
        (["audit", "newest"], 1, "core_0004"),
    ],
)
async def test_what_goes_wrong_is_said(
    postgres: PostgresCluster, home: Path, arguments: list[str], code: int, said: str
) -> None:
    async with database(postgres) as empty:
        done = dbconsole(*arguments, empty.url, home=home)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there(home: Path) -> None:
    done = dbconsole("audit", "verify", "postgresql://app:s3cret@127.0.0.1:1/shop", home=home)
    assert (done.returncode, done.stdout) == (3, "")
    assert "s3cret" not in done.stderr


async def test_what_the_trail_says_cannot_steer_the_terminal(platform: Database, home: Path) -> None:
    await platform.run("""
        INSERT INTO arxos_core.audit_logs (sequence, hash, action, details)
        VALUES (1, repeat('0', 64), E'a\\x1b[2Jb', '{"by": "eve\\u001b]0;x\\u0007\\n[b]", "note": "\\u202e"}')""")
    done = dbconsole("audit", "list", platform.url, home=home)
    assert done.returncode == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
    assert len(done.stdout.splitlines()) == 2


async def test_the_audit_commands_import_nothing_that_draws(platform: Database, home: Path) -> None:
    done = dbconsole("audit", "verify", platform.url, "--json", home=home, program=IMPORTS)
    packages = {name.partition(".")[0] for name in done.stderr.split()}
    assert "sqlalchemy" in packages
    assert not packages & {"alembic", "keyring", "plotext", "textual"}
