"""What tests of maps share: a database with layers, and the way that a map asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

from console.data.audit import AuditFile
from console.data.spatial.context import SpatialContext
from console.data.spatial.line import MapLine
from console.settings import Settings
from tests.accounts import run_script
from tests.live import connected
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster

EARTH = 6_371_008.8
"""Metres of its mean radius."""


@asynccontextmanager
async def gis_database(cluster: PostgresCluster, script: str) -> AsyncIterator[Database]:
    """A database with PostGIS in `public`, filled by a script."""
    async with database(cluster) as made:
        await run_script(made, f"CREATE EXTENSION postgis; {script}")
        yield made


@asynccontextmanager
async def spatial_context(made: Database, *, user: str | None = None) -> AsyncIterator[SpatialContext]:
    """What a map on that database works with."""
    settings = Settings()
    async with connected(made.cluster.url(user or made.user, made.name), settings) as server:
        line = MapLine(server, settings)
        try:
            yield SpatialContext(server, settings, AuditFile(Path("/dev/null")), line)
        finally:
            await line.close()


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two longitudes and latitudes on a sphere, which is within 0.6 % of the spheroid's."""
    (x1, y1), (x2, y2) = one, other
    half = sin(radians(y2 - y1) / 2) ** 2
    half += cos(radians(y1)) * cos(radians(y2)) * sin(radians(x2 - x1) / 2) ** 2
    return 2 * EARTH * asin(sqrt(half))
