"""What is said of a statement's locks, held against what each server shows in pg_locks."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from console.data.migrations.locks import lock_of
from console.data.migrations.table_lock import TableLock, Work, strength
from tests.live import until
from tests.migration_plans import database
from tests.postgres import PostgresCluster

SCHEMA = """
CREATE TABLE parents (id int PRIMARY KEY, code text, v int NOT NULL DEFAULT 0, w text);
CREATE TABLE "Child rows" (
    id int PRIMARY KEY, parent int, n int, t varchar(10), g int GENERATED ALWAYS AS (n + 1) STORED,
    CONSTRAINT small CHECK (n < 1000),
    CONSTRAINT fk FOREIGN KEY (parent) REFERENCES parents
);
ALTER TABLE "Child rows" ADD CONSTRAINT late CHECK (n >= 0) NOT VALID;
INSERT INTO parents SELECT n, n::text FROM generate_series(1, 20) n;
INSERT INTO "Child rows" (id, parent, n, t) SELECT n, n, n, 'x' FROM generate_series(1, 20) n;
CREATE INDEX child_n ON "Child rows" (n);
CREATE UNIQUE INDEX child_t ON "Child rows" (id, t);
CREATE VIEW young AS SELECT id FROM parents;
CREATE MATERIALIZED VIEW counted AS SELECT count(*)::int AS n FROM parents;
CREATE UNIQUE INDEX ON counted (n);
CREATE TABLE days (day date NOT NULL, n int) PARTITION BY RANGE (day);
CREATE TABLE day_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
CREATE TABLE day_2 (day date NOT NULL, n int);
CREATE TABLE day_3 (id int, v int);
CREATE TABLE elders (id int, v int);
CREATE TABLE heir () INHERITS (elders);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t AFTER INSERT ON parents FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE RULE r AS ON DELETE TO "Child rows" DO ALSO NOTIFY gone;
CREATE POLICY p ON parents;
"""

STATEMENTS = """
ALTER TABLE parents ADD COLUMN x int
ALTER TABLE parents ADD x int DEFAULT 7
ALTER TABLE parents ADD COLUMN x timestamptz NOT NULL DEFAULT now()
ALTER TABLE parents ADD COLUMN x numeric(6, 2) NOT NULL DEFAULT '0'::numeric(6, 2)
ALTER TABLE parents ADD COLUMN x float DEFAULT random()
ALTER TABLE parents ADD COLUMN IF NOT EXISTS x bigserial
ALTER TABLE parents ADD COLUMN x int GENERATED ALWAYS AS IDENTITY
ALTER TABLE parents ADD COLUMN x int GENERATED ALWAYS AS (id + 1) STORED
ALTER TABLE parents ADD COLUMN x int DEFAULT 1 CHECK (abs(x) > 0)
ALTER TABLE "Child rows" ADD COLUMN x int REFERENCES parents (id)
ALTER TABLE ONLY "Child rows" ADD FOREIGN KEY (n) REFERENCES parents (id)
ALTER TABLE "Child rows" ADD CONSTRAINT f2 FOREIGN KEY (n) REFERENCES parents (id) NOT VALID
ALTER TABLE "Child rows" ADD CONSTRAINT c CHECK (n > 0)
ALTER TABLE "Child rows" ADD CONSTRAINT c CHECK (n > 0) NOT VALID
ALTER TABLE "Child rows" ADD UNIQUE (n)
ALTER TABLE "Child rows" ADD UNIQUE USING INDEX child_t
ALTER TABLE "Child rows" VALIDATE CONSTRAINT late
ALTER TABLE "Child rows" DROP CONSTRAINT small
ALTER TABLE "Child rows" ALTER CONSTRAINT fk DEFERRABLE
ALTER TABLE "Child rows" DROP COLUMN n CASCADE
ALTER TABLE parents ALTER COLUMN v TYPE bigint
ALTER TABLE parents ALTER v SET DATA TYPE numeric USING v + 1
ALTER TABLE "Child rows" ALTER n SET NOT NULL
ALTER TABLE parents ALTER v DROP NOT NULL
ALTER TABLE parents ALTER v SET DEFAULT 1
ALTER TABLE parents ALTER v SET STATISTICS 50
ALTER TABLE parents ALTER v SET (n_distinct = 5)
ALTER TABLE parents ALTER code SET STORAGE external
ALTER TABLE parents SET (fillfactor = 70, autovacuum_enabled = false)
ALTER TABLE parents SET (user_catalog_table = true)
ALTER TABLE parents RESET (fillfactor)
ALTER TABLE "Child rows" SET UNLOGGED
ALTER TABLE "Child rows" CLUSTER ON child_n
ALTER TABLE "Child rows" SET WITHOUT CLUSTER
ALTER TABLE parents DISABLE TRIGGER t
ALTER TABLE parents ENABLE ALWAYS TRIGGER t
ALTER TABLE "Child rows" DISABLE RULE r
ALTER TABLE parents ENABLE ROW LEVEL SECURITY
ALTER TABLE parents REPLICA IDENTITY FULL
ALTER TABLE parents OWNER TO monitor
ALTER TABLE parents RENAME COLUMN v TO vv
ALTER TABLE parents RENAME TO folks
ALTER TABLE "Child rows" RENAME CONSTRAINT small TO smaller
ALTER TABLE day_3 INHERIT elders
ALTER TABLE heir NO INHERIT elders
ALTER TABLE days ATTACH PARTITION day_2 FOR VALUES FROM ('2026-01-02') TO ('2026-01-03')
ALTER TABLE days DETACH PARTITION day_1
ALTER TABLE parents ADD COLUMN x int, ALTER v SET STATISTICS 10
ALTER VIEW young RENAME TO old
ALTER MATERIALIZED VIEW counted RENAME TO told
ALTER INDEX child_n RENAME TO child_m
ALTER INDEX child_n SET (fillfactor = 80)
ALTER TRIGGER t ON parents RENAME TO tt
ALTER POLICY p ON parents USING (true)
CREATE INDEX ON parents (v)
CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY public.parents USING btree (v, id)
CREATE TABLE n (id int REFERENCES parents, d int, FOREIGN KEY (d) REFERENCES "Child rows" (id))
CREATE TABLE n PARTITION OF days FOR VALUES FROM ('2026-02-01') TO ('2026-02-02')
CREATE TABLE n (x int) INHERITS (parents)
CREATE TRIGGER u BEFORE UPDATE OF v ON parents FOR EACH ROW EXECUTE FUNCTION nothing()
CREATE CONSTRAINT TRIGGER u AFTER INSERT ON "Child rows" FROM parents FOR EACH ROW EXECUTE FUNCTION nothing()
CREATE RULE u AS ON INSERT TO parents DO ALSO NOTIFY come
CREATE POLICY q ON parents USING (true)
CREATE STATISTICS s ON id, v FROM parents
CREATE OR REPLACE VIEW young AS SELECT id, v FROM parents
CREATE PUBLICATION pub FOR TABLE parents
DROP TABLE IF EXISTS day_3
DROP TABLE heir, day_2
DROP VIEW young
DROP MATERIALIZED VIEW counted
DROP INDEX child_n
DROP TRIGGER t ON parents
DROP RULE r ON "Child rows"
DROP POLICY IF EXISTS p ON parents
TRUNCATE "Child rows", ONLY heir
CLUSTER "Child rows" USING child_n
REINDEX TABLE parents
REINDEX INDEX child_n
REFRESH MATERIALIZED VIEW counted
REFRESH MATERIALIZED VIEW CONCURRENTLY counted
LOCK TABLE parents IN SHARE ROW EXCLUSIVE MODE
LOCK "Child rows"
COMMENT ON TABLE parents IS 'x'
COMMENT ON COLUMN public.parents.v IS 'x'
COMMENT ON VIEW young IS 'x'
ANALYZE parents
INSERT INTO day_2 VALUES ('2026-01-01', 1)
UPDATE ONLY heir SET v = 2 WHERE id = 1
DELETE FROM heir WHERE id = 1
MERGE INTO day_2 USING heir ON false WHEN NOT MATCHED THEN DO NOTHING
"""

OUTSIDE_A_TRANSACTION = """
VACUUM parents
VACUUM FULL parents
VACUUM (FULL, ANALYZE) parents
CREATE INDEX CONCURRENTLY ON parents (v)
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON parents (v)
REINDEX TABLE CONCURRENTLY parents
REINDEX (CONCURRENTLY) TABLE parents
CLUSTER parents USING parents_pkey
"""

HELD = """
SELECT relation, replace(mode, 'Lock', '') AS mode
  FROM pg_locks
 WHERE pid = pg_backend_pid() AND relation = ANY ($1::oid[]) AND mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
WAITED_FOR = """
SELECT replace(mode, 'Lock', '') AS mode FROM pg_locks
 WHERE pid = $1 AND relation = 'parents'::regclass AND NOT granted
"""
TABLES = """
SELECT oid, relname, pg_relation_filenode(oid) AS file FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
"""


async def table_of(connection: asyncpg.Connection, lock: TableLock) -> str:
    if not lock.of_index:
        return lock.table.name
    return str(
        await connection.fetchval(
            "SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indrelid"
            " WHERE indexrelid = to_regclass($1)",
            str(lock.table),
        )
    )


async def difference(connection: asyncpg.Connection, statement: str) -> str | None:
    """How what a statement does differs from what is said of it; None if it does not. Nothing stays of it."""
    said = {await table_of(connection, lock): lock for lock in lock_of(statement)}
    before = {row["oid"]: row for row in await connection.fetch(TABLES)}
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
        held = await connection.fetch(HELD, list(before))
        after = await connection.fetch(TABLES)
    except asyncpg.PostgresError as error:
        return f"{statement}: {error}"
    finally:
        await transaction.rollback()
    modes: dict[str, str] = {}
    for row in held:
        table = before[row["relation"]]["relname"]
        modes[table] = max(modes.get(table, "AccessShare"), row["mode"], key=strength)
    if modes != {table: lock.mode for table, lock in said.items()}:
        return f"{statement}: shown {modes}, said {said}"
    rewritten = {
        row["relname"]
        for row in before.values()
        for now in after
        if now["oid"] == row["oid"] and now["file"] != row["file"]
    }
    if not statement.startswith("TRUNCATE") and rewritten != {
        table for table, lock in said.items() if lock.work is Work.REWRITE
    }:
        return f"{statement}: rewritten {rewritten}, said {said}"
    return None


async def test_what_a_transaction_holds(every_postgres: PostgresCluster) -> None:
    async with database(every_postgres, SCHEMA) as name:
        connection = await every_postgres.connect(database=name)
        try:
            found = [await difference(connection, statement) for statement in STATEMENTS.strip().splitlines()]
        finally:
            await connection.close()
    wrong = "\n".join(difference for difference in found if difference)
    assert not wrong, wrong


async def test_what_runs_outside_a_transaction_asks_for(every_postgres: PostgresCluster) -> None:
    """Another session keeps writers from the table, so that each request can be seen waiting."""
    async with database(every_postgres, SCHEMA) as name:
        holder, asker, watcher = [await every_postgres.connect(database=name) for _ in range(3)]
        try:
            async with holder.transaction():
                await holder.execute("LOCK TABLE parents IN SHARE ROW EXCLUSIVE MODE")
                for statement in OUTSIDE_A_TRANSACTION.strip().splitlines():
                    assert await asked_for(asker, watcher, statement) == [lock_of(statement)[0].mode], (
                        statement
                    )
        finally:
            for connection in (asker, watcher, holder):
                await connection.close()


async def asked_for(asker: asyncpg.Connection, watcher: asyncpg.Connection, statement: str) -> list[str]:
    """The mode in which a statement waits for the table `parents`; it is cancelled then."""
    waiting = asyncio.create_task(asker.execute(statement))
    modes: list[str] = []

    async def waits() -> bool:
        rows = await watcher.fetch(WAITED_FOR, asker.get_server_pid())
        modes[:] = [row["mode"] for row in rows]
        return bool(modes) or waiting.done()

    try:
        await until(waits)
    finally:
        await watcher.execute("SELECT pg_cancel_backend($1)", asker.get_server_pid())
        with pytest.raises(asyncpg.QueryCanceledError):
            await waiting
    return modes
