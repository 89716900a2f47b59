"""The SQL of each change of a role. Names are quoted; whoever shows it puts `HIDDEN` in the place of the password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from console.data.identifiers import quoted
from console.data.roles.standing import SchemaStanding, Standing, TableStanding
from console.errors import BadInput
from console.models.roles import RoleChange, RoleDraft, RoleTemplate

HIDDEN = "********"
"""What stands in the place of a password wherever a statement is shown."""

_NAME_BYTES = 63
"""PostgreSQL cuts a longer name off, without a word that a program would hear."""


def check_name(name: str) -> None:
    """Raises `BadInput` for what cannot be the name of a new role."""
    if not name:
        raise BadInput("A role needs a name.")
    if not name.isprintable():
        raise BadInput(f"{name!r} cannot be a role's name: it has characters that cannot be seen.")
    size = len(name.encode())
    if size > _NAME_BYTES:
        raise BadInput(
            f"A role's name may have {_NAME_BYTES} bytes and this has {size}; PostgreSQL would cut it off."
        )
    if name.startswith("pg_") or name in ("public", "none"):
        raise BadInput(f"{name} cannot be a role's name: PostgreSQL keeps it for itself.")


def creation(
    draft: RoleDraft,
    standing: Standing,
    schemas: Sequence[SchemaStanding],
    tables: Sequence[TableStanding],
    password: str | None,
) -> tuple[str, ...]:
    """What makes a role after its template; `password` is its verifier, or `HIDDEN`."""
    role = quoted(draft.name)
    words = [f"CREATE ROLE {role}", "NOLOGIN" if draft.template is RoleTemplate.GROUP else "LOGIN"]
    if password is not None:
        words.append(f"PASSWORD '{password}'")
    if draft.connection_limit is not None:
        words.append(f"CONNECTION LIMIT {draft.connection_limit:d}")
    if draft.valid_until is not None:
        words.append(f"VALID UNTIL {_moment(draft.valid_until)}")
    if draft.memberships:
        words.append(f"IN ROLE {', '.join(map(quoted, draft.memberships))}")
    database = quoted(standing.database)
    found = [" ".join(words)]
    if draft.template is RoleTemplate.ANALYTICS:
        found.append(f"GRANT CONNECT ON DATABASE {database} TO {role}")
        for schema in schemas:
            name = quoted(schema.name)
            found.append(f"GRANT USAGE ON SCHEMA {name} TO {role}")
            found.append(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {role}")
            found += [
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(maker)} IN SCHEMA {name} GRANT SELECT ON TABLES TO {role}"
                for maker in schema.makers
            ]
        found.append(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    elif draft.template is RoleTemplate.SERVICE:
        found.append(f"GRANT CONNECT ON DATABASE {database} TO {role}")
        found += [f"GRANT USAGE ON SCHEMA {quoted(schema.name)} TO {role}" for schema in schemas]
        found += [
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table.full_name} TO {role}" for table in tables
        ]
        sequences = dict.fromkeys(sequence for table in tables for sequence in table.sequences)
        found += [f"GRANT USAGE ON SEQUENCE {sequence} TO {role}" for sequence in sequences]
    elif draft.template is RoleTemplate.MIGRATIONS:
        found.append(f"GRANT CONNECT, CREATE ON DATABASE {database} TO {role}")
        found += [f"GRANT USAGE, CREATE ON SCHEMA {quoted(schema.name)} TO {role}" for schema in schemas]
    return tuple(found)


def new_password(name: str, password: str) -> str:
    """What gives a role a password, of which this is the verifier, or `HIDDEN`."""
    return f"ALTER ROLE {quoted(name)} PASSWORD '{password}'"


def alteration(change: RoleChange, standing: Standing) -> tuple[str, ...]:
    """What a change of attributes and memberships runs."""
    role = quoted(standing.name)
    words = []
    if change.can_login is not None:
        words.append("LOGIN" if change.can_login else "NOLOGIN")
    if change.connection_limit is not None:
        words.append(f"CONNECTION LIMIT {change.connection_limit:d}")
    if change.never_ends:
        words.append("VALID UNTIL 'infinity'")
    elif change.valid_until is not None:
        words.append(f"VALID UNTIL {_moment(change.valid_until)}")
    found = [f"ALTER ROLE {role} {' '.join(words)}"] if words else []
    found += [f"GRANT {quoted(group)} TO {role}" for group in change.joins]
    for group, grantor in zip(standing.groups, standing.grantors, strict=True):
        if group in change.leaves:
            # From 16 on each grantor's grant is one of its own, and revoking leaves those of others.
            by = f" GRANTED BY {quoted(grantor)}" if standing.major >= 16 else ""
            found.append(f"REVOKE {quoted(group)} FROM {role}{by}")
    return tuple(dict.fromkeys(found))


def expiry(name: str) -> str:
    """What ends a role's password at this moment, by the server's clock."""
    return f"ALTER ROLE {quoted(name)} VALID UNTIL 'now'"


def giving_away(name: str, heir: str | None) -> tuple[str, str]:
    """What gives all that a role owns in a database to another one, and takes its privileges there from it.

    Without an heir it is for reading alone: a person has to say who it is to be.
    """
    return (
        f"REASSIGN OWNED BY {quoted(name)} TO {'…' if heir is None else quoted(heir)}",
        f"DROP OWNED BY {quoted(name)}",
    )


def removal(name: str, heir: str | None, *, has_privileges: bool) -> tuple[str, ...]:
    """What drops a role. Without an heir it must own nothing, so that `DROP OWNED` only takes its privileges."""
    reassign, drop_owned = giving_away(name, heir)
    first = (drop_owned,) if has_privileges else ()
    return (*((reassign, drop_owned) if heir is not None else first), f"DROP ROLE {quoted(name)}")


def _moment(at: datetime) -> str:
    return f"'{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"
