"""Certificates: the server's, whom they are believed from, and the person's own."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from console.errors import AuthenticationFailed, CannotConnect, PasswordRefused, TlsFailed
from console.targets import resolve
from tests.certificates import Certificates
from tests.live import connected, until
from tests.postgres import Clusters, PostgresCluster

HOW = "SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def guarded(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server where role `certified` comes in with a certificate of that name, and nobody unencrypted."""
    hba = ("hostssl all certified 127.0.0.1/32 cert", "hostnossl all all 127.0.0.1/32 reject")
    with clusters.make(17, tls=True, hba=hba) as cluster:
        cluster.psql("CREATE ROLE certified LOGIN")
        yield cluster


@pytest.fixture
def certificates(guarded: PostgresCluster) -> Certificates:
    """Those of the server."""
    assert guarded.certificates is not None
    return guarded.certificates


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without certificates."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


async def encrypted(url: str, **options: object) -> tuple[bool, str, str | None]:
    """Whether a connection is encrypted, by which version, and whose certificate was shown."""
    given = "&".join(f"{name}={quote(str(value))}" for name, value in options.items())
    async with connected(f"{url}?{given}") as server, server.visit() as visit:
        is_encrypted, version, name = await visit.fetchrow(HOW)
    return is_encrypted, version, name


async def refused(kind: type[CannotConnect], url: str, **options: object) -> str:
    """The sentence of exactly this error."""
    with pytest.raises(CannotConnect) as caught:
        await encrypted(url, **options)
    assert type(caught.value) is kind
    assert not caught.value.transient
    return caught.value.sentence


async def is_refused(url: str, **options: object) -> bool:
    """Whether there is no agreement on TLS."""
    try:
        await encrypted(url, **options)
    except TlsFailed:
        return True
    return False


async def test_a_client_certificate(guarded: PostgresCluster, certificates: Certificates, home: Path) -> None:
    url = guarded.url("certified", password="")
    certificate, key = certificates.issue("client", "certified")
    shown = {
        "sslcert": certificate,
        "sslkey": key,
        "sslmode": "verify-full",
        "sslrootcert": certificates.root,
    }
    assert await encrypted(url, **shown) == (True, "TLSv1.3", "/CN=certified")
    assert await encrypted(url, **shown | {"sslnegotiation": "direct"}) == (True, "TLSv1.3", "/CN=certified")
    assert "valid client certificate" in await refused(AuthenticationFailed, url)
    assert "valid client certificate" in await refused(
        AuthenticationFailed, url, **shown, sslcertmode="disable"
    )

    others, others_key = certificates.issue("other", "somebody")
    assert "certificate authentication failed" in await refused(
        AuthenticationFailed, url, sslcert=others, sslkey=others_key
    )
    assert (await refused(TlsFailed, url, sslcert=certificate, sslkey=others_key)).startswith(
        f"The client's certificate {certificate} with {others_key} cannot be used: "
    )
    expired, expired_key = certificates.issue("old", "certified", days=-1)
    with pytest.raises(CannotConnect, match=r"does it trust the certificate in sslcert\?$"):
        await encrypted(url, sslcert=expired, sslkey=expired_key, sslmode="require")
    key.chmod(0o644)
    assert await refused(TlsFailed, url, **shown) == (
        f"The private key {key} is not used: others may read it; chmod 600 makes it private."
    )
    key.chmod(0o600)

    own = home / ".postgresql"
    own.mkdir()
    for file, name in (
        (certificate, "postgresql.crt"),
        (key, "postgresql.key"),
        (certificates.root, "root.crt"),
    ):
        shutil.copy(file, own / name)
    assert await encrypted(url, sslmode="verify-full") == (True, "TLSv1.3", "/CN=certified")


async def test_a_key_that_has_a_password(guarded: PostgresCluster, certificates: Certificates) -> None:
    url = guarded.url("certified", password="")
    certificate, key = certificates.issue("locked", "certified", password="s3cr3t")
    shown = {"sslcert": certificate, "sslkey": key}
    assert await encrypted(url, **shown, sslpassword="s3cr3t") == (True, "TLSv1.3", "/CN=certified")
    for password in ("", "wr0ng"):
        sentence = await refused(TlsFailed, url, **shown, sslpassword=password)
        assert "cannot be used" in sentence
        assert "wr0ng" not in sentence
    target = resolve(f"{url}?sslcert={certificate}&sslkey={key}&sslpassword=s3cr3t", {})
    assert "s3cr3t" not in repr(target)


async def test_versions(guarded: PostgresCluster) -> None:
    assert (await encrypted(guarded.url(), ssl_max_protocol_version="TLSv1.2"))[1] == "TLSv1.2"
    guarded.psql("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'")
    guarded.psql("SELECT pg_reload_conf()")

    await until(lambda: is_refused(guarded.url(), ssl_min_protocol_version="TLSv1.3", sslmode="require"))
    guarded.psql("ALTER SYSTEM RESET ssl_max_protocol_version")
    guarded.psql("SELECT pg_reload_conf()")


async def test_a_certificate_that_is_revoked(guarded: PostgresCluster, certificates: Certificates) -> None:
    trusted = {"sslmode": "verify-ca", "sslrootcert": certificates.root}
    another, _ = certificates.issue("another", "localhost")
    assert (await encrypted(guarded.url(), **trusted, sslcrl=certificates.revoked(another)))[0]
    revoked = certificates.revoked(certificates.certificate)
    assert "certificate revoked" in await refused(TlsFailed, guarded.url(), **trusted, sslcrl=revoked)


async def test_a_certificate_that_has_expired(guarded: PostgresCluster, certificates: Certificates) -> None:
    """It expires while the console is connected: what is there stays, what comes is told."""
    expired, key = certificates.issue("expired", "localhost", days=-1)
    url, root = guarded.url(), certificates.root
    async with connected(f"{url}?sslmode=verify-full&sslrootcert={root}") as server:
        for setting, file in (("ssl_cert_file", expired), ("ssl_key_file", key)):
            shutil.copy(file, guarded.data / file.name)
            shutil.chown(guarded.data / file.name, guarded.programs.account.uid)
            guarded.psql(f"ALTER SYSTEM SET {setting} = '{file.name}'")
        guarded.psql("SELECT pg_reload_conf()")
        try:
            await until(lambda: is_refused(url, sslmode="verify-ca", sslrootcert=root))
            sentence = await refused(TlsFailed, url, sslmode="verify-ca", sslrootcert=root)
            assert sentence == (
                f"The certificate of 127.0.0.1:{guarded.port} cannot be trusted: certificate has expired; "
                "check sslrootcert and the host's name."
            )
            assert (await encrypted(url, sslmode="require"))[0], "who verifies nothing does not mind"
            assert await server.fetch("capabilities")
        finally:
            guarded.psql("ALTER SYSTEM RESET ALL")
            guarded.psql("SELECT pg_reload_conf()")


async def test_the_name_that_the_server_is_told(certificates: Certificates) -> None:
    told: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.sni_callback = lambda _connection, name, _context: told.append(name)

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        await writer.start_tls(context)
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for address in (
            "host=db.example hostaddr=127.0.0.1",
            "host=127.0.0.1",
            "host=db.example hostaddr=127.0.0.1 sslsni=0",
        ):
            with pytest.raises(CannotConnect):
                async with connected(f"{address} port={port} sslmode=require"):
                    pass
    assert told == ["db.example", None, None]


async def test_a_wrong_password_is_not_sent_again_without_encryption(guarded: PostgresCluster) -> None:
    before = guarded.log.count("pg_hba.conf rejects connection")
    sentence = await refused(
        PasswordRefused, guarded.url().replace(guarded.password, "wrong"), sslmode="prefer"
    )
    assert "refused the password of role 'postgres'" in sentence
    assert guarded.log.count("pg_hba.conf rejects connection") == before
