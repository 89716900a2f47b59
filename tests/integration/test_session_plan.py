"""What is explained of a session: all of its statement, also where the server shows only the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.data.services import services_for
from console.errors import OperationRefused
from console.screens.session_plan import plan_request
from console.settings import Settings
from console.targets import resolve
from tests.crowd import Crowd, shown
from tests.postgres import Clusters, PostgresCluster

LONG = "SELECT count(*) FROM pg_class WHERE relname <> 'a' AND relname NOT IN ($x$%s$x$)" % ("x" * 1500)  # noqa: S608


@pytest.fixture(scope="module")
def counting(clusters: Clusters) -> Iterator[PostgresCluster]:
    with clusters.make() as cluster:
        yield cluster


@pytest.mark.parametrize("has_extension", [False, True])
async def test_a_statement_that_the_server_cut_off(
    counting: PostgresCluster, has_extension: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await counting.run("DROP EXTENSION IF EXISTS pg_stat_statements")
    if has_extension:
        await counting.run("CREATE EXTENSION pg_stat_statements")
    services = services_for(resolve(counting.url(), {}), Settings())
    try:
        await services.server.connect()
        async with Crowd(counting) as crowd:
            # Idle in a transaction: what it ran last can be explained.
            session = await crowd.session("BEGIN", LONG)
            snapshot = await services.activity.sample()
            request = await plan_request(services, shown(snapshot, session), snapshot)
            if not has_extension:
                assert request.is_cut
                with pytest.raises(OperationRefused, match="track_activity_query_size"):
                    services.plans.explaining(request)
                return
            assert "NOT IN ($2)" in request.text
            plan = await services.plans.plan(services.plans.explaining(request))
            assert plan.nodes[-1].relation == "pg_class"
    finally:
        await services.close()
