"""Operations that only this schema needs, as `op.…` in its revisions.

A schema or an extension that was there before is used and never dropped. What a revision creates carries a mark in
its comment, and the downgrade drops only what carries the mark and holds nothing of others.
"""

from __future__ import annotations

from inspect import cleandoc

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import text

from console.data.queries import OLDEST_MAJOR, query

MARK = "created by the migrations of the platform schema"

_CREATE_SCHEMA = """
DO $$
BEGIN
    IF to_regnamespace('{name}') IS NULL THEN
        CREATE SCHEMA {name};
        COMMENT ON SCHEMA {name} IS '{mark}';
    END IF;
END
$$
"""

_DROP_SCHEMA = """
DO $$
BEGIN
    IF obj_description(to_regnamespace('{name}'), 'pg_namespace') = '{mark}' THEN
        DROP SCHEMA {name};
    END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
    COMMENT ON SCHEMA {name} IS NULL;
    RAISE NOTICE 'schema {name} stays: it holds objects of others';
END
$$
"""

_CREATE_EXTENSION = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = '{name}') THEN
        CREATE EXTENSION {name};
        COMMENT ON EXTENSION {name} IS '{mark}';
    END IF;
END
$$
"""

_DROP_EXTENSION = """
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_extension
        WHERE extname = '{name}' AND obj_description(oid, 'pg_extension') = '{mark}'
    ) THEN
        DROP EXTENSION {name};
    END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
    EXECUTE format(
        'COMMENT ON EXTENSION {name} IS %L',
        (SELECT comment FROM pg_available_extensions WHERE name = '{name}')
    );
    RAISE NOTICE 'extension {name} stays: objects of others use it';
END
$$
"""

_CREATE_TOUCH_TRIGGER = """
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION arxos_core.touch_updated_at()
"""


@Operations.register_operation("sql")
@Operations.register_operation("create_owned_schema")
@Operations.register_operation("drop_owned_schema")
@Operations.register_operation("create_owned_extension")
@Operations.register_operation("drop_owned_extension")
@Operations.register_operation("create_touch_trigger")
class PlatformOperation(MigrateOperation):
    """SQL that is the same offline and online."""

    @classmethod
    def sql(cls, operations: Operations, statement: str) -> None:
        """Runs one statement, without the indentation that it has in the file."""
        operations.execute(cleandoc(statement))

    @classmethod
    def create_owned_schema(cls, operations: Operations, name: str) -> None:
        """Creates a schema where there is none of that name yet."""
        cls.sql(operations, _CREATE_SCHEMA.format(name=name, mark=MARK))

    @classmethod
    def drop_owned_schema(cls, operations: Operations, name: str) -> None:
        """Drops a schema that a revision created, unless others have put something into it."""
        cls.sql(operations, _DROP_SCHEMA.format(name=name, mark=MARK))

    @classmethod
    def create_owned_extension(cls, operations: Operations, name: str) -> bool:
        """Creates an extension where that is possible; returns False where it is not."""
        if name not in _usable_extensions(operations):
            return False
        cls.sql(operations, _CREATE_EXTENSION.format(name=name, mark=MARK))
        return True

    @classmethod
    def drop_owned_extension(cls, operations: Operations, name: str) -> None:
        """Drops an extension that a revision created, unless objects of others use it."""
        cls.sql(operations, _DROP_EXTENSION.format(name=name, mark=MARK))

    @classmethod
    def create_touch_trigger(cls, operations: Operations, table: str) -> None:
        """Keeps the `updated_at` of a table (`schema.name`)."""
        cls.sql(operations, _CREATE_TOUCH_TRIGGER.format(table=table))


def _usable_extensions(operations: Operations) -> frozenset[str]:
    """What `config.attributes["extensions"]` says, or `-x extensions=postgis,vector`, or else the server:
    what is there and what this role may create.

    A script that is written without a server, and is not told, is for one that has none.
    """
    context = operations.get_context()
    environment = context.environment_context
    assert environment is not None
    given = environment.config.attributes.get("extensions")
    if given is not None:
        return frozenset(given)
    arguments = environment.get_x_argument(as_dictionary=True)
    if "extensions" in arguments:
        return frozenset(arguments["extensions"].split(","))
    if context.as_sql:
        return frozenset()
    return frozenset(operations.get_bind().scalars(text(query("usable_extensions", OLDEST_MAJOR))))
