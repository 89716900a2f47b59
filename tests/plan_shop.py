"""A database to plan statements in: customers, orders with lines, events in partitions, and a role that owns none of it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.data.audit import AuditFile
from console.data.plans.service import PlansService
from console.data.server import Server
from console.models.plans import Plan, PlanRequest
from console.settings import Settings
from tests.live import connected
from tests.postgres import PostgresCluster

ORDERS = 120_000

_SCHEMA = """
CREATE SCHEMA sales;
GRANT USAGE ON SCHEMA sales TO "{role}";
CREATE TABLE sales.customers (id int PRIMARY KEY, email varchar, country text);
CREATE TABLE sales.orders (
    id bigint PRIMARY KEY, customer_id int, state text, placed_at timestamptz, amount numeric, "Note" text
);
CREATE TABLE sales.lines (order_id bigint, product int, quantity int);
CREATE TABLE sales.tiny (id int);
CREATE TABLE sales.events (id bigint, at timestamptz, kind text) PARTITION BY RANGE (at);
CREATE TABLE sales.events_1 PARTITION OF sales.events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE sales.events_2 PARTITION OF sales.events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE FUNCTION sales.touch(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
INSERT INTO sales.customers SELECT i, 'u' || i || '@x', (ARRAY['de', 'fr', 'us'])[i % 3 + 1] FROM generate_series(1, 5000) i;
INSERT INTO sales.orders
SELECT i, i % 5000 + 1, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END,
       '2024-01-01'::timestamptz + i * interval '10 s', i % 500, 'n'
FROM generate_series(1, {orders}) i;
INSERT INTO sales.lines SELECT i % 5000 + 1, i % 100, 1 FROM generate_series(1, 20000) i;
INSERT INTO sales.tiny VALUES (1);
INSERT INTO sales.events SELECT i, '2024-01-01'::timestamptz + i * interval '4 min', 'k' || i % 50 FROM generate_series(1, 20000) i;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sales TO "{role}";
ALTER ROLE "{role}" IN DATABASE "{database}" SET search_path = sales, public;
ALTER ROLE "{role}" SET enable_hashagg = off;
"""


@dataclass(frozen=True)
class Shop:
    """Where it is."""

    cluster: PostgresCluster
    database: str
    role: str
    """Who runs the statements."""

    def request(self, text: str, *, rows_per_call: float | None = None) -> PlanRequest:
        """A statement that this role ran here."""
        return PlanRequest(text, self.database, self.role, rows_per_call=rows_per_call)

    async def plan(self, service: PlansService, text: str) -> Plan:
        """The plan of a statement, confirmed where it has to be."""
        return await service.plan(service.explaining(self.request(text)))


@contextmanager
def shop_in(cluster: PostgresCluster, *extensions: str) -> Iterator[Shop]:
    """A shop of a test's own, with these extensions in its database."""
    name = f"shop {secrets.token_hex(4)}"
    shop = Shop(cluster, name, f"{name} app")
    asyncio.run(_open(shop, extensions))
    yield shop
    asyncio.run(_close(shop))


async def _open(shop: Shop, extensions: tuple[str, ...]) -> None:
    await shop.cluster.run(f'CREATE ROLE "{shop.role}"')
    await shop.cluster.run(f'CREATE DATABASE "{shop.database}"')
    connection = await shop.cluster.connect(database=shop.database)
    for extension in extensions:
        await connection.execute(f"CREATE EXTENSION {extension}")
    await connection.execute(_SCHEMA.format(role=shop.role, database=shop.database, orders=ORDERS))
    await connection.execute("ANALYZE")
    await connection.close()


async def _close(shop: Shop) -> None:
    await shop.cluster.run(f'DROP DATABASE "{shop.database}" WITH (FORCE)')
    await shop.cluster.run(f'DROP ROLE "{shop.role}"')


@asynccontextmanager
async def plans_of(
    shop: Shop,
    tmp_path: Path,
    *,
    role: str = "postgres",
    settings: Settings | None = None,
    database: str | None = None,
) -> AsyncIterator[tuple[PlansService, Server]]:
    """The service of a console that is connected to another database than the shop's unless told, as this role."""
    settings = settings or Settings()
    async with connected(shop.cluster.url(role, database or "postgres"), settings) as server:
        yield PlansService(server, settings, AuditFile(tmp_path / "audit.jsonl")), server


def audited(tmp_path: Path) -> list[dict[str, Any]]:
    """What was written down, in order."""
    return [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
