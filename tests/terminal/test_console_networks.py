"""A server that is far away, a network that falls silent, a pooler in between."""

from __future__ import annotations

from pathlib import Path

from console.screens.frame import TABS
from tests.lossy_proxy import lossy_proxy_aside
from tests.pgbouncer import pgbouncer
from tests.postgres import Clusters, PostgresCluster
from tests.terminal.console_session import Console, is_live
from tests.terminal.test_console_faults import AT_ONCE, REFRESH, assert_keys_work, is_lost


def test_nobody_waits_for_a_far_server_or_for_a_silent_network(postgres: PostgresCluster, home: Path) -> None:
    limits = {"DBCONSOLE_TIMEOUTS__STATEMENT": "1", "DBCONSOLE_TIMEOUTS__CONNECT": "2"}
    with lossy_proxy_aside(postgres) as proxy:
        proxy.stall()
        with Console(home, proxy.address, *REFRESH, environment=limits) as console:
            console.wait_seen("Pools", "Connecting to postgres@127.0.0.1")
            assert_keys_work(console)
            console.send("2")
            console.wait_seen("b blocking", timeout=AT_ONCE)
            proxy.delay = 0.1  # 200 ms to the server and back
            proxy.flow()
            console.send("r")
            console.wait_live()
            console.send("1")
            console.wait_seen("by application", "commit/s", "cache hit", "every 0.5 s")
            assert_keys_work(console)

            proxy.stall()
            console.wait_for(is_lost)
            console.wait_seen("did not answer within", "by application", "old")
            assert_keys_work(console)
            proxy.flow()
            console.send("r")
            console.wait_live()
            console.quit()


def test_every_screen_through_a_pooler(clusters: Clusters, postgres: PostgresCluster, home: Path) -> None:
    with (
        pgbouncer(clusters, postgres, "transaction", server_round_robin=1) as pooler,
        Console(home, pooler.url("monitor"), *REFRESH) as console,
    ):
        console.wait_live()
        console.wait_seen("primary behind a pooler")
        for key, _, title in TABS:
            console.send(key)
            console.wait_for(is_live)
            console.wait_seen(title)
        console.quit()
