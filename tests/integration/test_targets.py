"""The same words lead to the same server as with psql, or to none with both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.credentials.known import with_passwords
from console.credentials.passwords import Passwords
from console.data.reaching import reach
from console.errors import DbconsoleError
from console.settings import Settings
from console.targets import resolve
from tests.postgres import Clusters, PostgresCluster

WHERE = (
    "SELECT current_user, current_database(), coalesce(host(inet_server_addr()), 'local'), current_setting('port'), "
    "pg_is_in_recovery(), current_setting('work_mem'), coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A primary, a standby of it and a home with files, by the words that stand for them in braces."""

    primary: PostgresCluster
    standby: PostgresCluster
    home: Path
    words: dict[str, str]

    def named(self, text: str) -> str:
        """The text with the words filled in."""
        return text.format(**self.words)


@pytest.fixture(scope="module")
def scene(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A primary with TLS where role `reader` may only read, its standby, services and passwords."""
    home = tmp_path_factory.mktemp("home")
    hba = (
        "local replication all trust",
        "host all trusted 127.0.0.1/32 trust",
        "hostnossl all secret 127.0.0.1/32 reject",
    )
    with (
        clusters.make(17, tls=True, hba=hba, settings={"max_connections": 20}) as primary,
    ):
        roles = f"""
            CREATE ROLE reader LOGIN PASSWORD '{primary.password}';
            ALTER ROLE reader SET default_transaction_read_only = on;
            CREATE ROLE trusted LOGIN;
            CREATE ROLE secret LOGIN PASSWORD '{primary.password}';
            CREATE ROLE percent LOGIN PASSWORD 'a%b:c\\d';
            CREATE ROLE "Ödön" LOGIN PASSWORD '{primary.password}'"""
        for statement in [*roles.split(";"), 'CREATE DATABASE "my shop"']:
            primary.psql(statement)
        with clusters.make(17, settings={"max_connections": 20}, hba=hba).follow(primary) as standby:
            words = {
                "port": str(primary.port),
                "standby": str(standby.port),
                "password": primary.password,
                "directory": str(primary.directory),
                "home": str(home),
                "root": str(primary.certificates and primary.certificates.root),
            }
            _write_files(home, words)
            yield Scene(primary, standby, home, words)


def _write_files(home: Path, words: dict[str, str]) -> None:
    for name, text in FILES.items():
        (home / name).write_text(text.format(**words))
        (home / name).chmod(0o600)
    (home / "open").write_text((home / ".pgpass").read_text())
    (home / "open").chmod(0o644)


FILES = {
    ".pg_service.conf": """
# the shop
[shop]
host=127.0.0.1
port={port}
user=plain
dbname=my shop
password={password}
port=1
[elsewhere]
host=127.0.0.1
port=1
[percent]
host=127.0.0.1
port={port}
user=percent
dbname=postgres
password=a%b:c\\d
[spaced]
host = 127.0.0.1
[nested]
service=shop
[half]
host=127.0.0.1
port={port}
[ standby ]
host=nowhere
[standby] behind it
host=127.0.0.1,127.0.0.1
port={port},{standby}
user=plain
dbname=postgres
target_session_attrs=standby
""",
    "other.conf": "[shop]\nhost=127.0.0.1\nport={standby}\nuser=trusted\ndbname=postgres\n[only here]\nhost=127.0.0.1\nport={port}\nuser=trusted\ndbname=postgres\n",
    "pg_service.conf": "[shop]\nhost=nowhere\n[central]\nhost=127.0.0.1\nport={port}\nuser=trusted\ndbname=postgres\n",
    ".pgpass": """
# 127.0.0.1:{port}:*:plain:wrong
127.0.0.1:{port}:my shop:monitor:wrong
127.0.0.1:{port}:postgres:percent:a%b\\:c\\\\d
127.0.0.1:{port}:*:plain:{password}
localhost:{port}:*:plain:wrong
*:{standby}:*:plain:{password}:more
*:*:*:Ödön:{password}
db.invalid:*:*:monitor:{password}
127.0.0.1:*:*:monitor:wrong
""",
    "other.pass": "*:*:*:*:{password}\n",
}
TCP = "host=127.0.0.1 port={port} dbname=postgres"
LIBPQ = {"PGHOST": "127.0.0.1", "PGPORT": "{port}", "PGUSER": "trusted", "PGDATABASE": "postgres"}


@pytest.mark.parametrize(
    ("argument", "environ"),
    [
        # URLs
        ("postgresql://plain:{password}@127.0.0.1:{port}/postgres", {}),
        ("postgres://plain@127.0.0.1:{port}/my%20shop?password={password}", {}),
        ("postgresql://127.0.0.1:{port}/?user=trusted&dbname=postgres", {}),
        ("postgresql://trusted@/postgres?host={directory}&port={port}", {}),
        ("postgresql://%C3%96d%C3%B6n@127.0.0.1:{port}/postgres", {}),
        ("postgresql://percent:a%25b%3Ac%5Cd@127.0.0.1:{port}/postgres", {}),
        ("postgresql://trusted@127.0.0.1:{port}/postgres?ssl=true", {}),
        ("postgresql://trusted@localhost/postgres?hostaddr=127.0.0.1&port={port}", {}),
        ("postgresql://trusted@127.0.0.1:{port}/postgres?user=plain", {}),
        ("postgresql://trusted@127.0.0.1:{port}/postgres?hots=db", {}),
        ("postgresql://trusted@127.0.0.1:{port}/postgres?sslmode", {}),
        ("postgresql://trusted@[127.0.0.1:{port}/postgres", {}),
        # keywords
        (TCP + " user=trusted", {}),
        ("host = '127.0.0.1' port={port}  user=trusted dbname='my shop'", {}),
        (r"user=percent password=a%b:c\\d " + TCP, {}),
        (r"user=percent password='a%b:c\\d' " + TCP, {}),
        ("hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres", {}),
        ("host=db.invalid hostaddr=127.0.0.1 port={port} user=monitor dbname=postgres", {}),
        (TCP + " user=trusted options='-c work_mem=7MB'", {}),
        (TCP + " user=trusted sslmode=disable", {}),
        (TCP + " user=trusted sslmode=allow", {}),
        (TCP + " user=secret sslmode=allow password={password}", {}),
        (TCP + " user=secret sslmode=disable password={password}", {}),
        (TCP + " user=trusted sslmode=require", {}),
        (TCP + " user=trusted sslmode=verify-full sslrootcert={root}", {}),
        ("host=db.invalid hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres sslmode=verify-full sslrootcert={root}", {}),
        ("host=db.invalid hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres sslmode=verify-ca sslrootcert={root}", {}),
        (TCP + " user=trusted sslmode=require sslnegotiation=direct", {}),
        (TCP + " user=trusted sslmode=sometimes", {}),
        (TCP + " user=trusted connect_timeout=soon", {}),
        (TCP + " user=trusted keepalives=1 keepalives_idle=30 tcp_user_timeout=9000 client_encoding=utf8", {}),
        (TCP + " user=trusted target_session_attrs=any load_balance_hosts=disable gssencmode=disable", {}),
        # the environment
        (None, LIBPQ),
        ("my shop", LIBPQ),
        (None, LIBPQ | {"PGHOST": "{directory}"}),
        (None, LIBPQ | {"PGUSER": "plain", "PGPASSWORD": "{password}", "PGOPTIONS": "-c work_mem=7MB"}),
        (None, LIBPQ | {"PGPORT": "x"}),
        (None, LIBPQ | {"PGHOST": "nowhere.invalid", "PGHOSTADDR": "127.0.0.1"}),
        ("host=nowhere.invalid", LIBPQ | {"PGHOSTADDR": "127.0.0.1"}),
        ("host='' dbname=postgres", LIBPQ | {"PGPORT": "1"}),
        ("port={port}", LIBPQ | {"PGPORT": "x"}),
        ("user=plain password=''", LIBPQ | {"PGPASSWORD": "wrong"}),
        (None, LIBPQ | {"PGSSLMODE": "disable"}),
        (None, LIBPQ | {"PGREQUIRESSL": "1"}),
        (None, LIBPQ | {"PGREQUIRESSL": "1", "PGSSLMODE": "disable"}),
        (None, LIBPQ | {"PGSSLMODE": "verify-ca"}),
        (None, LIBPQ | {"PGTARGETSESSIONATTRS": "standby"}),
        # password files
        (TCP + " user=plain", {}),
        ("host=127.0.0.1 port={port} dbname='my shop' user=monitor", {}),
        (TCP + " user=percent", {}),
        ("host=localhost hostaddr=127.0.0.1 port={port} dbname=postgres user=plain", {}),
        ("host=127.0.0.1 port={standby} dbname=postgres user=plain", {}),
        (TCP + " user=plain passfile={home}/none", {}),
        (TCP + " user=monitor passfile={home}/other.pass", {}),
        (TCP + " user=monitor", {"PGPASSFILE": "{home}/other.pass"}),
        (TCP + " user=plain", {"PGPASSFILE": "{home}/open"}),
        (TCP + " user=plain", {"PGPASSFILE": "{home}"}),
        # services
        ("service=shop", {}),
        ("postgresql:///?service=shop", {}),
        ("postgresql://trusted@/postgres?service=shop", {}),
        (None, {"PGSERVICE": "shop"}),
        ("dbname=postgres", {"PGSERVICE": "shop"}),
        ("service=shop", LIBPQ | {"PGPORT": "1", "PGUSER": "percent"}),
        ("service=shop", {"PGSERVICE": "elsewhere"}),
        ("service=percent", {}),
        ("service=standby", {}),
        ("service=half user=trusted dbname=postgres", {}),
        ("service=half dbname=postgres", {"PGUSER": "trusted"}),
        ("service=spaced user=trusted dbname=postgres port={port}", {}),
        ("service=nested user=trusted dbname=postgres port={port}", {}),
        ("service=shops", LIBPQ),
        ("service=central", LIBPQ),
        ("service=central", {"PGSYSCONFDIR": "{home}"}),
        ("service=shop", {"PGSYSCONFDIR": "{home}"}),
        ("service=shop", {"PGSERVICEFILE": "{home}/other.conf"}),
        ("service=central", {"PGSERVICEFILE": "{home}/other.conf", "PGSYSCONFDIR": "{home}"}),
        ("service=shop", {"PGSERVICEFILE": "{home}/none", "PGSYSCONFDIR": "{home}"}),
        ("service='only here'", {"PGSERVICEFILE": "{home}/other.conf"}),
        # several hosts
        ("postgresql://trusted@127.0.0.1:1,127.0.0.1:{port}/postgres", {}),
        ("postgresql://trusted@nowhere.invalid,127.0.0.1/postgres?port={port}", {}),
        ("postgresql://trusted@127.0.0.1,127.0.0.1/postgres", {"PGPORT": "{port}"}),
        ("host=127.0.0.1,127.0.0.1 user=trusted dbname=postgres", {"PGPORT": "{port}"}),
        ("host=127.0.0.1,127.0.0.1 port=1,{port} user=plain dbname=postgres", {}),
        ("host=127.0.0.1,127.0.0.1 port=1,2,{port} user=trusted dbname=postgres", {}),
        ("host=a,b hostaddr=127.0.0.1 port={port} user=trusted dbname=postgres", {}),
        ("host=a,b hostaddr=127.0.0.1,127.0.0.1 port=1,{port} user=trusted dbname=postgres", {}),
        ("host={directory}/none,{directory} port={port} user=trusted dbname=postgres", {}),
        ("host=127.0.0.1,127.0.0.1 port={port},{standby} user=plain password=wrong dbname=postgres", {}),
        ("host=127.0.0.1,127.0.0.1 port={port},{standby} user=trusted dbname=nowhere", {}),
        ("host=127.0.0.1,127.0.0.1 port={standby},{port} user=trusted dbname=postgres sslmode=require", {}),
        *(
            (f"host=127.0.0.1,127.0.0.1 port={{{first}}},{{{second}}} user={user} password={{password}} dbname=postgres "
             f"target_session_attrs={kind}", {})
            for first, second, user, kind in [
                ("standby", "port", "trusted", "any"),
                ("standby", "port", "trusted", "read-write"),
                ("standby", "port", "reader", "read-write"),
                ("port", "standby", "trusted", "read-only"),
                ("port", "standby", "reader", "read-only"),
                ("standby", "port", "trusted", "primary"),
                ("port", "standby", "trusted", "standby"),
                ("port", "standby", "trusted", "prefer-standby"),
                ("port", "port", "trusted", "prefer-standby"),
                ("port", "port", "trusted", "standby"),
            ]
        ),
        ("host=127.0.0.1 port={port} user=trusted dbname=postgres target_session_attrs=read-write",
         {"PGOPTIONS": "-c default_transaction_read_only=on"}),
    ],
)  # fmt: skip
async def test_it_leads_where_psql_goes(argument: str | None, environ: dict[str, str], scene: Scene) -> None:
    argument = scene.named(argument) if argument else None
    variables = {"HOME": str(scene.home)} | {name: scene.named(value) for name, value in environ.items()}
    assert await ours(argument, variables) == psqls(scene.primary, argument, variables)


async def ours(argument: str | None, environ: dict[str, str]) -> list[str] | None:
    """Where the console goes; None when it refuses, or is refused."""
    try:
        target = with_passwords(resolve(argument, environ), environ, lambda sentence: None)
        connection, there = await reach(target, Settings(), Passwords())
    except DbconsoleError:
        return None
    try:
        assert await connection.fetchval("SHOW default_transaction_read_only") == "on"
        assert there.others == ()
        return [{True: "t", False: "f"}.get(value, value) for value in await connection.fetchrow(WHERE)]
    finally:
        await connection.close()


def psqls(cluster: PostgresCluster, argument: str | None, environ: dict[str, str]) -> list[str] | None:
    """Where psql goes."""
    done = subprocess.run(
        [
            cluster.programs.directory / "psql",
            "--no-psqlrc",
            "-wAt",
            "-c",
            WHERE,
            *([argument] if argument else []),
        ],
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"} | environ,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().split("|") if done.returncode == 0 else None
