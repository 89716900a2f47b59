"""One role in full: what it is, what it belongs to, what it owns, and what it may do where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from textual.content import Content

from console.models.roles import Grant, Membership, OwnedObjects, Role
from console.screens.accounts_roles_columns import attributes, kind, password
from console.screens.accounts_text import moment
from console.units import count
from console.widgets.detail import Section

Lines = tuple[tuple[str, str | Content], ...]


def role_sections(
    role: Role, grants: Sequence[Grant], owned: Sequence[OwnedObjects], now: datetime
) -> tuple[Section, ...]:
    """What it may do comes last, schema by schema: it can be long."""
    secret = password(role)
    lines: list[tuple[str, str | Content]] = [
        ("kind", kind(role)[0]),
        ("attributes", attributes(role)),
        ("password", secret if isinstance(secret, str) else secret[0]),
        ("valid until", moment(role.valid_until, now, "never ends")),
        ("connections", _connections(role)),
    ]
    if role.has_md5_password:
        lines.append(
            ("▲", "PostgreSQL 18 warns of MD5 passwords, and a later one drops them: p sets another.")
        )
    if role.comment:
        lines.append(("comment", role.comment))
    lines += [("setting", setting) for setting in role.settings]
    return (
        Section("", tuple(lines)),
        Section("member of", tuple(map(_membership, role.memberships)) or (("", "nothing"),)),
        Section("members", (("", " ".join(role.members) or "nobody"),)),
        Section("owns", owned_lines(owned)),
        *_grant_sections(grants),
    )


def _connections(role: Role) -> str:
    limit = "no limit" if role.connection_limit is None else f"{count(role.connection_limit)} at most"
    return f"{count(role.connections)} now, {limit}"


def _membership(one: Membership) -> tuple[str, str]:
    words = {
        "has its rights at once": one.inherits,
        "has its rights after SET ROLE": one.can_set and not one.inherits,
        "neither inherits nor may become it": not (one.can_set or one.inherits),
        "may let others in": one.is_admin,
    }
    return one.group, " · ".join(word for word, is_so in words.items() if is_so)


def owned_lines(owned: Sequence[OwnedObjects]) -> Lines:
    """What hangs on a role, database by database."""
    lines: list[tuple[str, str | Content]] = []
    for objects in owned:
        words = [f"{count(number)} × {what}" for what, number in objects.kinds]
        if objects.privileges:
            words.append(f"privileges on {count(objects.privileges)}")
        lines.append((objects.database or "cluster", " · ".join(words)))
        if objects.examples:
            lines.append(("", "  " + "  ".join(objects.examples)))
    return tuple(lines) or (("", "nothing"),)


def _grant_sections(grants: Sequence[Grant]) -> list[Section]:
    """What it may do: what belongs to no schema first, then each schema with what is in it."""
    if not grants:
        return [Section("may do in this database", (("", "nothing"),))]
    ordered = sorted(grants, key=lambda grant: (grant.schema is not None, grant.schema or ""))
    sections = []
    for schema, of_one in groupby(ordered, key=lambda grant: grant.schema):
        title = "may do in this database" if schema is None else f"may do in {schema}"
        sections.append(Section(title, tuple(map(_grant, of_one))))
    return sections


def _grant(grant: Grant) -> tuple[str, str]:
    words = [" ".join(grant.privileges)]
    if grant.is_owner:
        words.append("owner")
    if grant.through is not None:
        words.append(f"through {grant.through}")
    if grant.kind in ("everything", "more"):
        return "", " · ".join(word for word in (grant.name, *words) if word)
    return f"{grant.kind} {grant.name}", " · ".join(word for word in words if word)
