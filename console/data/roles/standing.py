"""How things stand with a role, a schema or a table, and what the console's own role may do with it.

The server would say no as well, but in the middle, and for some grants only as a warning. Here it is said before, with
the statement that would allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from console.data.identifiers import quoted
from console.errors import OperationRefused
from console.models.roles import RoleTemplate


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of the query `role_standing`."""

    name: str
    major: int
    """The server's version: from 16 on a role that creates roles rules over those alone that it was given."""
    is_there: bool
    is_bootstrap: bool | None
    is_superuser: bool
    can_login: bool
    connection_limit: int | None
    """-1 is no limit, as in `pg_roles`."""
    valid_until: datetime | None
    has_ended: bool
    connections: int
    members: Sequence[str]
    groups: Sequence[str]
    """Once for each of the `grantors`."""
    grantors: Sequence[str]
    has_admin: bool
    has_usage: bool
    own_role: str
    own_is_superuser: bool
    own_creates_roles: bool
    database: str
    database_owner: str
    may_grant_connect: bool
    may_grant_create: bool
    scram_iterations: int

    @property
    def is_own(self) -> bool:
        """Whether it is the console's own role."""
        return self.name == self.own_role

    def check_there(self) -> None:
        """Raises `OperationRefused` where there is no such role, or it is one of PostgreSQL's own."""
        if not self.is_there:
            raise OperationRefused(f"There is no role {quoted(self.name)}.")
        if self.name.startswith("pg_"):
            raise OperationRefused(f"The role {self.name} is PostgreSQL's own and stays as it is.")

    def check_may_create(self) -> None:
        """Raises `OperationRefused` where there is such a role already, or the console's may create none."""
        if self.is_there:
            raise OperationRefused(f"There is a role {quoted(self.name)} already.")
        if not (self.own_is_superuser or self.own_creates_roles):
            own = quoted(self.own_role)
            raise OperationRefused(
                f"The role {own} may create no roles; a superuser allows it with: ALTER ROLE {own} CREATEROLE."
            )

    def check_may_change(self) -> None:
        """Raises `OperationRefused` where the console's role may not alter or drop it."""
        self.check_there()
        own, name = quoted(self.own_role), quoted(self.name)
        if self.own_is_superuser:
            return
        if self.is_superuser:
            raise OperationRefused(
                f"{name} is a superuser, whom the role {own} may not change; connect as a superuser."
            )
        wanted = [] if self.own_creates_roles else [f"ALTER ROLE {own} CREATEROLE"]
        if self.major >= 16 and not self.has_admin:
            wanted.append(f"GRANT {name} TO {own} WITH ADMIN OPTION")
        if wanted:
            raise OperationRefused(
                f"The role {own} may not change {name}; a superuser allows it with: {'; '.join(wanted)}."
            )

    def check_may_let_in(self) -> None:
        """Raises `OperationRefused` where the console's role may not make others members of it."""
        own, name = quoted(self.own_role), quoted(self.name)
        if not self.is_there:
            raise OperationRefused(f"There is no role {name} to join.")
        if self.own_is_superuser or self.has_admin:
            return
        if self.is_superuser or self.major >= 16 or not self.own_creates_roles:
            raise OperationRefused(
                f"The role {own} may let nobody into {name}; this allows it: GRANT {name} TO {own} WITH ADMIN OPTION."
            )

    def check_acts_for(self) -> None:
        """Raises `OperationRefused` where the console's role has not this one's rights, which giving away needs."""
        if not self.is_there:
            raise OperationRefused(f"There is no role {quoted(self.name)} to give anything to.")
        if not self.has_usage:
            raise OperationRefused(
                f"The role {quoted(self.own_role)} may not act for {quoted(self.name)}; this allows it: "
                f"{self.joining([self.name])}."
            )

    def joining(self, groups: Sequence[str]) -> str:
        """What gives the console's role the rights of others, as SQL has it."""
        # From 16 on a role that made another one belongs to it already, but without its rights.
        options = " WITH INHERIT TRUE" if self.major >= 16 else ""
        return f"GRANT {', '.join(map(quoted, groups))} TO {quoted(self.own_role)}{options}"

    def refuse_grant(self, what: str, owners: Sequence[str]) -> NoReturn:
        """Raises `OperationRefused`: its own role may grant nothing there."""
        raise OperationRefused(
            f"The role {quoted(self.own_role)} may grant nothing on {what}; its owner can, or this allows it: "
            f"{self.joining(owners)}."
        )

    def check_may_grant(self, template: RoleTemplate) -> None:
        """Raises `OperationRefused` where the console's role may not grant what a template needs on the database."""
        needed = {
            RoleTemplate.GROUP: True,
            RoleTemplate.MIGRATIONS: self.may_grant_connect and self.may_grant_create,
        }
        if not needed.get(template, self.may_grant_connect):
            self.refuse_grant(f"the database {quoted(self.database)}", [self.database_owner])


@dataclass(frozen=True, slots=True)
class SchemaStanding:
    """A row of the query `role_schemas`."""

    name: str
    is_there: bool
    owner: str | None
    may_grant_usage: bool
    may_grant_create: bool
    tables: int
    withheld: int
    """Tables on which the console's role may not grant SELECT."""
    withheld_owners: Sequence[str] | None
    makers: Sequence[str]
    """Who makes tables there."""
    foreign_makers: Sequence[str]
    """Those of them for whom the console's role may not act."""

    def check_may_grant(self, own: Standing, template: RoleTemplate) -> None:
        """Raises `OperationRefused` where it is not there, or what the template needs may not be granted."""
        if not self.is_there or self.name.startswith("pg_") or self.name == "information_schema":
            raise OperationRefused(f"There is no schema {quoted(self.name)} of your own in this database.")
        owner = [self.owner or ""]
        if not self.may_grant_usage or (template is RoleTemplate.MIGRATIONS and not self.may_grant_create):
            own.refuse_grant(f"the schema {quoted(self.name)}", owner)
        if template is RoleTemplate.ANALYTICS and self.withheld:
            what = f"{self.withheld} of the tables in {quoted(self.name)}"
            own.refuse_grant(what, self.withheld_owners or ())
        if template is RoleTemplate.ANALYTICS and self.foreign_makers:
            own.refuse_grant(f"the tables to come in {quoted(self.name)}", self.foreign_makers)


@dataclass(frozen=True, slots=True)
class TableStanding:
    """A row of the query `role_tables`."""

    schema: str
    name: str
    is_there: bool
    owner: str | None
    may_grant: bool
    sequence_schemas: Sequence[str]
    sequence_names: Sequence[str]
    withheld_sequences: Sequence[str]

    @property
    def full_name(self) -> str:
        """As SQL has it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def sequences(self) -> tuple[str, ...]:
        """Where its columns take their values from, as SQL has them."""
        named = zip(self.sequence_schemas, self.sequence_names, strict=True)
        return tuple(f"{quoted(schema)}.{quoted(name)}" for schema, name in named)

    def check_may_grant(self, own: Standing) -> None:
        """Raises `OperationRefused` where it is not there, or the console's role may grant nothing on it."""
        if not self.is_there:
            raise OperationRefused(f"There is no table {self.full_name} in this database.")
        if not self.may_grant or self.withheld_sequences:
            what = self.full_name if not self.may_grant else f"the sequences of {self.full_name}"
            own.refuse_grant(what, [self.owner or ""])
