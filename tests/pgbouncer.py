"""PgBouncer before a cluster of the tests, with files and a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from console.demo.programs import hand_over
from tests.postgres import Clusters, PostgresCluster, free_port

_PROGRAM = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin")
_START_SECONDS = 10


class PgBouncer:
    """Its address is the cluster's but for the port; the roles and their password are the same."""

    def __init__(self, cluster: PostgresCluster, directory: Path) -> None:
        self.cluster = cluster
        self.port = free_port()
        self._directory = directory

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return (self._directory / "log").read_text(errors="replace")

    def url(self, user: str = "postgres", database: str = "postgres") -> str:
        """The way through it to a database of the cluster."""
        return self.cluster.url(user, database).replace(f":{self.cluster.port}/", f":{self.port}/")


@contextmanager
def pgbouncer(
    clusters: Clusters, cluster: PostgresCluster, mode: str, **settings: str | int
) -> Iterator[PgBouncer]:
    """One that runs, in the mode "session" or "transaction", with these settings beside."""
    if _PROGRAM is None:
        raise RuntimeError("The tests need PgBouncer; install it with: python tests/system_packages.py")
    directory = clusters.own_directory("pgbouncer")
    pooler = PgBouncer(cluster, directory)
    users = "".join(f'"{user}" "{cluster.password}"\n' for user in ("postgres", "monitor", "plain"))
    configuration = {
        "listen_addr": "127.0.0.1",
        "listen_port": pooler.port,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": directory / "users",
        "pidfile": directory / "pgbouncer.pid",
        "logfile": directory / "log",
        "pool_mode": mode,
        "server_login_retry": 1,
        **settings,
    }
    hand_over(directory, clusters.account)
    (directory / "users").write_text(users)
    (directory / "ini").write_text(
        f"[databases]\n* = host={cluster.host} port={cluster.port}\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in configuration.items())
    )
    switch = os.geteuid() == 0
    process = subprocess.Popen(
        [_PROGRAM, "-q", directory / "ini"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=clusters.account.uid if switch else None,
        group=clusters.account.gid if switch else None,
        extra_groups=[] if switch else None,
        start_new_session=True,
    )
    try:
        _wait_until_it_listens(process, pooler)
        yield pooler
    finally:
        process.terminate()
        process.wait(_START_SECONDS)
        shutil.rmtree(directory)


def _wait_until_it_listens(process: subprocess.Popen[bytes], pooler: PgBouncer) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", pooler.port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PgBouncer did not start:\n{pooler.log}")
        time.sleep(0.01)
