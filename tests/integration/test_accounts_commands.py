"""`dbconsole users`, `keys` and `audit` on real servers, as a script would call them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from console.data.keys import is_well_formed
from tests.audit_trail import fill
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster
from tests.program import dbconsole as run_program

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
    *arguments: str, home: Path, program: str | None = None, given: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program with nothing of ours in its environment but `environ`; `given` is its standard input.

    `program` is run in place of it, in a Python that has imported nothing.
    """
    if program is None:
        environment = {"HOME": str(home), **environ}
        return run_program(*arguments, environment=environment, cwd=home, given=given or "")
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        errors="surrogateescape",  # a test can give bytes that are no text
        timeout=100,
        input=given or "",
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environ},
    )


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


# Users --------------------------------------------------------------------------------------------------------


def created_user(platform: Database, home: Path, email: str = "Ada@Example.com", *more: str) -> str:
    """The id of a new user."""
    done = dbconsole("users", "create", platform.url, "--email", email, "--yes", *more, home=home)
    assert done.returncode == 0, done.stderr
    return str(UUID(done.stdout.strip()))


async def test_a_user_is_created_shown_and_disabled(platform: Database, home: Path) -> None:
    asked = dbconsole("users", "create", platform.url, "--email", "ada@example.com", home=home)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "INSERT INTO arxos_core.users" in asked.stderr
    assert "--yes" in asked.stderr
    assert not await platform.run("SELECT FROM arxos_core.users")

    id_ = created_user(platform, home, "Ada@Example.com", "--name", "Ada L.", "--username", "ada")
    for name in ("ADA@example.com", "ada", id_):
        shown = dbconsole("users", "show", name, platform.url, "--json", home=home)
        assert (shown.returncode, shown.stderr) == (0, "")
        said = json.loads(shown.stdout)
        assert (said["user"]["id"], said["user"]["state"], said["user"]["name"]) == (id_, "active", "Ada L.")
        assert said["actions"][0]["action"] == "user.create"

    done = dbconsole("users", "disable", "ada", platform.url, "-e", "production", "--yes", home=home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--confirm Ada@Example.com" in done.stderr
    done = dbconsole(
        *("users", "disable", "ada", platform.url, "-e", "production", "--confirm", "Ada@Example.com"),
        home=home,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The user Ada@Example.com is deactivated.\n"
    text = dbconsole("users", "show", "ada", platform.url, home=home)
    assert "state       deactivated" in text.stdout
    assert "user.deactivate" in text.stdout
    assert dbconsole("users", "disable", "ada", platform.url, "--yes", home=home).returncode == 1


async def test_users_are_listed_searched_and_told_by_their_state(platform: Database, home: Path) -> None:
    await platform.run("""
        INSERT INTO arxos_core.users (email, name, is_active, deleted_at)
        SELECT 'user' || lpad(n::text, 4, '0') || '@example.com', E'\\x1b[31m' || n, n % 5 <> 0,
               CASE WHEN n % 7 = 0 THEN now() END
        FROM generate_series(1, 700) n""")
    everybody = dbconsole("users", "list", platform.url, "--limit", "0", "--json", home=home)
    emails = [user["email"] for user in json.loads(everybody.stdout)]
    assert emails == [f"user{n:04}@example.com" for n in range(1, 701)]
    deleted = dbconsole(
        "users", "list", platform.url, "--state", "deleted", "--search", "user00", "--json", home=home
    )
    assert [user["email"][4:8] for user in json.loads(deleted.stdout)] == [
        f"{n:04}" for n in range(7, 100, 7)
    ]
    few = dbconsole("users", "list", platform.url, "--limit", "2", home=home)
    assert len(few.stdout.splitlines()) == 3
    assert "\x1b" not in few.stdout
    assert few.stderr == "There are more than these 2; --limit 0 prints all.\n"


# Keys ---------------------------------------------------------------------------------------------------------


def created_key(platform: Database, home: Path, *more: str, name: str = "ci") -> str:
    """A new key of Ada's."""
    done = dbconsole(
        *("keys", "create", platform.url, "--user", "ada@example.com", "--name", name, "--yes", *more),
        home=home,
    )
    assert done.returncode == 0, done.stderr
    key = done.stdout.removesuffix("\n")
    assert is_well_formed(key), "the key, alone"
    assert key not in done.stderr
    return key


def prefix_of(key: str) -> str:
    """What a list shows of it."""
    return key[:-30]


async def test_a_key_is_made_verified_rotated_and_revoked(platform: Database, home: Path) -> None:
    created_user(platform, home)
    asked = dbconsole("keys", "create", platform.url, "--user", "ada@example.com", "--name", "ci", home=home)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "shown once" in asked.stderr

    key = created_key(platform, home, "--scope", "read", "--scope", "write", "-e", "staging")
    assert key.startswith("dbc_staging_")
    [row] = await platform.run(
        "SELECT *, round(extract(epoch FROM expires_at - created_at) / 86400) AS days FROM arxos_core.api_keys"
    )
    assert row["key_hash"] == hashlib.sha256(key.encode()).hexdigest()
    assert json.loads(row["permissions"]) == {"scopes": ["read", "write"]}
    assert (row["name"], row["environment"], row["days"]) == ("ci", "staging", 90)

    verdict = dbconsole("keys", "verify", platform.url, home=home, given=f"{key}\n")
    assert (verdict.returncode, verdict.stderr) == (0, "")
    assert "ada@example.com" in verdict.stdout.lower()
    assert key not in verdict.stdout

    rotated = dbconsole("keys", "rotate", prefix_of(key), platform.url, "--grace", "1h", "--yes", home=home)
    assert rotated.returncode == 0, rotated.stderr
    new = rotated.stdout.removesuffix("\n")
    assert is_well_formed(new)
    assert new != key
    assert new not in rotated.stderr
    for one in (key, new):
        assert dbconsole("keys", "verify", platform.url, home=home, given=one).returncode == 0

    revoked = dbconsole(
        *("keys", "revoke", prefix_of(key), prefix_of(new), platform.url, "--reason", "leaked", "--yes"),
        home=home,
    )
    assert (revoked.returncode, revoked.stdout) == (0, "2 API keys were revoked.\n"), revoked.stderr
    for one in (key, new):
        said = dbconsole("keys", "verify", platform.url, "--json", home=home, given=one)
        verdict_json = json.loads(said.stdout)
        assert (said.returncode, verdict_json["opens"], verdict_json["key"]["state"]) == (1, False, "revoked")
        assert verdict_json["key"]["revoke_reason"] == "leaked"
    listed = json.loads(dbconsole("audit", "list", platform.url, "--json", home=home).stdout)
    assert {entry["action"] for entry in listed} == {
        *("user.create", "api_key.create", "api_key.rotate", "api_key.revoke")
    }  # fmt: skip
    assert dbconsole("audit", "verify", platform.url, home=home).returncode == 0


async def test_a_key_as_json_and_its_end(platform: Database, home: Path) -> None:
    created_user(platform, home)
    done = dbconsole(
        *("keys", "create", platform.url, "--user", "ada@example.com", "--name", "x", "--expires", "never"),
        *("--scope", "admin", "--yes", "--json"),
        home=home,
    )
    said = json.loads(done.stdout)
    assert is_well_formed(said["key"])
    assert (said["row"]["expires_at"], said["row"]["is_admin"], said["row"]["state"]) == (
        None,
        True,
        "active",
    )
    assert "key_hash" not in said["row"]
    assert done.stderr.endswith("never ends.\n")
    created_key(platform, home, "--expires", "2100-01-01")
    [[last]] = await platform.run("SELECT max(expires_at) FROM arxos_core.api_keys")
    assert last.year in (2099, 2100)


async def test_keys_are_filtered(platform: Database, home: Path) -> None:
    ada = created_user(platform, home)
    bob = created_user(platform, home, "bob@example.com")
    await platform.run(
        """
        INSERT INTO arxos_core.api_keys
          (user_id, key_hash, key_prefix, name, permissions, expires_at, last_used_at, revoked_at, is_active, created_at)
        VALUES
          ($1, repeat('1', 64), 'dbc_a', 'plain', '{"scopes": ["read"]}', now() + interval '50 days', now(), NULL, true,
           now() - interval '200 days'),
          ($1, repeat('2', 64), 'dbc_b', 'admin', '{"admin": true}', NULL, NULL, NULL, true, now() - interval '200 days'),
          ($2, repeat('3', 64), 'dbc_c', 'soon', '{}', now() + interval '5 days', now() - interval '100 days', NULL, true,
           now() - interval '200 days'),
          ($2, repeat('4', 64), 'dbc_d', 'gone', '{}', now() - interval '5 days', now(), NULL, true, now()),
          ($2, repeat('5', 64), 'dbc_e', 'shut', '{}', NULL, now(), now(), false, now()),
          ($2, repeat('6', 64), 'dbc_f', 'off', '{}', NULL, now(), NULL, false, now())""",
        UUID(ada),
        UUID(bob),
    )

    def names(*filters: str) -> set[str]:
        done = dbconsole("keys", "list", platform.url, "--json", *filters, home=home)
        assert done.returncode == 0, done.stderr
        return {key["name"] for key in json.loads(done.stdout)}

    assert names() == {"plain", "admin", "soon", "gone", "shut", "off"}
    assert names("--user", "bob@example.com") == {"soon", "gone", "shut", "off"}
    assert names("--state", "active") == {"plain", "admin", "soon"}
    assert names("--state", "revoked") == {"shut"}
    assert names("--state", "expired") == {"gone"}
    assert names("--state", "inactive") == {"off"}
    assert names("--expiring", "10") == {"soon"}
    assert "soon" in names("--unused", "90")
    assert "plain" not in names("--unused", "90")
    assert names("--never-used") == {"admin"}
    assert names("--admin") == {"admin"}
    assert "admin" in names("--never-expires")
    assert names("--search", "plai") == {"plain"}
    table = dbconsole("keys", "list", platform.url, "--admin", home=home)
    assert [line.split()[:6] for line in table.stdout.splitlines()[1:]] == [
        ["dbc_b", "admin", "Ada@Example.com", "active", "admin", "(everything)"]
    ]


async def test_the_audit_of_keys_tells_by_its_exit_code(platform: Database, home: Path) -> None:
    created_user(platform, home)
    created_key(platform, home)
    fine = dbconsole("keys", "audit", platform.url, home=home)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "", "Nothing is wrong with the API keys.\n")
    await platform.run("""
        INSERT INTO arxos_core.api_keys (user_id, key_hash, name, permissions)
        SELECT id, encode(sha256('admin-key-dev'), 'hex'), 'first', '{"admin": true}' FROM arxos_core.users""")
    found = dbconsole("keys", "audit", platform.url, "--json", home=home)
    assert found.returncode == 1
    assert [finding["kind"] for finding in json.loads(found.stdout)][:2] == [
        "predictable",
        "admin, never expires",
    ]
    await platform.run("""
        INSERT INTO arxos_core.api_keys (user_id, key_hash, name, permissions, expires_at)
        SELECT id, encode(sha256(('x' || n)::bytea), 'hex'), 'twice', '{"scopes": []}', now() + interval '1 day'
        FROM arxos_core.users, generate_series(1, 201) AS n""")
    for more in ((), ("--json",)):
        cut = dbconsole("keys", "audit", platform.url, *more, home=home)
        assert (cut.returncode, cut.stderr) == (1, "same name and owner: the first 200 of 201.\n")
    await platform.run("DELETE FROM arxos_core.api_keys WHERE name = 'twice'")
    guess = dbconsole("keys", "verify", platform.url, home=home, given="admin-key-dev")
    assert guess.returncode == 0, "it opens everything"
    await platform.run("UPDATE arxos_core.api_keys SET is_active = false WHERE name = 'first'")
    assert dbconsole("keys", "audit", platform.url, home=home).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["users", "show", "nobody@example.com", "TARGET"], 2, "There is no user"),
        (["users", "show", "postgresql://a:s3cret@b/c", "TARGET"], 2, "TARGET comes last"),
        (["users", "show", "password=s3cret dbname=c", "TARGET"], 2, "TARGET comes last"),
        (["users", "create", "TARGET", "--email", "no address", "--yes"], 2, "e-mail address"),
        (["users", "create", "TARGET"], 2, "--email"),
        (["users", "create", "TARGET", "--email", "a@example.com", "--yes", "--read-only"], 1, "--read-only"),
        (["keys", "create", "TARGET", "--user", "nobody", "--name", "x", "--yes"], 2, "There is no user"),
        (["keys", "create", "TARGET", "--user", "a", "--name", "x", "--expires", "soon"], 2, "--expires"),
        (["keys", "rotate", "dbc_x", "TARGET"], 2, "There is no API key"),
        (["keys", "rotate", "dbc_x", "TARGET", "--grace", "soon"], 2, "--grace"),
        (["keys", "revoke", "dbc_x", "TARGET", "--reason", "x"], 2, "There is no API key"),
        (["keys", "revoke", "dbc_x", "TARGET"], 2, "--reason"),
        (["keys", "revoke", "dbc_x", "TARGET", "--reason", ""], 2, "There is no reason"),
        (["keys", "revoke", "TARGET", "--reason", "x"], 2, "The keys come first"),
        (["keys", "revoke", "postgresql://a:s3cret@b/c", "dbc_x", "--reason", "x"], 2, "The keys come first"),
        (["keys", "verify", "TARGET"], 2, "There is no key on standard input"),
        (["audit", "list", "TARGET", "--person", "\udcff"], 2, "The word 5 of the command line is not UTF-8."),
        (["users", "show", "\udcff", "TARGET"], 2, "The word 3 of the command line is not UTF-8."),
        (["keys", "list", "TARGET", "--state", "switched off"], 2, "--state"),
        (["keys", "list", "TARGET", "--search", "ab"], 2, "three characters"),
        (["keys", "list", "TARGET", "--expiring", "0"], 2, "--expiring"),
        (["keys", "list", "postgresql://a:s3cret@127.0.0.1:1/c"], 3, "127.0.0.1:1"),
    ],
)  # fmt: skip
async def test_wrong_words_are_one_sentence(
    platform: Database, home: Path, arguments: list[str], code: int, said: str
) -> None:
    done = dbconsole(*[platform.url if word == "TARGET" else word for word in arguments], home=home)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    assert platform.cluster.password not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(("dbconsole: ", "Error: "))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("\udcff", "is not UTF-8"),
        ("dbc_live_\udcff\n", "is not UTF-8"),
        ("dbc_live_one\ndbc_live_two\n", "more than one line"),
        ("dbc_live_one\n\udcff", "more than one line"),
        ("\n\n", "There is no key on standard input"),
    ],
)
async def test_what_is_not_one_key_is_not_verified(
    platform: Database, home: Path, given: str, said: str
) -> None:
    done = dbconsole("keys", "verify", platform.url, home=home, given=given)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "live" not in done.stderr


async def test_a_whole_key_is_not_taken_on_the_command_line(platform: Database, home: Path) -> None:
    created_user(platform, home)
    key = created_key(platform, home)
    done = dbconsole("keys", "revoke", key, platform.url, "--reason", "x", "--yes", home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert key not in done.stderr
    assert dbconsole("keys", "verify", platform.url, home=home, given=key).returncode == 0


async def test_a_key_that_cannot_be_printed_is_named(platform: Database, home: Path) -> None:
    created_user(platform, home)
    words = ("keys", "create", platform.url, "--user", "ada@example.com", "--name", "x", "--yes")
    done = dbconsole(
        *words, home=home, program=f"import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); {PROGRAM}"
    )
    [[prefix]] = await platform.run("SELECT key_prefix FROM arxos_core.api_keys")
    assert done.returncode == 1
    assert f"The key {prefix} could not be printed, and nobody has it: revoke it." in done.stderr


# Secrets ------------------------------------------------------------------------------------------------------


def statement_texts() -> str:
    return "SELECT string_agg(query, E'\\n') FROM pg_stat_statements"


async def test_a_key_stands_nowhere_but_on_standard_output(clusters: Clusters, home: Path) -> None:
    """Not in the server's log of statements and parameters, its statistics, any table, the local audit file."""
    with clusters.make(settings={"log_statement": "all", "log_parameter_max_length": -1}) as cluster:
        async with database(cluster) as platform:
            await platform.upgrade("core@head")
            await platform.run("CREATE EXTENSION pg_stat_statements")
            created_user(platform, home)
            key = created_key(platform, home)
            rotated = dbconsole("keys", "rotate", prefix_of(key), platform.url, "--yes", home=home)
            new = rotated.stdout.strip()
            assert is_well_formed(new)
            verdict = dbconsole("keys", "verify", platform.url, home=home, given=new)
            assert verdict.returncode == 0
            revoked = dbconsole(
                *("keys", "revoke", prefix_of(new), platform.url, "--reason", "x", "--yes"), home=home
            )
            assert revoked.returncode == 0, revoked.stderr
            [[statements]] = await platform.run(statement_texts())
            assert "api_keys" in statements
            assert "api_keys" in cluster.log
            tables = [
                row[0]
                for table in ("users", "api_keys", "audit_logs")
                for row in await platform.run(f"SELECT t::text FROM arxos_core.{table} AS t")  # noqa: S608
            ]
            file = (home / ".local/state/dbconsole/audit.jsonl").read_text()
            assert "api_keys" in file
            said = [
                *tables,
                verdict.stdout,
                verdict.stderr,
                revoked.stdout,
                revoked.stderr,
                rotated.stderr,
                file,
                statements,
                cluster.log,
            ]
            for secret in (key, new):
                assert secret[-30:] not in "\n".join(said)


FORCED = """
import os, secrets, sys, traceback

def show(kind, error, trace):
    # What the worst of programs shows: every frame with its variables, and what it came from.
    shown = traceback.TracebackException(kind, error, trace, capture_locals=True)
    print("".join(shown.format()), file=sys.stderr)

def fail(*arguments, **names):
    del arguments, names
    raise RuntimeError("forced")

sys.excepthook = show
secrets.choice = lambda characters: "Q"
module, _, path = os.environ["FAILING"].partition(":")
owner = __import__(module, fromlist=["x"])
*names, last = path.split(".")
for name in names:
    owner = getattr(owner, name)
setattr(owner, last, fail)
"""
KEY_BEHIND_ITS_PREFIX = "Q" * 24


@pytest.mark.parametrize(
    "failing",
    [
        "console.data.accounts.key_changes:inserted",
        "console.data.accounts.key_changes:noted",
        "console.data.changes:Changes._signed",
        "console.data.audit:AuditFile._entry",
        "sqlalchemy.ext.asyncio:AsyncTransaction.commit",
        "console.commands.keys:_print_key",
        "console.commands.keys:say",
    ],
)
async def test_no_traceback_tells_a_key(platform: Database, home: Path, failing: str) -> None:
    created_user(platform, home)
    done = dbconsole(
        *("keys", "create", platform.url, "--user", "ada@example.com", "--name", "x", "--yes"),
        home=home,
        program=FORCED + PROGRAM,
        DBCONSOLE_DEBUG="1",
        FAILING=failing,
    )
    assert done.returncode == 1
    assert "RuntimeError: forced" in done.stderr
    assert KEY_BEHIND_ITS_PREFIX not in done.stderr
    if failing != "console.commands.keys:say":
        assert done.stdout == ""


PASSWORD = "Stables-of-Augias-30"
SET_PASSWORD = """
import asyncio
from pydantic import SecretStr
from console.clock import SYSTEM_CLOCK
from console.data.accounts.service import AccountsService
from console.data.audit import AuditFile
from console.data.server import Server
from console.settings import Settings
from console.targets import resolve

async def set_password(password):
    server = Server(resolve(sys.argv[1], {}), Settings())
    await server.connect()
    try:
        users = AccountsService(server, Settings(), AuditFile()).users
        user = await users.find("ada@example.com")
        await users.set_password(await users.set_password_operation(user), user, password)
    finally:
        await server.close()

asyncio.run(set_password(SecretStr(sys.stdin.readline())))
"""


@pytest.mark.parametrize(
    "failing",
    [
        "console.data.accounts.users:trail_of",
        "console.data.changes:Changes._signed",
        "console.data.audit:AuditFile._entry",
        "sqlalchemy.ext.asyncio:AsyncTransaction.commit",
        "argon2:PasswordHasher.verify",
    ],
)
async def test_no_traceback_tells_a_password(platform: Database, home: Path, failing: str) -> None:
    created_user(platform, home)
    await platform.run("UPDATE arxos_core.users SET password_hash = '$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA'")
    done = dbconsole(platform.url, home=home, program=FORCED + SET_PASSWORD, given=PASSWORD, FAILING=failing)
    assert done.returncode == 1
    assert "RuntimeError: forced" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


async def test_a_password_stands_nowhere(clusters: Clusters, home: Path) -> None:
    with clusters.make(settings={"log_statement": "all", "log_parameter_max_length": -1}) as cluster:
        async with database(cluster) as platform:
            await platform.upgrade("core@head")
            await platform.run("CREATE EXTENSION pg_stat_statements")
            created_user(platform, home)
            done = dbconsole(platform.url, home=home, program="import sys" + SET_PASSWORD, given=PASSWORD)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            [[statements]] = await platform.run(statement_texts())
            tables = [
                row[0]
                for table in ("users", "audit_logs")
                for row in await platform.run(f"SELECT t::text FROM arxos_core.{table} AS t")  # noqa: S608
            ]
            assert "$argon2id$" in tables[0]
            assert "user.set_password" in tables[-1]
            file = (home / ".local/state/dbconsole/audit.jsonl").read_text()
            assert "argon2id" in file
            everything = "\n".join([*tables, file, statements, cluster.log])
            assert PASSWORD not in everything
            [[hash_]] = await platform.run("SELECT password_hash FROM arxos_core.users")
            assert hash_ not in file + statements + "\n".join(tables[1:]), "nor its hash but in the row"
