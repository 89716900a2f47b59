"""Making, changing and dropping roles on real servers: with their rows in the trail, and no password anywhere."""

from __future__ import annotations

import asyncio
import json
import traceback
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from console.data import scram
from console.data.roles.service import RolesService
from console.errors import BadInput, DbconsoleError, OperationRefused, QueryFailed
from console.models.operation import Danger
from console.models.roles import RoleChange, RoleDraft, RoleTemplate
from console.settings import Settings
from tests.audit_trail import broken_rows
from tests.live import until
from tests.own_roles import own_name, q, roles_of
from tests.platform_schema import Database, database
from tests.postgres import Clusters, PostgresCluster, versions

PASSWORD = SecretStr("correct horse' battery")
UNICODE = SecretStr("Ⅸ Cafe\u0301\u00a0пароль 密码")
"""What SASLprep changes."""
ANALYTICS, SERVICE = RoleTemplate.ANALYTICS, RoleTemplate.SERVICE
MIGRATIONS, GROUP = RoleTemplate.MIGRATIONS, RoleTemplate.GROUP


@pytest.fixture
async def shop(every_postgres: PostgresCluster) -> AsyncIterator[Database]:
    """A database with a schema `S` of the role `monitor`'s, in which there are two tables."""
    async with database(every_postgres) as found:
        for statement in (
            'CREATE SCHEMA "S" AUTHORIZATION monitor',
            'CREATE TABLE "S".orders (id serial PRIMARY KEY, what text)',
            'CREATE TABLE "S".secrets (id int)',
            'ALTER TABLE "S".orders OWNER TO monitor',
            "INSERT INTO \"S\".orders (what) VALUES ('a')",
        ):
            await found.run(statement)
        yield found


@pytest.fixture
async def name(shop: Database) -> AsyncIterator[str]:
    async with own_name(shop) as found:
        yield found


async def log_in(shop: Database, role: str, password: SecretStr) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=shop.cluster.host,
        port=shop.cluster.port,
        user=role,
        password=password.get_secret_value(),
        database=shop.name,
        ssl=False,
    )


async def made(service: RolesService, draft: RoleDraft, password: SecretStr | None = None) -> None:
    await service.create(await service.template_operation(draft, password), draft, password)


async def test_an_analyst_reads_all_tables_and_those_to_come_and_writes_nothing(
    shop: Database, name: str, tmp_path: Path
) -> None:
    await shop.upgrade("core@head")
    later = datetime(2031, 2, 3, 4, 5, tzinfo=UTC)
    draft = RoleDraft(name, ANALYTICS, schemas=("S",), connection_limit=3, valid_until=later)
    async with roles_of(shop.url, tmp_path) as service:
        operation = await service.template_operation(draft, UNICODE)
        role = q(name)
        assert operation.statements == (
            f"CREATE ROLE {role} LOGIN PASSWORD '********' CONNECTION LIMIT 3 VALID UNTIL '2031-02-03 04:05:00+00'",
            f"GRANT CONNECT ON DATABASE {shop.name} TO {role}",
            f'GRANT USAGE ON SCHEMA "S" TO {role}',
            f'GRANT SELECT ON ALL TABLES IN SCHEMA "S" TO {role}',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE monitor IN SCHEMA "S" GRANT SELECT ON TABLES TO {role}',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA "S" GRANT SELECT ON TABLES TO {role}',
            f"ALTER ROLE {role} SET default_transaction_read_only = on",
        )
        assert (operation.object_name, operation.danger) == (name, Danger.NOTICEABLE)
        assert any('2 tables of "S"' in said for said in operation.consequences)
        outcome = await service.create(operation, draft, UNICODE)
        assert (outcome.done, outcome.sentence) == (True, f"The role {role} was created.")
    await shop.run('CREATE TABLE "S".later (id int)', user="monitor")
    analyst = await log_in(shop, name, UNICODE)
    try:
        assert await analyst.fetchval('SELECT count(*) FROM "S".orders') == 1
        assert await analyst.fetchval('SELECT count(*) FROM "S".later') == 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await analyst.execute('INSERT INTO "S".later VALUES (1)')
        await analyst.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await analyst.execute('INSERT INTO "S".later VALUES (1)')
    finally:
        await analyst.close()
    [row] = await shop.run("SELECT action, resource_type, details FROM arxos_core.audit_logs")
    said = json.loads(row["details"])
    assert (row["action"], row["resource_type"]) == ("role.create", "role")
    assert (said["name"], said["template"], said["role"]) == (name, "read-only analytics", "postgres")
    assert not await broken_rows(shop.url)
    [line] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["done"] is True
    assert "PASSWORD '********'" in line
    for written in (line, row["details"]):
        assert UNICODE.get_secret_value() not in written
        assert "SCRAM" not in written


async def test_a_service_works_with_its_tables_alone(shop: Database, name: str, tmp_path: Path) -> None:
    draft = RoleDraft(name, SERVICE, tables=(("S", "orders"),))
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, draft, PASSWORD)
    worker = await log_in(shop, name, PASSWORD)
    try:
        assert await worker.fetchval("INSERT INTO \"S\".orders (what) VALUES ('b') RETURNING id") == 2
        await worker.execute("UPDATE \"S\".orders SET what = 'c'")
        await worker.execute('DELETE FROM "S".orders')
        for forbidden in ('SELECT FROM "S".secrets', 'TRUNCATE "S".orders', 'CREATE TABLE "S".own ()'):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await worker.execute(forbidden)
    finally:
        await worker.close()


async def test_a_migrator_makes_tables_and_a_group_shares_what_it_may(
    shop: Database, name: str, tmp_path: Path
) -> None:
    group, analyst = f"{name} group", f"{name} analyst"
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(group, GROUP))
        await shop.run(f'GRANT SELECT ON "S".secrets TO {q(group)}')
        draft = RoleDraft(name, MIGRATIONS, schemas=("S",), memberships=(group,))
        operation = await service.template_operation(draft, PASSWORD)
        assert f"To alter those of monitor: GRANT monitor TO {q(name)}." in operation.consequences
        await service.create(operation, draft, PASSWORD)
        await made(service, RoleDraft(analyst, ANALYTICS, schemas=("S",)))
    migrator = await log_in(shop, name, PASSWORD)
    try:
        await migrator.execute('CREATE TABLE "S".own (); CREATE SCHEMA own; SELECT FROM "S".secrets')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await migrator.execute('ALTER TABLE "S".orders ADD COLUMN b int')
    finally:
        await migrator.close()
    [row] = await shop.run("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", group)
    assert row["rolcanlogin"] is False


@pytest.mark.parametrize("major", versions())
async def test_no_password_is_in_a_statement_or_in_a_log(
    clusters: Clusters, major: int, tmp_path: Path
) -> None:
    settings: dict[str, str | int] = {
        "log_statement": "all",
        "log_min_duration_statement": 0,
        "log_error_verbosity": "verbose",
    }
    with clusters.make(major, settings=settings) as cluster:
        async with database(cluster) as own:
            await own.run("CREATE EXTENSION pg_stat_statements")
            await own.upgrade("core@head")
            async with own_name(own) as name, roles_of(own.url, tmp_path) as service:
                await made(service, RoleDraft(name, ANALYTICS, schemas=("arxos_core",)), PASSWORD)
                await service.set_password(await service.set_password_operation(name), name, UNICODE)
                await (await log_in(own, name, UNICODE)).close()
                statements = await own.run("SELECT query FROM pg_stat_statements")
                trail = await own.run("SELECT details FROM arxos_core.audit_logs")
                written = [cluster.log, str(statements), str(trail), (tmp_path / "audit.jsonl").read_text()]
    assert "ALTER ROLE" in written[0], "it is logged"
    assert len(trail) == 2
    for secret in (PASSWORD, UNICODE):
        text = secret.get_secret_value()
        forms = (text, text.replace("'", "''"), scram.saslprep(text), json.dumps(text)[1:-1])
        assert not [form for form in forms for place in written if form in place]


PASSWORDS = [
    *("pencil", "Café", "Cafe\u0301", "Ⅸ", "I\u00adX", "a\u00a0b", "a\u200bb", "\u00ad", "密码", "пароль"),
    *(
        "😀ﬁ",
        "\ue000ﬁ",
        "اªb",
        "ا²ب",
        "ا²",
        "1ا",
        "\u2028ﬁ",
        "ß",
        "İ",
        "\u1e9b\u0323",
        "가",
        "\u1100\u1161",
        "ﷺ",
    ),
    *("\u0340a", "\u06ddا", "x" * 2000 + "é", "Ω\u2126", "\u037a", "\u1680é"),
]


async def test_a_verifier_is_what_the_server_makes_of_the_password(
    every_postgres: PostgresCluster,
) -> None:
    connection = await every_postgres.connect()
    try:
        for password in PASSWORDS:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"CREATE ROLE of_scram PASSWORD '{password}'")
            theirs = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'of_scram'")
            await transaction.rollback()
            iterations, salt = theirs.split("$")[1].split(":")
            ours = scram.verifier(SecretStr(password), int(iterations), b64decode(salt))
            assert ours.get_secret_value() == theirs, ascii(password)
    finally:
        await connection.close()


async def test_it_is_scram_whatever_the_server_is_told(shop: Database, name: str, tmp_path: Path) -> None:
    await shop.run(f"ALTER DATABASE {shop.name} SET password_encryption = 'md5'")
    is_new = int((await shop.run("SHOW server_version_num"))[0][0]) >= 160_000
    if is_new:
        await shop.run(f"ALTER DATABASE {shop.name} SET scram_iterations = 5000")
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(name, ANALYTICS, schemas=("S",)), PASSWORD)
    [row] = await shop.run("SELECT rolpassword FROM pg_authid WHERE rolname = $1", name)
    assert row["rolpassword"].startswith(f"SCRAM-SHA-256${5000 if is_new else 4096}:")
    await (await log_in(shop, name, PASSWORD)).close()


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "needs a name"),
        ("a\nb", "cannot be seen"),
        ("a\x1b[31m", "cannot be seen"),
        ("a\0b", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("é" * 32, "63 bytes and this has 64"),
        ("pg_mine", "for itself"),
        ("public", "for itself"),
    ],
)
async def test_what_is_no_name(postgres: PostgresCluster, tmp_path: Path, bad: str, why: str) -> None:
    async with roles_of(postgres.url(), tmp_path) as service:
        with pytest.raises(BadInput, match=why):
            await service.template_operation(RoleDraft(bad, GROUP), None)


@pytest.mark.parametrize(
    ("draft", "password", "why"),
    [
        (RoleDraft("r", ANALYTICS), None, "needs a schema"),
        (RoleDraft("r", SERVICE), None, "needs a table"),
        (RoleDraft("r", GROUP), PASSWORD, "nobody logs in as a group"),
        (RoleDraft("r", MIGRATIONS, connection_limit=-2), None, "from 0 to"),
        (RoleDraft("r", MIGRATIONS, valid_until=datetime(2020, 1, 1, tzinfo=UTC)), None, "in the future"),
        (RoleDraft("r", MIGRATIONS), SecretStr("hunter2\n"), "no line break"),
        (RoleDraft("r", MIGRATIONS), SecretStr("hunter2\0"), "NUL"),
        (RoleDraft("r", ANALYTICS, schemas=("nowhere",)), None, "no schema nowhere"),
        (RoleDraft("r", ANALYTICS, schemas=("pg_catalog",)), None, "no schema pg_catalog"),
        (RoleDraft("r", SERVICE, tables=(("public", 'a"b'),)), None, 'no table public."a""b"'),
        (RoleDraft("r", MIGRATIONS, memberships=("nobody",)), None, "no role nobody"),
        (RoleDraft("postgres", GROUP), None, "a role postgres already"),
    ],
)
async def test_what_is_no_draft(
    postgres: PostgresCluster, tmp_path: Path, draft: RoleDraft, password: SecretStr | None, why: str
) -> None:
    async with roles_of(postgres.url(), tmp_path) as service:
        with pytest.raises((BadInput, OperationRefused), match=why) as refused:
            await service.template_operation(draft, password)
        assert "hunter2" not in str(refused.value)


async def test_a_long_and_strange_name_is_that_roles_name(shop: Database, name: str, tmp_path: Path) -> None:
    """63 bytes with quotes, capitals, blanks and words of SQL's."""
    strange = f"{name}'; DROP ROLE plain; -- {{0}} %s :a $1 [b]é"
    strange += "x" * (63 - len(strange.encode()))
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(strange, ANALYTICS, schemas=("S",)), PASSWORD)
        await (await log_in(shop, strange, PASSWORD)).close()
        change = RoleChange(connection_limit=2)
        await service.alter(await service.alter_operation(strange, change), strange, change)
        await service.expire(await service.expire_operation(strange), strange)
        await service.drop(await service.drop_operation(strange), strange)
        assert strange not in [role.name for role in (await service.sample()).roles]
    assert await shop.run("SELECT FROM pg_roles WHERE rolname = 'plain'")


async def test_somebody_else_makes_the_same_role_first(shop: Database, name: str, tmp_path: Path) -> None:
    draft = RoleDraft(name, ANALYTICS, schemas=("S",))
    other = await shop.cluster.connect("postgres", shop.name)
    async with roles_of(shop.url, tmp_path) as service:
        operation = await service.template_operation(draft, PASSWORD)
        transaction = other.transaction()
        await transaction.start()
        await other.execute(f"CREATE ROLE {q(name)}")
        creating = asyncio.create_task(service.create(operation, draft, PASSWORD))

        async def waits() -> bool:
            return bool(await shop.run("SELECT FROM pg_locks WHERE NOT granted"))

        await until(waits)
        await transaction.commit()
        with pytest.raises(QueryFailed, match=r"^The server says: .*$") as failed:
            await creating
        said = "".join(traceback.format_exception(failed.value))
        assert "SCRAM-SHA-256" not in said
        assert PASSWORD.get_secret_value() not in said
        with pytest.raises(OperationRefused, match="already"):
            await service.create(operation, draft, PASSWORD)
    await other.close()
    [first] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(first)["done"] is False


async def test_nothing_else_runs_than_what_was_shown(shop: Database, name: str, tmp_path: Path) -> None:
    draft = RoleDraft(name, ANALYTICS, schemas=("S",))
    async with roles_of(shop.url, tmp_path) as service:
        operation = await service.template_operation(draft, None)
        await shop.run('ALTER TABLE "S".secrets OWNER TO plain')
        with pytest.raises(OperationRefused, match="changed meanwhile"):
            await service.create(operation, draft, None)
        assert not await shop.run("SELECT FROM pg_roles WHERE rolname = $1", name)


async def test_what_cannot_be_in_the_trail_is_not_done(shop: Database, name: str, tmp_path: Path) -> None:
    await shop.upgrade("core@head")
    await shop.run("ALTER TABLE arxos_core.audit_logs ADD CHECK (action <> 'role.create')")
    async with roles_of(shop.url, tmp_path) as service:
        with pytest.raises(QueryFailed, match="violates check constraint"):
            await made(service, RoleDraft(name, ANALYTICS, schemas=("S",)), PASSWORD)
        assert name not in [role.name for role in (await service.sample()).roles]


async def test_an_older_installations_trail_has_the_rows_too(
    shop: Database, name: str, tmp_path: Path
) -> None:
    await shop.run(
        "CREATE TABLE audit_logs (id uuid PRIMARY KEY, action varchar(100) NOT NULL, resource_type varchar(100),"
        " details jsonb, ip_address inet, timestamp timestamp)"
    )
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(name, GROUP))
        await service.drop(await service.drop_operation(name), name)
    rows = await shop.run("SELECT *, now()::timestamp - timestamp AS age FROM audit_logs ORDER BY timestamp")
    assert [row["action"] for row in rows] == ["role.create", "role.drop"]
    assert json.loads(rows[0]["details"])["name"] == name
    assert all(abs(row["age"]) < timedelta(minutes=5) for row in rows)


async def test_what_a_plain_role_may_not_is_one_sentence_with_its_remedy(
    shop: Database, name: str, tmp_path: Path
) -> None:
    await shop.run(f"CREATE ROLE {q(name)} LOGIN")
    async with roles_of(shop.cluster.url("plain", shop.name), tmp_path) as service:
        with pytest.raises(
            OperationRefused, match=r"may create no roles; .*: ALTER ROLE plain CREATEROLE\.$"
        ):
            await service.template_operation(RoleDraft(f"{name} b", GROUP), None)
        for asking in (
            service.set_password_operation(name),
            service.alter_operation(name, RoleChange(can_login=False)),
            service.expire_operation(name),
            service.drop_operation(name),
        ):
            with pytest.raises(OperationRefused, match=r"may not change .*ALTER ROLE plain CREATEROLE.*\.$"):
                await asking
        with pytest.raises(OperationRefused, match="postgres is a superuser"):
            await service.set_password_operation("postgres")
        with pytest.raises(OperationRefused, match=r"GRANT pg_monitor TO plain WITH ADMIN OPTION\.$"):
            await service.alter_operation("plain", RoleChange(joins=("pg_monitor",)))


async def test_its_own_password_everybody_may_change(shop: Database, name: str, tmp_path: Path) -> None:
    await shop.run(f"CREATE ROLE {q(name)} LOGIN PASSWORD '{shop.cluster.password}'")
    async with roles_of(shop.cluster.url(name, shop.name), tmp_path) as service:
        operation = await service.set_password_operation(name)
        assert operation.statements == (f"ALTER ROLE {q(name)} PASSWORD '********'",)
        await service.set_password(operation, name, UNICODE)
    await (await log_in(shop, name, UNICODE)).close()


async def test_a_role_that_creates_roles_is_told_what_else_it_needs(
    shop: Database, name: str, tmp_path: Path
) -> None:
    creator, made_by_it = f"{name} creator", f"{name} made"
    await shop.run(f"CREATE ROLE {q(creator)} LOGIN CREATEROLE PASSWORD '{shop.cluster.password}'")
    await shop.run(f"CREATE ROLE {q(name)} LOGIN")
    draft = RoleDraft(made_by_it, ANALYTICS, schemas=("S",))
    service_draft = RoleDraft(made_by_it, SERVICE, tables=(("S", "orders"),))
    async with roles_of(shop.cluster.url(creator, shop.name), tmp_path) as service:
        for wanted, remedy in (
            (draft, f"nothing on the database {shop.name}; .*GRANT postgres TO {q(creator)}"),
            (draft, f'nothing on the schema "S"; .*GRANT monitor TO {q(creator)}'),
            (draft, f'1 of the tables in "S"; .*GRANT postgres TO {q(creator)}'),
            (draft, f'tables to come in "S"; .*GRANT plain TO {q(creator)}'),
        ):
            with pytest.raises(OperationRefused, match=remedy):
                await service.template_operation(wanted, PASSWORD)
            if "the database" in remedy:
                await shop.run(f"GRANT CONNECT ON DATABASE {shop.name} TO {q(creator)} WITH GRANT OPTION")
            elif "the schema" in remedy:
                await shop.run(f'GRANT USAGE ON SCHEMA "S" TO {q(creator)} WITH GRANT OPTION')
                with pytest.raises(OperationRefused, match=r'on "S"\.orders; .*GRANT monitor TO'):
                    await service.template_operation(service_draft, PASSWORD)
                await shop.run(f"GRANT monitor TO {q(creator)}")
            elif "1 of" in remedy:
                await shop.run('ALTER TABLE "S".secrets OWNER TO plain')
                await shop.run(f'GRANT SELECT ON "S".secrets TO {q(creator)} WITH GRANT OPTION')
            else:
                await shop.run('ALTER TABLE "S".secrets OWNER TO monitor')
        await made(service, draft, PASSWORD)
        await (await log_in(shop, made_by_it, PASSWORD)).close()
        assert service._server.capabilities is not None
        if service._server.capabilities.major >= 16:
            with pytest.raises(OperationRefused, match="WITH ADMIN OPTION"):
                await service.expire_operation(name)
            with pytest.raises(OperationRefused, match=r"may not act for .* WITH INHERIT TRUE\.$"):
                await service.drop_operation(made_by_it)
            await shop.run(f"GRANT {q(made_by_it)} TO {q(creator)} WITH INHERIT TRUE")
            assert len((await service.drop_operation(made_by_it)).statements) == 2
        else:
            await service.expire(await service.expire_operation(name), name)
    await shop.run(f"REVOKE monitor FROM {q(creator)}")


async def test_read_only_and_a_standby_change_nothing(postgres: PostgresCluster, tmp_path: Path) -> None:
    async with roles_of(postgres.url(), tmp_path, Settings(read_only=True)) as service:
        for asking in (
            service.template_operation(RoleDraft("r", GROUP), None),
            service.set_password_operation("plain"),
            service.alter_operation("plain", RoleChange(can_login=False)),
            service.expire_operation("plain"),
            service.drop_operation("plain"),
        ):
            with pytest.raises(OperationRefused, match="--read-only"):
                await asking
    async with roles_of(postgres.url(), tmp_path) as service:
        operation = await service.expire_operation("plain")
        capabilities = service._server.capabilities
        assert capabilities is not None
        service._server.capabilities = replace(capabilities, in_recovery=True)
        with pytest.raises(OperationRefused, match="standby"):
            await service.expire(operation, "plain")
    assert not (tmp_path / "audit.jsonl").exists()


async def test_an_alteration_with_groups_of_other_grantors(shop: Database, name: str, tmp_path: Path) -> None:
    first, second, granting = f"{name} 1", f"{name} 2", f"{name} granting"
    await shop.upgrade("core@head")
    for role in (name, first, second, granting):
        await shop.run(f"CREATE ROLE {q(role)} LOGIN")
    await shop.run(f"GRANT {q(first)} TO {q(granting)} WITH ADMIN OPTION")
    await shop.run(f"GRANT {q(first)} TO {q(name)}")
    await shop.run(f"GRANT {q(first)} TO {q(name)} GRANTED BY {q(granting)}")
    async with roles_of(shop.url, tmp_path) as service:
        change = RoleChange(connection_limit=7, never_ends=True, joins=(second,), leaves=(first,))
        operation = await service.alter_operation(name, change)
        assert operation.statements[:2] == (
            f"ALTER ROLE {q(name)} CONNECTION LIMIT 7 VALID UNTIL 'infinity'",
            f"GRANT {q(second)} TO {q(name)}",
        )
        assert f"It loses what it has through {q(first)}." in operation.consequences
        await service.alter(operation, name, change)
        roles = {role.name: role for role in (await service.sample()).roles}
        assert [membership.group for membership in roles[name].memberships] == [second]
        assert (roles[name].connection_limit, roles[name].valid_until) == (7, None)
        for nothing, why in (
            (RoleChange(), "Nothing of"),
            (RoleChange(leaves=(first,)), "does not belong to"),
            (RoleChange(valid_until=datetime(2020, 1, 1, tzinfo=UTC)), "expire the role"),
            (RoleChange(connection_limit=-2), "or -1"),
            (RoleChange(joins=("nobody",)), "no role nobody"),
        ):
            with pytest.raises((BadInput, OperationRefused), match=why):
                await service.alter_operation(name, nothing)
        with pytest.raises(OperationRefused, match="lock itself out"):
            await service.alter_operation("postgres", RoleChange(can_login=False))
        with pytest.raises(OperationRefused, match="PostgreSQL's own"):
            await service.alter_operation("pg_monitor", RoleChange(can_login=True))
        loop = RoleChange(joins=(name,))
        with pytest.raises(DbconsoleError, match="is a member of role"):
            await service.alter(await service.alter_operation(second, loop), second, loop)
    [row] = await shop.run("SELECT details FROM arxos_core.audit_logs")
    said = json.loads(row["details"])
    assert said["before"] == {"connection_limit": -1, "valid_until": None}
    assert said["after"] == {"connection_limit": 7, "valid_until": "never"}
    assert (said["joins"], said["leaves"]) == ([second], [first])


async def test_an_expired_role_logs_in_no_more_and_its_sessions_go_on(
    shop: Database, name: str, tmp_path: Path
) -> None:
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(name, ANALYTICS, schemas=("S",)), PASSWORD)
        session = await log_in(shop, name, PASSWORD)
        operation = await service.expire_operation(name)
        assert any("sessions go on" in said and said.endswith(" 1.") for said in operation.consequences)
        outcome = await service.expire(operation, name)
        assert outcome.sentence.endswith("Its open sessions go on: 1.")
        assert await session.fetchval("SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await log_in(shop, name, PASSWORD)
        assert any("have ended" in said for said in (await service.set_password_operation(name)).consequences)
        with pytest.raises(OperationRefused, match=r"has open sessions \(1\)"):
            await service.drop_operation(name)
        await session.close()
        with pytest.raises(OperationRefused, match="lock itself out"):
            await service.expire_operation("postgres")


async def test_what_a_role_owns_is_given_to_another_or_it_stays(
    shop: Database, name: str, tmp_path: Path
) -> None:
    heir = f"{name} heir"
    await shop.run(f"CREATE ROLE {q(heir)}")
    await shop.run(f"CREATE ROLE {q(name)}")
    await shop.run(f"CREATE ROLE {q(name + ' member')} IN ROLE {q(name)}")
    await shop.run(f"CREATE SCHEMA own AUTHORIZATION {q(name)}")
    await shop.run("CREATE TABLE own.t AS SELECT 1 AS one")
    await shop.run(f"ALTER TABLE own.t OWNER TO {q(name)}")
    await shop.run(f'GRANT SELECT ON "S".orders TO {q(name)}')
    async with roles_of(shop.url, tmp_path) as service:
        with pytest.raises(OperationRefused) as refused:
            await service.drop_operation(name)
        assert "owns 1 × schema, 1 × table" in refused.value.sentence
        assert f"REASSIGN OWNED BY {q(name)} TO …; DROP OWNED BY {q(name)}" in refused.value.sentence
        with pytest.raises(OperationRefused, match="There is no role nobody"):
            await service.drop_operation(name, "nobody")
        with pytest.raises(OperationRefused, match="name another role"):
            await service.drop_operation(name, name)
        operation = await service.drop_operation(name, heir)
        assert operation.statements == (
            f"REASSIGN OWNED BY {q(name)} TO {q(heir)}",
            f"DROP OWNED BY {q(name)}",
            f"DROP ROLE {q(name)}",
        )
        assert operation.danger is Danger.DESTRUCTIVE
        assert f"{q(heir)} gets what it owns: 1 × schema, 1 × table." in operation.consequences
        assert f"{q(name + ' member')} lose what they have through it." in operation.consequences
        await service.drop(operation, name, heir)
    assert (await shop.run("SELECT one FROM own.t"))[0]["one"] == 1
    owners = await shop.run(
        "SELECT relowner::regrole::text AS owner FROM pg_class WHERE oid = 'own.t'::regclass"
    )
    assert owners[0]["owner"] == q(heir)
    assert not await shop.run("SELECT FROM pg_roles WHERE rolname = $1", name)


async def test_a_role_that_only_has_privileges_is_dropped_with_them(
    shop: Database, name: str, tmp_path: Path
) -> None:
    async with roles_of(shop.url, tmp_path) as service:
        await made(service, RoleDraft(name, ANALYTICS, schemas=("S",)), PASSWORD)
        operation = await service.drop_operation(name)
        assert operation.statements == (f"DROP OWNED BY {q(name)}", f"DROP ROLE {q(name)}")
        # It owns something by now, which DROP OWNED would take along.
        await shop.run("CREATE TABLE t ()")
        await shop.run(f"ALTER TABLE t OWNER TO {q(name)}")
        with pytest.raises(OperationRefused, match="owns 1 × table"):
            await service.drop(operation, name)
        await shop.run("ALTER TABLE t OWNER TO postgres")
        await service.drop(operation, name)
    assert not await shop.run("SELECT FROM pg_roles WHERE rolname = $1", name)


async def test_what_another_database_knows_stands_in_the_way(
    shop: Database, name: str, tmp_path: Path
) -> None:
    await shop.run(f"CREATE ROLE {q(name)}")
    async with database(shop.cluster) as other:
        await other.run("CREATE TABLE t ()")
        await other.run(f"GRANT SELECT ON t TO {q(name)}")
        async with roles_of(shop.url, tmp_path) as service:
            with pytest.raises(OperationRefused) as refused:
                await service.drop_operation(name, "plain")
    assert f"in {other.name}, too; first run there: REASSIGN OWNED BY {q(name)} TO plain;" in (
        refused.value.sentence
    )


async def test_some_roles_are_never_dropped(shop: Database, name: str, tmp_path: Path) -> None:
    await shop.run(f"CREATE ROLE {q(name)} LOGIN SUPERUSER PASSWORD '{shop.cluster.password}'")
    async with roles_of(shop.cluster.url(name, shop.name), tmp_path) as service:
        for role, why in (
            (name, "own role"),
            ("postgres", "was made with postgres"),
            ("pg_monitor", "PostgreSQL's own"),
            ("nobody", "There is no role nobody"),
        ):
            with pytest.raises(OperationRefused, match=why):
                await service.drop_operation(role)


async def test_privileges_that_neither_owner_nor_superuser_gave_are_told_of_by_the_server(
    shop: Database, name: str, tmp_path: Path
) -> None:
    """DROP OWNED leaves them, and so DROP ROLE fails."""
    giver = f"{name} giver"
    await shop.run(f"CREATE ROLE {q(name)}")
    await shop.run(f"CREATE ROLE {q(giver)}")
    await shop.run(f'GRANT USAGE ON SCHEMA "S" TO {q(giver)} WITH GRANT OPTION')
    passing_on = await shop.cluster.connect("postgres", shop.name)
    await passing_on.execute(f'SET ROLE {q(giver)}; GRANT USAGE ON SCHEMA "S" TO {q(name)}')
    await passing_on.close()
    async with roles_of(shop.url, tmp_path) as service:
        operation = await service.drop_operation(name)
        with pytest.raises(QueryFailed, match=r"cannot be dropped .* privileges for schema S\.$"):
            await service.drop(operation, name)
        assert [objects.privileges for objects in await service.owned(name)] == [1], "nothing was done"
    [line] = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["done"] is False
