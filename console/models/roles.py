"""PostgreSQL roles: what they are, what they may do where, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.health import Vitals


@dataclass(frozen=True, slots=True)
class Membership:
    """That a role belongs to another one."""

    group: str
    is_admin: bool
    """May let others in."""
    inherits: bool
    can_set: bool
    """May become it by SET ROLE (before PostgreSQL 16 always)."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the cluster, as `pg_roles` has it."""

    name: str
    can_login: bool
    is_superuser: bool
    creates_roles: bool
    creates_databases: bool
    replicates: bool
    bypasses_row_security: bool
    inherits: bool
    connection_limit: int | None
    """None is no limit."""
    valid_until: datetime | None
    """When its password ends; None is never."""
    has_password: bool | None
    """None where this role may not know."""
    connections: int
    """Now, in the whole cluster."""
    memberships: tuple[Membership, ...]
    members: tuple[str, ...]
    settings: tuple[str, ...]
    """`ALTER ROLE … SET`, as `name=value`, with the database before it where it is for one alone."""
    comment: str | None
    has_md5_password: bool = False
    """Known to superusers alone: what is kept of its password is the MD5 of old, which PostgreSQL 18 warns of."""
    is_bootstrap: bool = False
    """Whether the cluster was made with it: it can never be dropped."""

    @property
    def is_predefined(self) -> bool:
        """Whether it comes with PostgreSQL (`pg_monitor` …)."""
        return self.name.startswith("pg_")


@dataclass(frozen=True, slots=True)
class RolesSnapshot:
    """All roles at one moment."""

    at: datetime
    server_ms: float
    roles: tuple[Role, ...]
    vitals: Vitals | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with an object of this database."""

    kind: str
    """"database", "schema", "table", "view", "sequence", "function", "default for new tables" …; "everything" where
    `name` says in words what a superuser or a predefined role may do, and "more" where the list was cut."""
    schema: str | None
    name: str
    privileges: tuple[str, ...]
    """SELECT, INSERT …, with a `*` behind those that it may pass on."""
    through: str | None
    """The role or PUBLIC that it has them through, with "(SET ROLE)" behind a role that it has to become for that;
    None for its own."""
    is_owner: bool


@dataclass(frozen=True, slots=True)
class OwnedObjects:
    """What of one database hangs on a role, which stands in the way of dropping it."""

    database: str
    """Empty for what belongs to no database: databases and tablespaces."""
    kinds: tuple[tuple[str, int], ...]
    """What it owns: ("table", 12) …; of other databases only the number is known: ("object", 12)."""
    examples: tuple[str, ...]
    is_here: bool = True
    """Whether it can be given to somebody else from this database."""
    privileges: int = 0
    """Objects of others that name the role in their privileges or policies."""

    @property
    def count(self) -> int:
        """How many objects it owns."""
        return sum(number for _, number in self.kinds)


class RoleTemplate(Enum):
    """What a new role is for; the value is what is shown."""

    ANALYTICS = "read-only analytics"
    """CONNECT, USAGE and SELECT on all tables of schemas, those to come included."""
    SERVICE = "service with named tables"
    """SELECT, INSERT, UPDATE and DELETE on the tables that are named, and USAGE on their sequences."""
    MIGRATIONS = "migration owner"
    """CREATE on the database and in schemas."""
    GROUP = "group without login"


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """A role that is to be made."""

    name: str
    template: RoleTemplate
    schemas: tuple[str, ...] = ()
    tables: tuple[tuple[str, str], ...] = ()
    """(schema, table), for a service."""
    connection_limit: int | None = None
    valid_until: datetime | None = None
    memberships: tuple[str, ...] = ()
    """Groups that it joins at once."""


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What is to be changed in a role; None leaves it as it is."""

    can_login: bool | None = None
    connection_limit: int | None = None
    """-1 is no limit."""
    valid_until: datetime | None = None
    never_ends: bool = False
    """`VALID UNTIL 'infinity'`."""
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
