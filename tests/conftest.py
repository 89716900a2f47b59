"""PostgreSQL servers for the tests: one of each version for a test process, started when first needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Clusters, PostgresCluster, supported_versions, versions


@pytest.fixture(scope="session")
def clusters() -> Iterator[Clusters]:
    """Makes clusters: `clusters.make(version, settings=…, hba=…, tls=…)` for a test's own."""
    clusters = Clusters()
    yield clusters
    clusters.close()


@pytest.fixture(scope="session")
def postgres(clusters: Clusters) -> PostgresCluster:
    """The shared cluster of the newest version. A test that stops or reconfigures a server makes its own."""
    return clusters.shared(max(versions()))


@pytest.fixture(scope="session")
def postgis(clusters: Clusters) -> PostgresCluster:
    """The shared cluster of the distribution's version, the only one that has PostGIS."""
    return clusters.shared(min(versions()))


@pytest.fixture(scope="session", params=versions())
def every_postgres(request: pytest.FixtureRequest, clusters: Clusters) -> PostgresCluster:
    """The shared cluster of each version in turn."""
    return clusters.shared(request.param)


@pytest.fixture(scope="session", params=supported_versions())
def supported_postgres(request: pytest.FixtureRequest, clusters: Clusters) -> PostgresCluster:
    """The shared cluster of each version that the console supports, in turn: for the queries."""
    return clusters.shared(request.param)
