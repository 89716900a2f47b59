"""Every way not to reach a server: the right kind of error, and a sentence that says what to do about it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from console.data.server import Server
from console.errors import (
    AuthenticationFailed,
    CannotConnect,
    ConnectionRefused,
    ConnectTimeout,
    DatabaseNotFound,
    HostNotFound,
    PasswordRefused,
    ServerTooOld,
    TlsFailed,
    TooManyConnections,
)
from console.settings import Settings, Timeouts
from console.targets import resolve
from tests.live import until
from tests.postgres import Clusters, PostgresCluster

SECRET = "s3cr3t-w0rd"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def reached(url: str, settings: Settings | None = None) -> Server:
    """A server that was connected to and let go of again."""
    server = Server(resolve(url, {}), settings or Settings())
    try:
        await server.connect()
    finally:
        await server.close()
        await until(lambda: not is_open(server.target.port))
    return server


def is_open(port: int) -> bool:
    """Whether this process has a connection to that port: the driver closes an encrypted one in its own time."""
    connections = psutil.Process().net_connections("tcp")
    return any(connection.raddr and connection.raddr.port == port for connection in connections)


async def refused(url: str, kind: type[CannotConnect], settings: Settings | None = None) -> str:
    """The sentence of exactly this error, which never has the password in it."""
    with pytest.raises(CannotConnect) as caught:
        await reached(url, settings)
    assert type(caught.value) is kind
    assert caught.value.exit_code == 3
    password = resolve(url, {}).password
    assert password is None or password.get_secret_value() not in caught.value.sentence
    return caught.value.sentence


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[int]:
    """The port of a server that is none of PostgreSQL's; at the end the console must have let go of it."""
    answering = set()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with suppress(ConnectionError):
            await answer(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    async with asyncio.timeout(5):
        await asyncio.gather(*(task for task in answering if task is not None))


@pytest.fixture(scope="module")
def tls_postgres(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server that takes encrypted connections only, and none of role `plain`."""
    hba = ("host all plain 127.0.0.1/32 reject", "hostnossl all all 127.0.0.1/32 reject")
    with clusters.make(17, tls=True, hba=hba) as cluster:
        yield cluster


async def test_a_wrong_password_is_not_repeated(postgres: PostgresCluster) -> None:
    sentence = await refused(postgres.url(password=SECRET), PasswordRefused)
    assert sentence == (
        f"127.0.0.1:{postgres.port} refused the password of role 'postgres' from TARGET; give the right one."
    )


async def test_a_missing_password_is_asked_for_and_not_looked_for(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the resolved target does not have, the driver must not find in the environment.
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    failures = postgres.log.count("password authentication failed")
    sentence = await refused(postgres.url(password=""), PasswordRefused)
    assert "wants a password of role 'postgres'; give the right one." in sentence
    assert postgres.log.count("password authentication failed") == failures, "nobody failed to log in"


async def test_an_unknown_host() -> None:
    sentence = await refused(f"postgresql://me:{SECRET}@no-such-host.invalid/shop", HostNotFound)
    assert sentence.startswith("The host 'no-such-host.invalid' is unknown (")
    assert "Errno" not in sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_where_nothing_listens(host: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        sentence = await refused(f"postgresql://me:{SECRET}@{host}:{port}/shop", ConnectionRefused)
    assert sentence == f"{host}:{port} refused the connection; is PostgreSQL running there, on that port?"


async def test_a_socket_that_is_not_there(postgres: PostgresCluster) -> None:
    await reached(postgres.socket_url())
    sentence = await refused(f"postgresql://me@/shop?host={postgres.directory}&port=1", ConnectionRefused)
    assert f"{postgres.directory}/.s.PGSQL.1" in sentence


async def test_an_unknown_database(postgres: PostgresCluster) -> None:
    sentence = await refused(postgres.url(database="nowhere"), DatabaseNotFound)
    assert sentence.endswith("has no database 'nowhere'; name another one at the end of the URL.")


async def test_roles_that_may_not_come_in(tls_postgres: PostgresCluster) -> None:
    await tls_postgres.run(f"CREATE ROLE guest PASSWORD '{tls_postgres.password}'")
    assert "not permitted to log in" in await refused(tls_postgres.url("guest"), AuthenticationFailed)

    by_hba = await refused(tls_postgres.url("plain"), AuthenticationFailed)
    assert 'pg_hba.conf rejects connection for host "127.0.0.1", user "plain"' in by_hba

    await tls_postgres.run("CREATE DATABASE private")
    await tls_postgres.run("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    sentence = await refused(tls_postgres.url("monitor", "private"), AuthenticationFailed)
    assert "CONNECT privilege" in sentence

    await tls_postgres.run(f"CREATE ROLE crowd LOGIN CONNECTION LIMIT 0 PASSWORD '{tls_postgres.password}'")
    assert 'too many connections for role "crowd"' in await refused(
        tls_postgres.url("crowd"), TooManyConnections
    )


async def test_tls_that_the_server_demands(tls_postgres: PostgresCluster) -> None:
    sentence = await refused(tls_postgres.url() + "?sslmode=disable", TlsFailed)
    assert sentence.endswith("use sslmode=require or stricter.")
    for mode in ("prefer", "require"):
        await reached(f"{tls_postgres.url()}?sslmode={mode}")


async def test_tls_that_the_server_has_not(postgres: PostgresCluster) -> None:
    sentence = await refused(postgres.url() + "?sslmode=require", TlsFailed)
    assert "does not offer TLS, which sslmode=require demands" in sentence


async def test_tls_that_is_verified(tls_postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tls_postgres.certificates is not None
    root, leaf = tls_postgres.certificates.root, tls_postgres.certificates.certificate

    def url(more: str, host: str | None = None) -> str:
        return f"{tls_postgres.url(host=host)}?{more}"

    await reached(url(f"sslmode=verify-full&sslrootcert={root}"))
    await reached(url(f"sslmode=verify-full&sslrootcert={root}", host="localhost"))
    untrusted = await refused(url(f"sslmode=verify-ca&sslrootcert={leaf}"), TlsFailed)
    assert "cannot be trusted" in untrusted
    assert "check sslrootcert" in untrusted

    # The certificate names localhost and 127.0.0.1, not what the host's own name resolves to.
    monkeypatch.setattr(socket, "getaddrinfo", _everywhere_is_here(tls_postgres.port))
    wrong_name = await refused(url(f"sslmode=verify-full&sslrootcert={root}", host="db.example"), TlsFailed)
    assert "not valid for 'db.example'" in wrong_name
    await reached(url(f"sslmode=verify-ca&sslrootcert={root}", host="db.example"))


async def test_tls_verified_by_the_system(
    tls_postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tls_postgres.certificates is not None
    url = tls_postgres.url() + "?sslrootcert=system"
    assert "cannot be trusted" in await refused(url, TlsFailed)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_postgres.certificates.root))
    await reached(url)
    monkeypatch.setattr(socket, "getaddrinfo", _everywhere_is_here(tls_postgres.port))
    wrong_name = await refused(tls_postgres.url(host="db.example") + "?sslrootcert=system", TlsFailed)
    assert "not valid for 'db.example'" in wrong_name


async def test_verification_without_a_root_certificate(
    tls_postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tls_postgres.directory))  # no ~/.postgresql/root.crt
    sentence = await refused(tls_postgres.url() + "?sslmode=verify-full", TlsFailed)
    assert sentence.startswith("sslmode=verify-full needs a root certificate")
    assert "sslrootcert" in sentence


async def test_a_server_that_never_answers() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    began = time.monotonic()
    async with listening(silent) as port:
        settings = Settings(timeouts=Timeouts(connect=0.2))
        sentence = await refused(f"postgresql://me:{SECRET}@127.0.0.1:{port}/shop", ConnectTimeout, settings)
    assert sentence == f"127.0.0.1:{port} did not answer within 0.2 s."
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("mode", ["disable", "prefer"])
@pytest.mark.parametrize(
    ("speaks_first", "words"),
    [
        (b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", b""),
        (b"J\0\0\0\n8.0.36\0\x08\0\0\0abcdefgh\0", b""),
        (b"", b""),
    ],
    ids=["http", "ssh", "mysql", "closes"],
)
async def test_a_server_that_is_not_postgresql(mode: str, speaks_first: bytes, words: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(speaks_first)
        await reader.read(8)
        writer.write(words)
        await writer.drain()

    async with listening(answer) as port:
        sentence = await refused(
            f"postgresql://me:{SECRET}@127.0.0.1:{port}/shop?sslmode={mode}", CannotConnect
        )
    assert sentence.endswith("is PostgreSQL running there, on that port?")


async def test_a_postgresql_that_is_too_old() -> None:
    async def postgresql_12(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        await reader.readexactly(length - 4)
        writer.write(b"R" + struct.pack("!ii", 8, 0))  # AuthenticationOk
        for setting in (b"server_version\x0012.22\0", b"client_encoding\0UTF8\0"):
            writer.write(b"S" + struct.pack("!i", 4 + len(setting)) + setting)
        writer.write(b"Z" + struct.pack("!i", 5) + b"I")  # ReadyForQuery
        await reader.read()

    async with listening(postgresql_12) as port:
        sentence = await refused(f"postgresql://me@127.0.0.1:{port}/shop?sslmode=disable", ServerTooOld)
    assert sentence == f"127.0.0.1:{port} runs PostgreSQL 12; dbconsole needs 13 or newer."


def _everywhere_is_here(port: int) -> Callable[..., object]:
    """A resolver for which every name is this machine."""

    def getaddrinfo(*_query: object, **_more: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    return getaddrinfo
