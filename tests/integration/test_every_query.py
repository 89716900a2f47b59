"""Every query on every server as every kind of role: it runs, only reads, and takes no lock that could hurt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from console.data.activity import QUERY_BEGINNING, ActivityService
from console.data.audit import AuditFile
from console.data.failures import FailureWatch
from console.data.migrations import ledger
from console.data.pools import PoolsService
from console.data.queries import OLDEST_MAJOR, variants
from console.data.server import with_identifiers
from console.data.statements.extension import find_extension, query_of
from console.models.statements import ExtensionState
from tests.live import connected
from tests.migration_plans import database
from tests.postgres import PostgresCluster

ROLES = ("postgres", "monitor", "plain")
NEEDS_SUPERUSER = {"failed_logins", "role_passwords"}
"""The services ask these only where `Capabilities` say that they may be asked."""
NEEDS_TABLES = {"map_systems", "migration_alembic_version", "migration_golang_version", "migration_ledger"}
"""These are asked of tables that not every database has: of PostGIS, or where it was migrated (see `TABLES`)."""
NEEDS_EXTENSION = {name for name in variants() if name.startswith("statements_")} - {"statements_extension"}
"""These are asked of pg_stat_statements (see `TABLES`); the tests of the statements ask every version of it."""
IDENTIFIERS = {
    "count_rows": {"schema": "pg_catalog", "relation": "pg_class"},
    "count_values": {"schema": "pg_catalog", "relation": "pg_class", "column": "reloptions"},
    "keys_with_hashes": {"schema": "pg_catalog", "relation": "pg_class", "key_hash": "relname"},
}
"""What is put in for the names in a query."""
TABLES = f"""
CREATE EXTENSION pg_stat_statements;
CREATE TABLE alembic_version AS SELECT 'one' AS version_num;
CREATE TABLE schema_migrations AS SELECT 1::bigint AS version, false AS dirty;
{ledger.CREATE.format(table=ledger.TABLE)};
INSERT INTO {ledger.TABLE} (history, revision, direction, done, previous, checksum, started_at, seconds, person)
VALUES ('one', 'one', 'upgrade', true, '{{}}', '', now(), 1, 'somebody');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""  # noqa: S608
"""What was migrated, with statements counted."""


async def arguments(victim: asyncpg.Connection) -> dict[str, tuple[object, ...]]:
    """What each query that takes arguments is given: where it is about a session, that one."""
    pid = victim.get_server_pid()
    start = await victim.fetchval("SELECT backend_start FROM pg_stat_activity WHERE pid = $1", pid)
    return {
        "account_tables": (None,),
        "active_sessions": (QUERY_BEGINNING,),
        "sessions": (QUERY_BEGINNING, False),
        "session_query": (pid, start),
        "session_locks": (pid,),
        "failed_logins": ("", 0),
        "edited_table": ("pg_catalog", "pg_class"),
        "imported_columns": ("pg_catalog", "pg_class"),
        "referring_tables": ("pg_catalog", "pg_class"),
        "cancel_session": (pid, start),
        "running_work": (pid,),
        "migration_state": ("alembic_version", "dbconsole_migrations", None, 1, 2),
        "loss_objects": (
            ["relation", "schema", "all rows", "type"],
            ["", "", "pg_catalog", ""],
            ["pg_class", "information_schema", "pg_attribute", "pg_type"],
            ["", "", "", ""],
            [None, None, None, None],
            [False, True, True, False],
        ),
        "loss_figures": ([1259, 1259, 2662], [0, 2, 0]),
        "table_weights": (["", "pg_catalog", ""], ["pg_class", "pg_class_oid_index", "nowhere"]),
        "plan_blockers": (pid,),
        "plan_families": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "plan_indexes": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "plan_partitions": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "plan_taken_names": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "plan_role": ("monitor",),
        "plan_tables": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "plan_volatile": (["", "pg_catalog"], ["random", "lower"]),
        "pyramid_place": ("pg_catalog", "pg_class"),
        "role_grants": ([0, 10], 1000),
        "role_groups": ("monitor",),
        "role_owned": ("postgres",),
        "role_schemas": (["public", "pg_catalog", "nowhere"],),
        "role_standing": ("plain",),
        "role_tables": (["pg_catalog", "nowhere"], ["pg_class", "pg_class"]),
        "terminate_session": (pid, start),
        "keys_with_hashes": (["pg_class"],),
    }


@pytest.mark.parametrize("role", ROLES)
async def test_every_variant_runs_and_only_reads(supported_postgres: PostgresCluster, role: str) -> None:
    """A lock stronger than AccessShare, or a transaction id, would be in pg_locks until the transaction ends."""
    victim = await supported_postgres.connect(role)
    asking = await supported_postgres.connect(role)
    try:
        given = await arguments(victim)
        for name, files in variants().items():
            if name in NEEDS_TABLES | NEEDS_EXTENSION or (name in NEEDS_SUPERUSER and role != "postgres"):
                continue
            for major, path in files.items():
                if major > asking.get_server_version().major:
                    continue
                async with asking.transaction(readonly=True):
                    text = with_identifiers(path.read_text(), IDENTIFIERS.get(name, {}))
                    await asking.fetch(text, *given.get(name, ()))
                    locks = await asking.fetch(
                        "SELECT locktype, mode FROM pg_locks"
                        " WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
                    )
                assert {tuple(lock) for lock in locks} <= {("relation", "AccessShareLock")}, path.name
    finally:
        victim.terminate()
        await asking.close()


async def test_what_needs_tables_or_an_extension_is_read_with_them(
    supported_postgres: PostgresCluster,
) -> None:
    """The newest version of pg_stat_statements that the server has; older ones are asked by the tests of it."""
    async with database(supported_postgres, TABLES) as name:
        for role in ROLES:
            async with connected(supported_postgres.url(role, name)) as server:
                extension = await find_extension(server)
                assert extension.state is ExtensionState.READY
                assert extension.problem == "", "it is the server's newest"
                here = {"schema": extension.schema}
                assert await server.ask(query_of(extension), [], identifiers=here)
                for asked, *given in (
                    ("statements_by_id", 1),
                    ("statements_hidden",),
                    ("statements_texts", ["1"], 10),
                ):
                    await server.ask(asked, *given, identifiers=here)
                for asked, table, *given in (
                    ("migration_alembic_version", "alembic_version"),
                    ("migration_golang_version", "schema_migrations"),
                    ("migration_ledger", "dbconsole_migrations", "one", 0),
                ):
                    rows = await server.ask(asked, *given, identifiers={"schema": "public", "table": table})
                    assert len(rows) == 1, asked


@pytest.mark.parametrize("asked_as_oldest", [False, True])
@pytest.mark.parametrize("role", ROLES)
async def test_the_services_read_what_every_variant_gives(
    supported_postgres: PostgresCluster, role: str, asked_as_oldest: bool, tmp_path: Path
) -> None:
    seen = await supported_postgres.connect(role)
    try:
        async with connected(supported_postgres.url(role)) as server:
            assert server.capabilities is not None
            if asked_as_oldest:
                server.capabilities = replace(server.capabilities, version_number=OLDEST_MAJOR * 10_000)
            failures = FailureWatch(server)
            activity = ActivityService(server, failures, AuditFile(tmp_path / "audit.jsonl"))
            activity.with_idle = True
            sessions = await activity.sample()
            session = next(s for s in sessions.sessions if s.pid == seen.get_server_pid())
            detail = await activity.detail(session, sessions)
            pools = PoolsService(server, failures)
            await pools.sample()
            databases = (await pools.sample()).databases
        assert (session.user, session.database, session.is_client) == (role, "postgres", True)
        assert detail is not None
        postgres = next(database for database in databases if database.name == "postgres")
        assert postgres.commits is not None
        assert postgres.size is not None
    finally:
        await seen.close()


async def test_what_a_role_may_do_is_found_out(supported_postgres: PostgresCluster) -> None:
    found = {}
    for role in ROLES:
        async with connected(supported_postgres.url(role)) as server:
            assert server.capabilities is not None
            found[role] = server.capabilities
    assert [found[role].is_superuser for role in ROLES] == [True, False, False]
    assert [found[role].sees_all_sessions for role in ROLES] == [True, True, False]
    assert [found[role].may_signal for role in ROLES] == [True, True, False]
    assert {found[role].may_read_log for role in ROLES} == {False}, "these servers keep no log to be read"
    assert {found[role].max_connections for role in ROLES} == {100}
    shown = await supported_postgres.run("SHOW server_version_num")
    assert {found[role].version_number for role in ROLES} == {int(shown[0][0])}
