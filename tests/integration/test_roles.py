"""What the roles of a server are, what they may do in a database, and what they own, on every version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.data.roles.reading import PREDEFINED
from console.data.roles.service import RolesService
from console.errors import ObjectMissing
from console.models.roles import Grant, Membership, Role
from tests.own_roles import own_name, q, roles_of
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster


@pytest.fixture
async def empty(every_postgres: PostgresCluster) -> AsyncIterator[Database]:
    async with database(every_postgres) as found:
        yield found


@pytest.fixture
async def name(empty: Database) -> AsyncIterator[str]:
    async with own_name(empty) as found:
        yield found


async def sample(service: RolesService) -> dict[str, Role]:
    return {role.name: role for role in (await service.sample()).roles}


async def test_the_roles_with_all_that_is_said_of_them(empty: Database, name: str, tmp_path: Path) -> None:
    group = f"{name} group"
    await empty.run(f"CREATE ROLE {q(group)} NOLOGIN")
    await empty.run(
        f"CREATE ROLE {q(name)} LOGIN PASSWORD 'x' CONNECTION LIMIT 3 VALID UNTIL '2031-02-03 04:05+00' CREATEDB"
    )
    await empty.run(f"GRANT {q(group)} TO {q(name)} WITH ADMIN OPTION")
    await empty.run(f"COMMENT ON ROLE {q(name)} IS '[red]it'")
    await empty.run(f"ALTER ROLE {q(name)} SET work_mem = '8MB'")
    await empty.run(f"ALTER ROLE {q(name)} IN DATABASE {empty.name} SET statement_timeout = '5s'")
    await empty.run(f"ALTER ROLE {q(group)} VALID UNTIL 'infinity'")
    async with roles_of(empty.cluster.url("plain", empty.name), tmp_path) as service:
        held = await empty.cluster.connect("plain")
        snapshot = await service.sample()
        await held.close()
        roles = {role.name: role for role in snapshot.roles}
        role = roles[name]
        assert (role.can_login, role.is_superuser, role.creates_databases) == (True, False, True)
        assert (role.connection_limit, role.connections) == (3, 0)
        assert role.valid_until == datetime(2031, 2, 3, 4, 5, tzinfo=UTC)
        assert role.memberships == (Membership(group, is_admin=True, inherits=True, can_set=True),)
        assert role.settings == ("work_mem=8MB", f"{empty.name}: statement_timeout=5s")
        assert role.comment == "[red]it"
        assert role.has_password is None, "a plain role may not know"
        assert roles[group].members == (name,)
        assert (roles[group].valid_until, roles[group].connection_limit) == (None, None)
        assert roles["plain"].connections >= 2
        assert roles["postgres"].is_bootstrap
        assert [role.name for role in roles.values() if role.is_bootstrap] == ["postgres"]
        assert roles["pg_monitor"].is_predefined
        assert snapshot.server_ms > 0
    async with roles_of(empty.url, tmp_path) as service:
        roles = await sample(service)
        assert (roles[name].has_password, roles[group].has_password) == (True, False)
        assert not roles[name].has_md5_password
        await empty.run(f"ALTER ROLE {q(name)} PASSWORD 'md5{'0' * 32}'")
        assert (await sample(service))[name].has_md5_password


async def test_a_membership_without_its_options(empty: Database, name: str, tmp_path: Path) -> None:
    """From 16 on a membership may give neither privileges nor SET ROLE; before it depends on the member."""
    group = f"{name} group"
    await empty.run(f"CREATE ROLE {q(group)}")
    async with roles_of(empty.url, tmp_path) as service:
        assert service._server.capabilities is not None
        is_new = service._server.capabilities.major >= 16
        await empty.run(f"CREATE ROLE {q(name)} NOINHERIT")
        await empty.run(f"GRANT {q(group)} TO {q(name)}")
        await empty.run("CREATE TABLE t ()")
        await empty.run(f"GRANT SELECT ON t TO {q(group)}")
        [membership] = (await sample(service))[name].memberships
        assert membership == Membership(group, is_admin=False, inherits=False, can_set=True)
        [grant] = [g for g in await service.grants(name) if g.name == "t"]
        assert grant == Grant("table", "public", "t", ("SELECT",), f"{group} (SET ROLE)", False)
        if is_new:
            await empty.run(f"GRANT {q(group)} TO {q(name)} WITH SET FALSE")
            [membership] = (await sample(service))[name].memberships
            assert membership == Membership(group, is_admin=False, inherits=False, can_set=False)
            assert not [g for g in await service.grants(name) if g.name == "t"]


async def test_what_a_role_may_do_where(empty: Database, name: str, tmp_path: Path) -> None:
    group, maker = f"{name} group", f"{name} maker"
    for role in (name, group, maker):
        await empty.run(f"CREATE ROLE {q(role)}")
    for statement in (
        f"GRANT {q(group)} TO {q(name)}",
        'CREATE SCHEMA "S 1"',
        'CREATE TABLE "S 1".orders (id serial, secret text)',
        'CREATE VIEW "S 1".seen AS SELECT 1 AS one',
        'CREATE MATERIALIZED VIEW "S 1".kept AS SELECT 1 AS one',
        'CREATE FUNCTION "S 1".f(int) RETURNS int LANGUAGE sql AS \'SELECT 1\'',
        'CREATE FUNCTION "S 1".g() RETURNS int LANGUAGE sql AS \'SELECT 1\'',
        f'GRANT USAGE ON SCHEMA "S 1" TO {q(group)}',
        f'GRANT INSERT, SELECT ON "S 1".orders TO {q(name)}',
        f'GRANT SELECT ON "S 1".orders TO {q(name)} WITH GRANT OPTION',
        'GRANT SELECT ON "S 1".seen TO PUBLIC',
        f'GRANT SELECT ON "S 1".kept TO {q(group)}',
        f'GRANT UPDATE (secret) ON "S 1".orders TO {q(name)}',
        f'GRANT USAGE ON SEQUENCE "S 1".orders_id_seq TO {q(name)}',
        f'GRANT EXECUTE ON FUNCTION "S 1".f(int) TO {q(name)}',
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {q(maker)} IN SCHEMA \"S 1\" GRANT SELECT ON TABLES TO {q(name)}",
        f"CREATE SCHEMA own AUTHORIZATION {q(name)}",
    ):  # fmt: skip
        await empty.run(statement)
    async with roles_of(empty.cluster.url("plain", empty.name), tmp_path) as service:
        grants = await service.grants(name)
    found = {(g.kind, g.schema, g.name, g.through): (g.privileges, g.is_owner) for g in grants}
    here = "S 1"
    expected = {
        ("schema", here, here, group): (("USAGE",), False),
        ("schema", "own", "own", None): (("USAGE", "CREATE"), True),
        ("table", here, "orders", None): (("SELECT*", "INSERT"), False),
        ("view", here, "seen", "PUBLIC"): (("SELECT",), False),
        ("materialized view", here, "kept", group): (("SELECT",), False),
        ("column", here, "orders.secret", None): (("UPDATE",), False),
        ("sequence", here, "orders_id_seq", None): (("USAGE",), False),
        ("function", here, "f(integer)", None): (("EXECUTE",), False),
        ("function", here, "f(integer)", "PUBLIC"): (("EXECUTE",), False),
        ("functions", here, "1 of postgres", "PUBLIC"): (("EXECUTE",), False),
        ("default for new tables", here, f"made by {q(maker)}", None): (("SELECT",), False),
        ("database", None, empty.name, "PUBLIC"): (("CONNECT", "TEMPORARY"), False),
    }
    assert {key: found.get(key) for key in expected} == expected
    assert {kind for kind, _, thing, _ in found if thing not in {key[2] for key in expected}} <= {"schema"}


async def test_superusers_and_predefined_roles_are_told_in_words(
    empty: Database, name: str, tmp_path: Path
) -> None:
    await empty.run(f"CREATE ROLE {q(name)} IN ROLE pg_read_all_data")
    await empty.run(f"CREATE ROLE {q(name + ' super')} SUPERUSER NOINHERIT")
    await empty.run(f"CREATE ROLE {q(name + ' via')} NOINHERIT IN ROLE {q(name + ' super')}")
    async with roles_of(empty.url, tmp_path) as service:
        first, *_ = await service.grants(name)
        assert (first.kind, first.through) == ("everything", "pg_read_all_data")
        assert first.name.startswith("SELECT on every table")
        [only] = await service.grants(f"{name} super")
        assert (only.name.startswith("everything: a superuser"), only.through) == (True, None)
        through, *_ = await service.grants(f"{name} via")
        assert through.through == f"{name} super (SET ROLE)"
        with pytest.raises(ObjectMissing, match=r"There is no role nobody\."):
            await service.grants("nobody")


async def test_every_predefined_role_has_its_words(every_postgres: PostgresCluster, tmp_path: Path) -> None:
    async with roles_of(every_postgres.url("plain"), tmp_path) as service:
        predefined = {role for role in await sample(service) if role.startswith("pg_")}
    assert predefined - {"pg_database_owner"} <= PREDEFINED.keys()


async def test_the_owner_of_the_database_has_what_its_owner_has(
    empty: Database, name: str, tmp_path: Path
) -> None:
    await empty.run(f"CREATE ROLE {q(name)}")
    await empty.run(f"ALTER DATABASE {empty.name} OWNER TO {q(name)}")
    async with roles_of(empty.url, tmp_path) as service:
        grants = await service.grants(name)
    [owner] = [g for g in grants if g.kind == "schema" and g.is_owner]
    assert (owner.name, owner.through) == ("public", "pg_database_owner")
    await empty.run(f"ALTER DATABASE {empty.name} OWNER TO postgres")


async def test_many_grants_are_cut_and_counted(
    empty: Database, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await empty.run(f"CREATE ROLE {q(name)}")
    await empty.run(f"CREATE SCHEMA s AUTHORIZATION {q(name)}")
    await empty.run(
        "DO $$ BEGIN FOR i IN 1..30 LOOP EXECUTE format('CREATE TABLE s.t%s ()', i);"
        f" EXECUTE format('GRANT SELECT ON s.t%s TO %I', i, '{name}'); END LOOP; END $$"
    )
    monkeypatch.setattr("console.data.roles.service.GRANTS", 10)
    async with roles_of(empty.url, tmp_path) as service:
        grants = await service.grants(name)
    assert len(grants) == 11
    assert (grants[-1].kind, grants[-1].name.split(" ")[1:]) == ("more", ["more", "are", "not", "listed"])
    assert int(grants[-1].name.split(" ")[0]) >= 20


async def test_what_a_role_owns_here_and_elsewhere(empty: Database, name: str, tmp_path: Path) -> None:
    await empty.run(f"CREATE ROLE {q(name)}")
    async with database(empty.cluster) as other:
        await other.run(f"CREATE SCHEMA s AUTHORIZATION {q(name)}")
        await other.run("CREATE TABLE public.t ()")
        await other.run(f"GRANT SELECT ON public.t TO {q(name)}")
        for statement in (
            f"CREATE SCHEMA s AUTHORIZATION {q(name)}",
            *(f"CREATE TABLE s.t{i} (id serial PRIMARY KEY)" for i in range(5)),
            *(f"ALTER TABLE s.t{i} OWNER TO {q(name)}" for i in range(5)),
            "CREATE VIEW s.v AS SELECT 1 AS one",
            f"ALTER VIEW s.v OWNER TO {q(name)}",
            "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"ALTER FUNCTION s.f() OWNER TO {q(name)}",
            "CREATE TABLE public.t ()",
            f"GRANT SELECT ON public.t TO {q(name)}",
        ):
            await empty.run(statement)
        async with roles_of(empty.cluster.url("plain", empty.name), tmp_path) as service:
            here, elsewhere = await service.owned(name)
            assert not await service.owned("plain")
        assert (here.database, here.is_here, here.privileges) == (empty.name, True, 1)
        kinds = [("sequence", 5), ("table", 5), ("function", 1), ("schema", 1), ("view", 1)]
        assert here.kinds == tuple(kinds)
        assert here.count == 13
        assert here.examples[:3] == tuple(f"sequence s.t{i}_id_seq" for i in range(3))
        assert {"schema s", "view s.v", "function s.f()"} < set(here.examples)
        assert (elsewhere.database, elsewhere.is_here) == (other.name, False)
        assert (elsewhere.kinds, elsewhere.privileges) == ((("object", 1),), 1)
        assert elsewhere.examples == ()
