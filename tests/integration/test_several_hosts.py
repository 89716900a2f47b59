"""Several hosts: which one is taken, how long one that does not answer holds the others up, what happens on failover."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text

from console.data import server as server_module
from console.data.server import Server
from console.errors import AuthenticationFailed, ConnectTimeout, UnfitServer
from console.models.server import LinkState
from console.settings import Settings, Timeouts
from console.targets import resolve
from tests.black_hole import black_hole
from tests.live import connected, until
from tests.postgres import Clusters, PostgresCluster

BRISK = Settings(timeouts=Timeouts(connect=1))


@asynccontextmanager
async def told(
    events: list[str], name: str, port: int | None = None, place: tuple[str, int] = ("127.0.0.1", 0)
) -> AsyncIterator[int]:
    """A port that writes down who comes and goes, and passes on to another one, or keeps silent."""

    async def passed_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
        sink.close()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        events.append(f"{name} is asked")
        if port is None:
            with suppress(ConnectionError):
                while await reader.read(65536):
                    pass
        else:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(passed_on(reader, to_server), passed_on(from_server, writer))
        events.append(f"{name} is left")
        writer.close()

    server = await asyncio.start_server(answered, *place)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await until(lambda: len([event for event in events if event.startswith(name)]) % 2 == 0)


def url(cluster: PostgresCluster, *ports: int, more: str = "") -> str:
    """The addresses of these ports, with the superuser's password for all."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://postgres:{cluster.password}@{hosts}/postgres?{more}"


async def test_each_host_has_its_own_time(postgres: PostgresCluster) -> None:
    """Were the time for all of them one, the silence of the first two would have used it up."""
    events: list[str] = []
    with black_hole() as hole:
        async with told(events, "mute") as mute, told(events, "third", postgres.port) as third:
            async with connected(url(postgres, hole, mute, third), BRISK) as server:
                assert server.target.port == third
                asked = [event for event in events if event.startswith("mute") or "asked" in event]
                assert asked[:3] == ["mute is asked", "mute is left", "third is asked"]

            with pytest.raises(ConnectTimeout) as caught:
                async with connected(url(postgres, hole, mute), Settings(timeouts=Timeouts(connect=0.3))):
                    pass
            assert caught.value.sentence == (
                f"No way to the server: 127.0.0.1:{hole} did not answer within 0.3 s, "
                f"127.0.0.1:{mute} did not answer within 0.3 s."
            )


async def test_each_address_of_a_name_has_its_own_time(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_query: object, **_more: object) -> object:
        tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*tcp, (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]

    events: list[str] = []
    async with told(events, "mute", place=("127.0.0.2", postgres.port)):
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", getaddrinfo)
            name = postgres.url(host="db.example")
            async with connected(name, BRISK) as server:
                assert (server.target.host, server.target.hostaddr) == ("db.example", "127.0.0.1")
                async with server.visit() as visit:
                    assert await visit.fetchval("SELECT host(inet_server_addr())") == "127.0.0.1"
    assert events == ["mute is asked", "mute is left"], "where the monitor is, nobody asks the other address"


async def test_a_refusal_ends_the_search_and_says_what_was_before_it(postgres: PostgresCluster) -> None:
    hosts = f"nowhere.invalid,127.0.0.1:{postgres.port},127.0.0.1:1"
    with pytest.raises(AuthenticationFailed) as caught:
        async with connected(f"postgresql://plain:wrong@{hosts}/postgres"):
            pass
    before, _, last = caught.value.sentence.partition("), ")
    assert before.startswith("No way to the server: the host 'nowhere.invalid' is unknown (")
    assert last == (
        f"127.0.0.1:{postgres.port} refused the password of role 'plain' from TARGET; give the right one."
    )


async def test_the_order_may_be_left_to_chance(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    backwards: Callable[..., object] = lambda places, _count: list(reversed(places))  # noqa: E731
    monkeypatch.setattr(random, "sample", backwards)
    async with connected(url(postgres, 1, postgres.port, more="load_balance_hosts=random")) as server:
        assert server.target.port == postgres.port
        assert str(server.target) == f"postgres@127.0.0.1:{postgres.port}/postgres"


async def test_a_connection_is_as_it_was_asked_for(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "HOST",
        "PORT",
        "USER",
        "PASSWORD",
        "DATABASE",
        "SERVICE",
        "SSLMODE",
        "SSLNEGOTIATION",
        "GSSLIB",
    ):
        monkeypatch.setenv(f"PG{name}", "nonsense")  # which the driver must not look at
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "nonsense")
    asked = (
        "keepalives_idle=77&keepalives_interval=7&keepalives_count=3&tcp_user_timeout=9000&application_name=nightly"
        "&options=-c%20work_mem%3D7MB%20-c%20statement_timeout%3D0"
    )
    async with connected(f"{postgres.url()}?{asked}") as server:
        peer = server._monitor._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        limits = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        assert [peer.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in limits] == [
            77,
            7,
            3,
            9000,
        ]
        async with server.visit() as visit, server.engine.connection() as other:
            statement = "SELECT current_setting('application_name'), current_setting('work_mem'), current_setting('statement_timeout')"
            expected = ("dbconsole (nightly)", "7MB", "5s")
            assert tuple(await visit.fetchrow(statement)) == expected
            assert tuple((await other.execute(text(statement))).one()) == expected
    async with connected(f"{postgres.url()}?keepalives=0") as server:
        peer = server._monitor._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert not peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_failover(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(server_module, "LAST_RETRY", 0.1)
    with (
        clusters.make(17, hba=("local replication all trust",)) as primary,
        clusters.make(17).follow(primary) as standby,
    ):
        named = url(primary, standby.port, primary.port, more="target_session_attrs=primary")
        server = Server(resolve(named, {}), Settings())
        keeping = asyncio.create_task(server.keep_connected())

        async def ports() -> set[str]:
            """Where the monitor, the engine and a visit are."""
            statement = "SELECT current_setting('port')"
            async with server.visit() as visit, server.engine.connection() as connection:
                found = {
                    await visit.fetchval(statement),
                    (await connection.execute(text(statement))).scalar_one(),
                }
            return found | {str(server.target.port)}

        try:
            await until(lambda: server.link.state is LinkState.LIVE)
            assert await ports() == {str(primary.port)}
            await asyncio.to_thread(primary.kill)
            await until(lambda: server.link.attempts >= 2)
            assert server.link.problem == (
                f"No way to the server: 127.0.0.1:{standby.port} is a standby, 127.0.0.1:{primary.port} refused "
                "the connection; is PostgreSQL running there, on that port?"
            )
            assert server.target.port == primary.port, "where it was last"
            await standby.run("SELECT pg_promote()")
            await until(lambda: server.link.state is LinkState.LIVE)
            assert await ports() == {str(standby.port)}
            assert server.target.label == f"postgres@127.0.0.1:{standby.port}/postgres"
            assert server.capabilities is not None
            assert not server.capabilities.in_recovery
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await server.close()


async def test_a_server_of_another_kind_is_left_without_a_trace(postgres: PostgresCluster) -> None:
    with pytest.raises(UnfitServer) as caught:
        async with connected(f"{postgres.url()}?target_session_attrs=standby&application_name=stray"):
            pass
    assert caught.value.transient, "a failover may bring what is asked for"

    async def gone() -> bool:
        return not await postgres.run("SELECT FROM pg_stat_activity WHERE application_name ~ 'stray'")

    await until(gone)
