"""The life of the one connection: what it may do, how it is lost, how it comes back, that nothing stays behind."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import psutil
import pytest

from console.clock import SYSTEM_CLOCK, Clock
from console.data import capabilities as capabilities_module
from console.data import server as server_module
from console.data.feed import Feed
from console.data.queries import query
from console.data.server import FIRST_RETRY, LAST_RETRY, Server, retry_pause
from console.data.services import services_for
from console.errors import CannotConnect, ConnectionLost, QueryDenied, QueryFailed, QueryTimedOut
from console.models.activity import ActivitySnapshot
from console.models.server import Link, LinkState
from console.settings import Settings, Timeouts
from console.targets import resolve
from tests.live import SteppedClock, connected, until
from tests.postgres import Clusters, PostgresCluster

PATIENT = Settings(timeouts=Timeouts(connect=20, statement=60))
BRISK = Settings(timeouts=Timeouts(connect=0.3, statement=0.3))
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dbconsole'"


@pytest.fixture(autouse=True)
def _named_after_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets tests ask any statement: what is no query's name is the statement itself."""
    monkeypatch.setattr(
        server_module, "query", lambda name, major: name if " " in name else query(name, major)
    )


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries are short."""
    monkeypatch.setattr(server_module, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(server_module, "LAST_RETRY", 0.1)


@pytest.fixture(scope="module")
def small_postgres(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server to be stopped and started, where roles that are no superusers find five slots."""
    with clusters.make(17, settings={"max_connections": 8}) as cluster:
        yield cluster


class Kept:
    """A server that keeps itself connected, and every link that it had."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.links: list[Link] = [server.link]
        server.on_link_change(lambda: self.links.append(server.link))

    def is_live(self) -> bool:
        """Whether the link is live now."""
        return self.server.link.state is LinkState.LIVE

    def has_tried(self, attempts: int) -> bool:
        """Whether so many tries have failed since the loss."""
        return self.server.link.attempts >= attempts

    @property
    def pid(self) -> int:
        """The backend of the monitor connection."""
        assert self.server.capabilities is not None
        return self.server.capabilities.backend_pid


@asynccontextmanager
async def kept(
    url: str, settings: Settings | None = None, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Kept]:
    """A server that keeps itself connected until the end."""
    server = Server(resolve(url, {}), settings or Settings(), clock)
    keeper = Kept(server)
    task = asyncio.create_task(server.keep_connected())
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.close()


async def ours(cluster: PostgresCluster) -> int:
    """How many connections the console has on the server."""
    count: int = (await cluster.run(OURS))[0][0]
    return count


async def none_left(cluster: PostgresCluster) -> None:
    """Waits until the server has forgotten the console."""

    async def gone() -> bool:
        return await ours(cluster) == 0

    await until(gone)


async def is_running(cluster: PostgresCluster, marker: str) -> bool:
    """Whether a statement of the console with that marker is being run."""
    statement = (
        "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()"
    )
    return bool(await cluster.run(statement, f"%{marker}%"))


# What the connection may do ------------------------------------------------------------------------------------------


async def test_its_limits_are_set_on_the_server(every_postgres: PostgresCluster) -> None:
    settings = Settings(timeouts=Timeouts(connect=5, statement=4.5, lock=0.25))
    wanted = {
        "application_name": "dbconsole",
        "default_transaction_read_only": "on",
        "statement_timeout": "4500",
        "lock_timeout": "250",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",
        "client_connection_check_interval": "1000",
    }
    async with connected(every_postgres.url("plain"), settings) as server:
        rows = await server.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(wanted))
    assert {row["name"]: row["setting"] for row in rows} == wanted


async def test_it_cannot_write(postgres: PostgresCluster) -> None:
    async with connected(postgres.url()) as server:
        for statement in ("CREATE TABLE written ()", "COMMENT ON DATABASE postgres IS 'written'"):
            with pytest.raises(QueryFailed, match="read-only transaction"):
                await server.fetch(statement)
        assert server.link.state is LinkState.LIVE
    assert await postgres.run("SELECT FROM pg_class WHERE relname = 'written'") == []


async def test_a_question_that_a_person_cancels_was_not_too_slow(postgres: PostgresCluster) -> None:
    async with connected(postgres.url(), PATIENT) as server:
        assert server.capabilities is not None
        asking = asyncio.create_task(server.fetch("SELECT pg_sleep(600) /* disliked */"))
        await until(lambda: is_running(postgres, "disliked"))
        await postgres.run("SELECT pg_cancel_backend($1)", server.capabilities.backend_pid)
        with pytest.raises(QueryFailed, match="Somebody cancelled the console's query") as caught:
            await asking
        assert type(caught.value) is QueryFailed
        assert server.link.state is LinkState.LIVE


async def test_a_slow_question_is_given_up_and_the_link_stays(postgres: PostgresCluster) -> None:
    settings = Settings(timeouts=Timeouts(connect=20, statement=0.1))
    async with connected(postgres.url(), settings) as server:
        with pytest.raises(QueryTimedOut, match="statement timeout"):
            await server.fetch("SELECT pg_sleep(60)")
        assert len(await server.fetch("SELECT 1 AS one")) == 1
        assert server.link.state is LinkState.LIVE


async def test_it_does_not_wait_long_for_a_lock(postgres: PostgresCluster) -> None:
    settings = Settings(timeouts=Timeouts(connect=20, statement=60, lock=0.05))
    holder = await postgres.connect()
    try:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("LOCK TABLE pg_catalog.pg_largeobject IN ACCESS EXCLUSIVE MODE")
        async with connected(postgres.url(), settings) as server:
            with pytest.raises(QueryTimedOut, match="lock timeout"):
                await server.fetch("SELECT count(*) FROM pg_largeobject")
        await transaction.rollback()
    finally:
        await holder.close()


@pytest.mark.parametrize(
    ("user", "is_superuser", "sees_all", "may_signal"),
    [
        ("postgres", True, True, True),
        ("monitor", False, True, True),
        ("plain", False, False, False),
    ],
)
async def test_it_knows_what_the_role_may(
    every_postgres: PostgresCluster, user: str, is_superuser: bool, sees_all: bool, may_signal: bool
) -> None:
    async with connected(every_postgres.url(user)) as server:
        found = server.capabilities
        assert found is not None
        assert (found.role, found.is_superuser, found.sees_all_sessions, found.may_signal) == (
            user,
            is_superuser,
            sees_all,
            may_signal,
        )
        assert found.may_read_log is False, "no collector writes a log there"
        assert str(found.major) == found.version.split(".")[0]
        assert (found.max_connections, found.superuser_reserved, found.in_recovery) == (100, 3, False)
        assert "plpgsql" in found.extensions
        (row,) = await server.fetch("SELECT pg_backend_pid() AS pid")
        assert row["pid"] == found.backend_pid


async def test_what_was_denied_is_not_asked_again_on_the_same_connection(
    postgres: PostgresCluster, eager: None
) -> None:
    question = "SELECT pg_read_file('PG_VERSION') /* asked in vain */"

    def asked() -> int:
        return postgres.log.count(question)

    async with kept(postgres.url("plain")) as console:
        await until(console.is_live)
        before = asked()
        for _ in range(3):
            with pytest.raises(QueryDenied, match="permission denied for function pg_read_file"):
                await console.server.fetch(question)
        assert len(await console.server.fetch("SELECT 1 AS one")) == 1, "other questions are"
        assert asked() == before + 1
        with pytest.raises(QueryDenied):
            await console.server.ask(question)
        assert asked() == before + 2, "but what depends on its arguments is"

        pid = console.pid
        await postgres.run("SELECT pg_terminate_backend($1)", pid)
        await until(lambda: console.is_live() and console.pid != pid)
        with pytest.raises(QueryDenied):
            await console.server.fetch(question)
        assert asked() == before + 3


# Losing it, and getting it back ---------------------------------------------------------------------------------------


async def test_a_connection_that_is_terminated_comes_back(postgres: PostgresCluster, eager: None) -> None:
    async with kept(postgres.url()) as console:
        await until(console.is_live)
        first = console.pid
        await postgres.run("SELECT pg_terminate_backend($1)", first)
        await until(lambda: console.is_live() and console.pid != first)
        states = [link.state for link in console.links]
        assert states == [LinkState.CONNECTING, LinkState.LIVE, LinkState.LOST, LinkState.LIVE]
        lost = console.links[2]
        assert lost.problem
        assert lost.attempts == 0
        assert await ours(postgres) == 1
        assert len(await console.server.fetch("SELECT 1 AS one")) == 1
    await none_left(postgres)


async def test_a_question_under_way_when_it_is_lost_says_so(postgres: PostgresCluster) -> None:
    async with connected(postgres.url(), PATIENT) as server:
        assert server.capabilities is not None
        asking = asyncio.create_task(server.fetch("SELECT pg_sleep(600) /* to be lost */"))
        await until(lambda: is_running(postgres, "to be lost"))
        await postgres.run("SELECT pg_terminate_backend($1)", server.capabilities.backend_pid)
        with pytest.raises(ConnectionLost, match="terminating connection due to administrator command"):
            await asking
        assert server.link.state is LinkState.LOST
        with pytest.raises(ConnectionLost, match="terminating connection"):
            await server.fetch("SELECT 1 AS one")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_a_server_that_is_restarted(
    small_postgres: PostgresCluster, how: signal.Signals, eager: None
) -> None:
    async with kept(small_postgres.url()) as console:
        await until(console.is_live)
        await asyncio.to_thread(small_postgres.stop, how)
        try:
            await until(lambda: console.has_tried(3))
            assert console.server.link.state is LinkState.LOST
            assert "refused the connection" in (console.server.link.problem or "")
            with pytest.raises(ConnectionLost):
                await console.server.fetch("sessions", 100, False)
        finally:
            await asyncio.to_thread(small_postgres.start)
        await until(console.is_live)
        assert await ours(small_postgres) == 1

        lost = [link for link in console.links if link.state is LinkState.LOST]
        assert [link.attempts for link in lost] == list(range(len(lost)))
        assert len({link.since for link in lost}) == 1, "it is lost since the loss, not since the last try"
    await none_left(small_postgres)


async def test_a_server_that_crashes_and_recovers(small_postgres: PostgresCluster, eager: None) -> None:
    async with kept(small_postgres.url()) as console:
        await until(console.is_live)
        first = console.pid
        everyone = psutil.Process(small_postgres.pid).children()
        next(one for one in everyone if "background writer" in " ".join(one.cmdline())).kill()
        await until(lambda: console.is_live() and console.pid != first)
        assert any(link.state is LinkState.LOST for link in console.links)
        assert await ours(small_postgres) == 1


async def test_a_server_that_stands_still(small_postgres: PostgresCluster, eager: None) -> None:
    async with kept(small_postgres.url(), BRISK) as console:
        await until(console.is_live)
        postmaster = psutil.Process(small_postgres.pid)
        processes = [postmaster, *postmaster.children()]
        for process in processes:
            process.suspend()
        try:
            with pytest.raises(ConnectionLost, match=r"did not answer within 0\.6 s"):
                await console.server.fetch("SELECT 1 AS one")
            await until(lambda: console.has_tried(2))
            assert "did not answer within 0.3 s" in (console.server.link.problem or "")
        finally:
            for process in processes:
                process.resume()
        await until(console.is_live)

        async def alone() -> bool:
            return await ours(small_postgres) == 1

        await until(alone)
        assert len(await console.server.fetch("SELECT 1 AS one")) == 1


async def test_a_server_that_takes_nobody_for_a_while(small_postgres: PostgresCluster, eager: None) -> None:
    """It shuts down and waits for a session to end: the same refusal as of one that starts up or recovers."""
    holder = await small_postgres.connect()
    async with kept(small_postgres.url()) as console:
        try:
            await until(console.is_live)
            psutil.Process(small_postgres.pid).send_signal(signal.SIGTERM)
            await holder.fetch("SELECT pg_terminate_backend($1)", console.pid)
            await until(lambda: console.has_tried(2))
            assert console.server.link.state is LinkState.LOST
            assert console.server.link.problem == (
                f"127.0.0.1:{small_postgres.port} takes no connections yet: the database system is shutting down."
            )
        finally:
            await holder.close()
            await asyncio.to_thread(small_postgres.restart)
        await until(console.is_live)


async def test_a_server_without_a_free_slot(small_postgres: PostgresCluster, eager: None) -> None:
    async with AsyncExitStack() as stack:
        crowd = [await small_postgres.connect("plain") for _ in range(5)]
        for session in crowd:
            stack.push_async_callback(session.close)
        console = await stack.enter_async_context(kept(small_postgres.url("monitor")))
        await until(lambda: console.has_tried(2))
        assert console.server.link.state is LinkState.LOST
        assert "has no free connection slot: remaining connection slots" in (
            console.server.link.problem or ""
        )
        await crowd[0].close()
        await until(console.is_live)


async def test_a_refused_password_is_not_tried_again_by_itself(
    postgres: PostgresCluster, eager: None
) -> None:
    await postgres.run("CREATE ROLE forgetful LOGIN PASSWORD 'old'")
    try:
        async with kept(postgres.url("forgetful", password="new")) as console:
            await until(lambda: console.has_tried(1))
            async with kept("postgresql://me@127.0.0.1:1/shop") as other:
                await until(lambda: other.has_tried(6))  # so much time has passed
            assert console.server.link.state is LinkState.REFUSED
            assert console.server.link.attempts == 1
            assert console.server.link.retry_at is None

            console.server.try_now()
            await until(lambda: console.has_tried(2))
            assert console.server.link.state is LinkState.REFUSED
            await postgres.run("ALTER ROLE forgetful PASSWORD 'new'")
            console.server.try_now()
            await until(console.is_live)
    finally:
        await postgres.run("DROP ROLE forgetful")


async def test_a_person_need_not_wait_for_the_next_try(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "FIRST_RETRY", 3600.0)
    monkeypatch.setattr(server_module, "LAST_RETRY", 3600.0)
    await postgres.run(
        "ALTER DATABASE template1 ALLOW_CONNECTIONS true"
    )  # a database that takes a role or not
    await postgres.run("CREATE ROLE late LOGIN CONNECTION LIMIT 0 PASSWORD 'x'")
    clock = SteppedClock()
    try:
        async with kept(postgres.url("late", password="x"), clock=clock) as console:
            await until(lambda: console.has_tried(1))
            retry_at = console.server.link.retry_at
            assert retry_at is not None
            assert 0.75 * 3600 <= retry_at - clock.monotonic() <= 1.25 * 3600
            await postgres.run("ALTER ROLE late CONNECTION LIMIT 1")
            console.server.try_now()
            await until(console.is_live)
    finally:
        await postgres.run("DROP ROLE late")


def test_pauses_grow_to_a_limit_and_are_not_all_alike() -> None:
    for attempts in range(1, 40):
        middle = min(LAST_RETRY, FIRST_RETRY * 2 ** (attempts - 1))
        pauses = {retry_pause(attempts) for _ in range(50)}
        assert all(0.75 * middle <= pause <= 1.25 * middle for pause in pauses)
        assert len(pauses) > 10, "many consoles would fall upon the server at the same moment"
    assert retry_pause(10**6) <= 1.25 * LAST_RETRY


# Leaving nothing behind -------------------------------------------------------------------------------------------------


async def test_many_questions_at_once_take_one_connection_and_turns(postgres: PostgresCluster) -> None:
    async with connected(postgres.url()) as server:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(server.fetch("SELECT pg_sleep(0.02)"))
        assert await ours(postgres) == 1
        pool = server.pool
        assert (pool.max_open_connections, pool.open_connections, pool.in_use, pool.idle) == (3, 1, 1, 0)
        assert pool.wait_count == 4
        assert pool.wait_duration >= 0.02 * (1 + 2 + 3 + 4)
    assert server.pool.open_connections == 0
    await none_left(postgres)


async def test_what_a_closed_feed_was_asking_is_cancelled_on_the_server(postgres: PostgresCluster) -> None:
    async with connected(postgres.url(), PATIENT) as server:

        async def slow() -> ActivitySnapshot:
            await server.fetch("SELECT pg_sleep(600) /* slow sample */")
            raise AssertionError("it was to be cancelled")

        feed = Feed(server, slow, 2.0)
        feed.watch(lambda _reading: None)
        await until(lambda: is_running(postgres, "slow sample"))
        await feed.close()

        async def cancelled() -> bool:
            return not await is_running(postgres, "slow sample")

        await until(cancelled)
        assert server.link.state is LinkState.LIVE
        assert len(await server.fetch("SELECT 1 AS one")) == 1, "the connection is still good"


async def test_closing_while_a_question_is_under_way_leaves_nothing_running(
    every_postgres: PostgresCluster,
) -> None:
    async with connected(every_postgres.url(), PATIENT) as server:
        asking = asyncio.create_task(server.fetch("SELECT pg_sleep(600) /* left alone */"))
        await until(lambda: is_running(every_postgres, "left alone"))
        await server.close()
        with pytest.raises(QueryFailed, match="canceling statement due to user request"):
            await asking
    await none_left(every_postgres)


async def test_services_close_all_that_they_opened(postgres: PostgresCluster) -> None:
    services = services_for(resolve(postgres.url(), {}), PATIENT)
    before = asyncio.all_tasks()
    await services.server.connect()
    for feed in services.feeds:
        feed.watch(lambda _reading: None)
    await until(lambda: all(feed.reading.snapshot is not None for feed in services.feeds))
    async with services.server.engine.connection():
        assert await ours(postgres) == 2
    await services.close()
    assert asyncio.all_tasks() <= before
    await none_left(postgres)


async def test_a_server_that_cannot_tell_what_it_is_keeps_no_connection(
    postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities_module, "query", lambda *_: "SELECT 1 / 0")
    server = Server(resolve(postgres.url(), {}), Settings())
    with pytest.raises(CannotConnect, match="division by zero"):
        await server.connect()
    assert (server.link.state, server.pool.open_connections) == (LinkState.CONNECTING, 0)
    await none_left(postgres)


async def test_the_cost_is_what_the_last_minute_took(postgres: PostgresCluster) -> None:
    clock = SteppedClock()
    async with connected(postgres.url(), clock=clock) as server:
        question = "SELECT ms AS server_ms FROM (VALUES (NULL), (2.0::float8), (12.0)) AS spent (ms)"
        await server.fetch(question)
        assert (server.cost.connections, server.cost.server_ms_per_minute) == (1, None)
        clock.seconds = 30
        assert server.cost.server_ms_per_minute == 24.0, "12 ms in half a minute"
        await server.fetch(question)
        assert server.cost.server_ms_per_minute == 48.0
        clock.seconds = 75
        assert server.cost.server_ms_per_minute == 12.0 * 60 / 45, "what is older than a minute is forgotten"


async def test_a_listener_hears_of_changes_until_it_is_let_go(postgres: PostgresCluster) -> None:
    heard: list[LinkState] = []
    server = Server(resolve(postgres.url(), {}), Settings())
    forget = server.on_link_change(lambda: heard.append(server.link.state))
    await server.connect()
    assert heard == [LinkState.LIVE]
    forget()
    await server.close()
    await server.connect()
    await server.close()
    assert heard == [LinkState.LIVE]
