"""What is said of scripts and statements, held against psql and the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from console.data.migrations.script import needs_no_transaction, split
from console.demo.programs import own_account
from tests.alembic_projects import database
from tests.postgres import PostgresCluster
from tests.sql_pairs import COLLEX, pairs_of

NASTY = r"""
CREATE TABLE said (n int GENERATED ALWAYS AS IDENTITY, word text); -- so; it goes
INSERT INTO said (word) VALUES ('it''s; so'), (E'it\'s; \\'), (U&'\0041;'), ('back\'), ($$;$$), ($a$ $$; $b$; $a$);
INSERT INTO said (word) VALUES ('one;'
    'two;'), (E'three\';' -- ;
    '\'four;');
/* a; /* nested; ' */ " */ INSERT INTO said (word) SELECT "a;""b" FROM (SELECT 'quoted' AS "a;""b") AS s;
INSERT INTO said (word) SELECT a$b$ || c$b$ FROM (SELECT ';' AS a$b$, 'x' AS c$b$) AS s;;
INSERT INTO said (word) SELECT 7 /* ; */ - -1 --;
  + 1;
CREATE FUNCTION plain() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    IF true THEN RETURN ';' || $$;$$; END IF; -- it's
END; $body$;
CREATE FUNCTION atomic(a int DEFAULT (1)) RETURNS text BEGIN ATOMIC
    SELECT CASE WHEN a = 1 THEN 'one;' ELSE 'other' END;
    SELECT CASE a WHEN 1 THEN (CASE WHEN true THEN 'begin' END) END || ';';
END;
CREATE PROCEDURE "Insert; it"() BEGIN ATOMIC INSERT INTO said (word) VALUES ('a'); INSERT INTO said (word) VALUES ('b'); END;
CALL "Insert; it"();
CREATE RULE also AS ON UPDATE TO said DO ALSO (INSERT INTO said (word) VALUES ('rule;'); DELETE FROM said WHERE word = ')');
UPDATE said SET word = word WHERE n = 1;
DO 'BEGIN INSERT INTO said (word) VALUES (''do;''); END';
COMMENT ON TABLE said IS 'it''s; /* all -- $$';
INSERT INTO said (word) SELECT plain() || atomic() -- the end has no semicolon"""

LOOK = """
SELECT 'said', n::text, word FROM said
UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'rule', rulename, definition FROM pg_rules WHERE schemaname = 'public'
UNION ALL SELECT 'comment', '', obj_description('said'::regclass)
ORDER BY 1, 2
"""


async def test_a_nasty_script_does_what_it_does_in_psql(
    every_postgres: PostgresCluster, tmp_path: Path
) -> None:
    script = tmp_path / "nasty.sql"
    script.write_text(NASTY)
    async with (
        database(every_postgres) as theirs,
        pairs_of(every_postgres, tmp_path, COLLEX, (NASTY, None)) as pairs,
    ):
        done = await asyncio.to_thread(
            every_postgres.programs.run,
            *("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, "-d", theirs),
            *("-h", every_postgres.directory, "-p", str(every_postgres.port), "-U", "postgres"),
            account=own_account(),
        )
        assert done.returncode == 0, done.stderr
        await pairs.run()
        wanted = await every_postgres.run(LOOK, database=theirs)
        assert len(wanted) > 15
        assert await pairs.rows(LOOK) == [tuple(row) for row in wanted]
        assert len(split(NASTY)) == 15


REFUSED = [
    "CREATE INDEX CONCURRENTLY i ON t (a)",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (VERBOSE, CONCURRENTLY) TABLE t",
    "REINDEX SCHEMA s",
    "REINDEX (VERBOSE) SCHEMA s",
    "ALTER TABLE p DETACH PARTITION q CONCURRENTLY",
    "VACUUM t",
    "CLUSTER",
    "CREATE DATABASE no_such_database",
    "DROP DATABASE IF EXISTS no_such_database",
    "ALTER DATABASE postgres SET TABLESPACE pg_default",
    "CREATE TABLESPACE no_such LOCATION '/no/such'",
    "DROP TABLESPACE IF EXISTS no_such",
    "ALTER SYSTEM SET work_mem = '4MB'",
]
ALLOWED = [
    "CREATE INDEX ON t (a)",
    "REINDEX TABLE t",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "CLUSTER t USING t_pkey",
    "ALTER TABLE p DETACH PARTITION q",
    "ALTER TYPE e ADD VALUE 'x'",
    "ANALYZE t",
    "ALTER DATABASE postgres SET work_mem = '4MB'",
    "COMMENT ON TABLE t IS 'VACUUM'",
]


async def test_the_server_refuses_in_a_transaction_what_is_said_to_need_none(
    every_postgres: PostgresCluster,
) -> None:
    async with database(every_postgres) as name:
        connection = await every_postgres.connect(database=name)
        try:
            await connection.execute("""
                CREATE SCHEMA s; CREATE TABLE t (a int PRIMARY KEY); CREATE TYPE e AS ENUM ();
                CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p FOR VALUES IN (1);
                CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX ON m (a);
            """)
            refused = []
            for statement in REFUSED + ALLOWED:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    await connection.execute(statement)
                except asyncpg.ActiveSQLTransactionError:
                    refused.append(statement)
                finally:
                    await transaction.rollback()
            assert refused == REFUSED
            assert [text for text in REFUSED + ALLOWED if needs_no_transaction(text)] == REFUSED
        finally:
            await connection.close()
