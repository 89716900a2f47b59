"""What the catalogues say of roles, as the console's models have it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from console.models.roles import Grant, Membership, OwnedObjects, Role

_ORDER = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
    *("USAGE", "EXECUTE", "CONNECT", "CREATE", "TEMPORARY"),
)

PREDEFINED = {
    "pg_read_all_data": "SELECT on every table, view and sequence, and USAGE on every schema",
    "pg_write_all_data": "INSERT, UPDATE and DELETE on every table and view, and USAGE on every schema",
    "pg_monitor": "all statistics, settings and sessions of the server",
    "pg_read_all_settings": "all settings of the server",
    "pg_read_all_stats": "all statistics and sessions of the server",
    "pg_stat_scan_tables": "functions that lock tables for their statistics",
    "pg_signal_backend": "cancelling and terminating the sessions of others but superusers",
    "pg_signal_autovacuum_worker": "ending autovacuum workers",
    "pg_read_server_files": "reading every file that the server can read",
    "pg_write_server_files": "writing every file that the server can write",
    "pg_execute_server_program": "running programs as the server's account, which is as good as superuser",
    "pg_checkpoint": "CHECKPOINT",
    "pg_maintain": "VACUUM, ANALYZE, CLUSTER, REFRESH, REINDEX and LOCK on every table",
    "pg_use_reserved_connections": "the reserved connection slots",
    "pg_create_subscription": "creating subscriptions",
}
"""What the roles that come with PostgreSQL may do, which no privilege of an object tells (from 13 to 18)."""

SUPERUSER = "everything: a superuser is never asked for a privilege"


def role_of(row: Mapping[str, Any], passwords: Mapping[str, bool] | None) -> Role:
    """A row of `roles`; `passwords` says of each role that has one whether it is an MD5 of old, None where unknown."""
    name = row["name"]
    return Role(
        name=name,
        can_login=row["can_login"],
        is_superuser=row["is_superuser"],
        creates_roles=row["creates_roles"],
        creates_databases=row["creates_databases"],
        replicates=row["replicates"],
        bypasses_row_security=row["bypasses_row_security"],
        inherits=row["inherits"],
        connection_limit=row["connection_limit"],
        valid_until=row["valid_until"],
        has_password=None if passwords is None else name in passwords,
        connections=row["connections"],
        memberships=tuple(Membership(*said) for said in json.loads(row["memberships"] or "[]")),
        members=tuple(row["members"]),
        settings=tuple(row["settings"]),
        comment=row["comment"],
        has_md5_password=bool(passwords and passwords.get(name)),
        is_bootstrap=row["is_bootstrap"],
    )


def grants_in_words(role: str, groups: Sequence[Mapping[str, Any]]) -> list[Grant]:
    """What superusers and predefined roles may do, of the rows of `role_groups`."""
    words = [
        (group, SUPERUSER if group["is_superuser"] else PREDEFINED[group["name"]])
        for group in groups
        if group["is_superuser"] or group["name"] in PREDEFINED
    ]
    return [Grant("everything", None, said, (), through(role, group), False) for group, said in words]


def grant_of(row: Mapping[str, Any], role: str, groups: Mapping[int, Mapping[str, Any]]) -> Grant:
    """A row of `role_grants`; `groups` has the rows of `role_groups` by their oid, PUBLIC having none."""
    group = groups.get(row["grantee"])
    return Grant(
        kind=row["kind"],
        schema=row["schema"],
        name=row["name"],
        privileges=tuple(sorted(row["privileges"], key=_place)),
        through="PUBLIC" if group is None else through(role, group),
        is_owner=row["is_owner"],
    )


def through(role: str, group: Mapping[str, Any]) -> str | None:
    """Through which group a role has something; None where it is the role itself."""
    if group["name"] == role:
        return None
    name: str = group["name"]
    return name if group["inherits"] else f"{name} (SET ROLE)"


def owned_of(rows: Iterable[Mapping[str, Any]]) -> tuple[OwnedObjects, ...]:
    """The rows of `role_owned`, database by database."""
    found = []
    for (database, is_here), of_one in groupby(rows, key=lambda row: (row["database"], row["is_here"])):
        told = list(of_one)
        owned = [row for row in told if row["is_owned"]]
        found.append(
            OwnedObjects(
                database=database,
                kinds=tuple((row["kind"], row["objects"]) for row in owned),
                examples=tuple(text for row in owned for text in row["examples"] or () if text),
                is_here=is_here,
                privileges=sum(row["objects"] for row in told if not row["is_owned"]),
            )
        )
    return tuple(found)


def _place(privilege: str) -> int:
    name = privilege.rstrip("*")
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
