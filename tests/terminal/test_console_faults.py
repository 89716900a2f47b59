"""Losing the server never ends the console: the last data stays, keys work, and it comes back by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import psutil
import pytest

from console.screens.frame import TABS
from tests.postgres import Clusters, PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, Console, is_live
from tests.terminal.emulator import Emulator
from tests.workload import Workload

pytestmark = pytest.mark.xdist_group("console-faults")

REFRESH = ("--refresh", "0.5")
AT_ONCE = 2.0
"""Seconds within which a key must be answered, whatever the server does; a time-out would take 5."""


@pytest.fixture(scope="module")
def own_cluster(clusters: Clusters) -> Iterator[PostgresCluster]:
    """A server that is stopped and started here."""
    with clusters.make() as cluster:
        yield cluster


@pytest.fixture
def cluster(own_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """The same, running before and after each test."""
    yield own_cluster
    own_cluster.stop()
    own_cluster.start()


def assert_keys_work(console: Console, timeout: float = AT_ONCE) -> None:
    """A key is answered, and the one that undoes it."""
    console.send("?")
    console.wait_seen("Keys: ", timeout=timeout)
    console.send(ENTER)
    console.wait_gone("Keys: ", timeout=timeout)


def is_lost(screen: Emulator) -> bool:
    return "◆ no connection" in screen.text.splitlines()[0]


def colours_of(screen: Emulator, text: str) -> set[str]:
    """The colours in which the first line with this text is written."""
    lines = screen.rows()
    line = next(line for line in lines if text in "".join(cell.data for cell in line))
    start = "".join(cell.data for cell in line).index(text)
    return {cell.fg for cell in line[start : start + len(text)]}


def test_comes_back_when_its_own_session_is_terminated(
    postgres: PostgresCluster, workload: Workload, home: Path
) -> None:
    own = "FROM pg_stat_activity WHERE application_name = 'dbconsole'"
    with Console(home, postgres.url(), *REFRESH) as console:
        console.wait_live()
        before = workload.ask(f"SELECT min(pid) {own}")
        workload.ask(f"SELECT count(pg_terminate_backend(pid)) {own}")
        workload.until(f"EXISTS (SELECT {own} AND pid <> {before})")
        console.wait_for(is_live)
        console.send("2")
        console.wait_seen("showing running")
        console.wait_for(is_live)
        console.quit()


def test_a_stopped_server_leaves_the_last_data_until_it_starts_again(
    cluster: PostgresCluster, home: Path
) -> None:
    with Console(home, cluster.url(), *REFRESH) as console:
        with Workload(cluster) as workload:
            workload.session("on-the-cursor")
            workload.session("shop-web")
            console.wait_live()
            console.wait_seen("shop-web")
            alive = colours_of(console.screen, "shop-web")
            cluster.stop()
        console.wait_for(is_lost)
        console.wait_seen("shop-web", "old", "next try in")
        console.wait_for(lambda screen: colours_of(screen, "shop-web") != alive)
        assert_keys_work(console)
        console.send("2")
        console.wait_seen("refused the connection", "It is tried again by itself", timeout=AT_ONCE)
        cluster.start()
        console.send("r")
        console.wait_for(is_live)
        console.send("1")
        console.wait_gone("shop-web")
        console.wait_for(is_live)
        console.quit()


def test_every_screen_survives_restarts_immediate_shutdowns_and_crashes(
    cluster: PostgresCluster, home: Path
) -> None:
    """On each screen another of them; keys work meanwhile, and the screen is live again by itself."""

    def shut_down_at_once() -> None:
        cluster.stop(signal.SIGQUIT)

    with Console(home, cluster.url(), *REFRESH) as console:
        for (key, _, title), fault in zip(TABS, cycle((cluster.stop, shut_down_at_once, cluster.kill))):
            console.send(key)
            console.wait_live()
            console.wait_seen(title)
            fault()
            console.wait_for(is_lost)
            console.wait_seen("refused the connection; is PostgreSQL running there")
            assert_keys_work(console)
            cluster.start()
            console.wait_live()
        console.quit()


def test_a_server_that_hangs_is_stale_and_its_return_is_seen(cluster: PostgresCluster, home: Path) -> None:
    limits = {"DBCONSOLE_TIMEOUTS__STATEMENT": "0.5", "DBCONSOLE_TIMEOUTS__CONNECT": "1"}
    with Console(home, cluster.url(), *REFRESH, environment=limits) as console:
        console.wait_live()
        postmaster = psutil.Process(cluster.pid)
        everyone = [postmaster, *postmaster.children()]
        for process in everyone:
            process.suspend()
        try:
            assert_keys_work(console)
            console.wait_for(is_lost)
            assert_keys_work(console)
            console.wait_seen("by application", "old")
        finally:
            for process in everyone:
                process.resume()
        console.wait_for(is_live)
        console.quit()


def test_a_hanging_server_does_not_keep_it_from_ending(cluster: PostgresCluster, home: Path) -> None:
    with Console(home, cluster.url(), *REFRESH) as console:
        console.wait_live()
        postmaster = psutil.Process(cluster.pid)
        everyone = [postmaster, *postmaster.children()]
        for process in everyone:
            process.suspend()
        try:
            console.send("q")
            assert console.wait_exit(timeout=5.0) == 0
            console.assert_restored()
        finally:
            for process in everyone:
                process.resume()


def test_a_wrong_password_is_said_and_not_tried_again(
    postgres: PostgresCluster, home: Path, tmp_path: Path
) -> None:
    refusals = postgres.log.count("password authentication failed")
    with (
        (tmp_path / "errors").open("w") as errors,
        Console(home, postgres.url(password="wrong"), redirect={2: errors.fileno()}) as console,
    ):
        console.wait_seen(
            "Password of role 'postgres'", "refused the password of role 'postgres' from TARGET."
        )
        console.send(ESCAPE)
        console.wait_seen("◆ refused", "refused the password of role 'postgres'", "Press r to try again")
        assert_keys_work(console)
        console.send("2")
        console.wait_seen("refused the password", "q quit")
        console.send("1r")
        console.wait_for(lambda _: postgres.log.count("password authentication failed") == refusals + 2)
        console.wait_seen("Password of role 'postgres'")
        console.send(ESCAPE)
        console.wait_gone("Password of role")
        console.send("q")
        assert console.wait_exit() == 3
        console.assert_restored()
    said = (tmp_path / "errors").read_text()
    assert said.startswith("dbconsole: 127.0.0.1:")
    assert "refused the password of role 'postgres'" in said
    assert said.count("\n") == 1
    assert postgres.log.count("password authentication failed") == refusals + 2, "once, and once for r"


def test_a_server_that_is_down_at_the_start_is_waited_for(cluster: PostgresCluster, home: Path) -> None:
    cluster.stop()
    with Console(home, cluster.url(), *REFRESH) as console:
        console.wait_seen("◆ no connection", "refused the connection; is PostgreSQL running there")
        assert_keys_work(console)
        cluster.start()
        console.wait_for(is_live)
        console.wait_seen("by application", "postgres")
        console.quit()


def test_nothing_to_connect_to_is_exit_code_3(cluster: PostgresCluster, home: Path) -> None:
    cluster.stop(signal.SIGQUIT)
    with Console(home, cluster.url()) as console:
        console.wait_seen("◆ no connection")
        console.send("q")
        assert console.wait_exit() == 3
        assert "dbconsole: 127.0.0.1:" in console.screen.text
        console.assert_restored()
