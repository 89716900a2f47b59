"""Environments on real servers: what the command line says of them and does there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.postgres import PostgresCluster
from tests.program import dbconsole as run_program


def dbconsole(
    home: Path, *arguments: str, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """The program with a home of its own and nothing of ours in its environment but `environ`."""
    environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), **environ}
    return run_program(*arguments, environment=environment, given=stdin)


def test_environments_are_written_tested_and_opened_by_their_name(
    postgres: PostgresCluster, postgis: PostgresCluster, tmp_path: Path
) -> None:
    """Two servers, a passwords file, and a replica that is not there."""
    passwords = tmp_path / ".pgpass"
    passwords.write_text("".join(f"127.0.0.1:{one.port}:*:*:{one.password}\n" for one in (postgres, postgis)))
    passwords.chmod(0o600)
    config = tmp_path / "dbconsole" / "config.toml"

    added = dbconsole(
        tmp_path, "env", "add", "prod", postgres.url(password=""), "--replica", "host=127.0.0.1 port=1 user=a"
    )
    assert (added.returncode, added.stdout) == (0, "")
    assert added.stderr == f"Written to {config}; dbconsole -e prod opens it.\n"
    source = tmp_path / "database.yaml"
    source.write_text(
        f"live:\n  host: 127.0.0.1\n  port: {postgis.port}\n  database: postgres\n  user: postgres\n"
    )
    assert dbconsole(tmp_path, "env", "import", str(source)).returncode == 0
    config.write_text(config.read_text() + 'confirm = "typed"\n')

    tested = dbconsole(tmp_path, "env", "test", "--json")
    assert tested.returncode == 3
    primary, replica, live = json.loads(tested.stdout)
    assert (primary["environment"], primary["server"], primary["state"]) == (
        "production",
        "primary",
        "primary",
    )
    assert (primary["role"], primary["version"][:3], primary["problem"]) == ("postgres", "18.", None)
    assert 0 < primary["round_trip"] < 5
    assert (
        replica["problem"] == "127.0.0.1:1 refused the connection; is PostgreSQL running there, on that port?"
    )
    assert (live["environment"], live["version"][:3]) == ("live", "15.")
    table = dbconsole(tmp_path, "env", "test", "live", "prod")
    assert table.returncode == 3
    assert [line.split()[:2] for line in table.stdout.splitlines()[1:4]] == [
        ["live", "primary"], ["production", "primary"], ["production", "replica"],
    ]  # fmt: skip
    assert "! production, replica 1: 127.0.0.1:1 refused" in table.stdout
    assert dbconsole(tmp_path, "env", "test", "live").returncode == 0

    # A password in a variable is for one environment, and not for all that are tested.
    of_prod = {"PGPASSWORD": "s3cret-of-prod"}
    refused = 'password authentication failed for user "postgres"'
    before = postgis.log.count(refused)
    table = dbconsole(tmp_path, "env", "test", **of_prod)
    assert table.stdout.count("\n! ") == 1, "of the replica that is not there"
    assert postgis.log.count(refused) == before
    given = dbconsole(tmp_path, "env", "test", "live", **of_prod)
    assert (given.returncode, "role 'postgres' from PGPASSWORD" in given.stdout) == (3, True)

    elsewhere = {"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}
    for words in (["pools", "-e", "prod"], ["pools", "-e", "live"], ["keys", "list", "-e", "prod"]):
        opened = dbconsole(tmp_path, *words, "--json", **elsewhere)
        assert opened.returncode == (0 if words[0] == "pools" else 1), opened.stderr
    assert dbconsole(tmp_path, "pools", "--json", **elsewhere).returncode == 3
    unknown = dbconsole(tmp_path, "pools", "-e", "lvie")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        f"dbconsole: There is no environment lvie in {config}; did you mean live?\n",
    )

    # What has to be typed on the screens has to be typed here.
    change = dbconsole(tmp_path, "explain", "-", "--analyze", "-e", "live", "--yes", stdin="SELECT 1")
    assert change.returncode == 1, change.stdout
    assert "nobody is there to be asked; give --confirm" in change.stderr
