"""What maps are measured on: ten million points, a hundred thousand lines and polygons, and a million core points."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.postgres import Clusters, PostgresCluster

POINTS, CORE_POINTS, SHAPES = 10_000_000, 1_000_000, 100_000
CLUSTERS = 200

_SETTINGS: dict[str, str | int] = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "16GB",
    "autovacuum": "off",
}
_POINTS = """
SELECT setseed(0.5);
CREATE TEMPORARY TABLE middles AS SELECT n, 340 * random() - 170 AS x, 160 * random() - 80 AS y FROM generate_series(0, {clusters} - 1) AS n;
CREATE UNLOGGED TABLE sensors AS
SELECT n AS id, (ARRAY['temperature', 'smoke', 'motion', 'door'])[1 + n % 4] AS kind,
       {point} AS place
  FROM (SELECT s.n, 360 * random() - 180 AS x, 180 * random() - 90 AS y FROM generate_series(1, {count}, 2) AS s(n)
        UNION ALL
        SELECT s.n, m.x + 0.5 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()),
               m.y + 0.5 * sqrt(-2 * ln(1 - random())) * sin(2 * pi() * random())
          FROM generate_series(2, {count}, 2) AS s(n) JOIN middles m ON m.n = s.n / 2 % {clusters}) AS places;
CREATE INDEX ON sensors USING gist (place);
ALTER TABLE sensors ADD PRIMARY KEY (id);
VACUUM ANALYZE sensors;
"""
"""Half of them uniform, half in clusters with a deviation of half a degree."""
SHAPE_LAYERS = {
    "polygons": """
SELECT n AS id, ST_Buffer(ST_SetSRID(ST_MakePoint(358 * random() - 179, 178 * random() - 89), 4326), 0.02 + 0.5 * random(), 4)::geometry(Polygon, 4326) AS place
  FROM generate_series(1, {count}) AS n""",
    "lines": """
SELECT w.n AS id, ST_MakeLine(ARRAY(
           SELECT ST_SetSRID(ST_MakePoint(w.x + k * (0.05 + 0.01 * sin(w.n)), w.y + 0.2 * sin(k * 0.7 + w.n)), 4326)
             FROM generate_series(1, 20) AS k))::geometry(LineString, 4326) AS place
  FROM (SELECT n, 356 * random() - 179 AS x, 178 * random() - 89 AS y FROM generate_series(1, {count}) AS n) AS w""",
}
"""Polygons with 17 vertices and lines with 20, each in a database of that name."""
_SHAPES = """
CREATE EXTENSION postgis;
CREATE UNLOGGED TABLE shapes AS {rows};
CREATE INDEX ON shapes USING gist (place);
ALTER TABLE shapes ADD PRIMARY KEY (id);
VACUUM ANALYZE shapes;
"""


@asynccontextmanager
async def with_postgis(clusters: Clusters, scale: float) -> AsyncIterator[PostgresCluster]:
    """PostgreSQL 15 with all of it, so many times as large."""
    with clusters.make(15, settings=_SETTINGS) as cluster:
        point = "ST_SetSRID(ST_MakePoint(x, y), 4326)::geometry(Point, 4326)"
        points = _POINTS.format(count=int(POINTS * scale), clusters=CLUSTERS, point=point)
        await _run(cluster, "postgres", f"CREATE EXTENSION postgis;\n{points}")
        for name, rows in SHAPE_LAYERS.items():
            await cluster.run(f"CREATE DATABASE {name}")
            await _run(cluster, name, _SHAPES.format(rows=rows.format(count=int(SHAPES * scale))))
        yield cluster


@asynccontextmanager
async def with_core_points(clusters: Clusters, scale: float) -> AsyncIterator[PostgresCluster]:
    """PostgreSQL 18 without PostGIS."""
    with clusters.make(18, settings=_SETTINGS) as cluster:
        count = int(CORE_POINTS * scale)
        await _run(cluster, "postgres", _POINTS.format(count=count, clusters=CLUSTERS, point="point(x, y)"))
        yield cluster


async def _run(cluster: PostgresCluster, database: str, statements: str) -> None:
    """One after another: VACUUM is in no transaction."""
    connection = await cluster.connect(database=database)
    try:
        for statement in statements.split(";\n"):
            if statement.strip():
                await connection.execute(statement)
    finally:
        await connection.close()
