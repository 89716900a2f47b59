"""The platform's audit trail as a chain: each row's hash covers what the row says and the hash of the row before.

A change or a gap shows to whoever computes the hashes again. It does not stop somebody who may rewrite all of the
table: against that, keep the newest hash elsewhere too.

`user_id` and `session_id` are not covered: the database empties them when the user or the session is deleted, which
is no forgery. Who it was stands, covered, in `details` too, as `user_id` and `session_id`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Text, cast, column, func, insert, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from console.data.schema.core import audit_logs

_LOCK = "arxos_core.audit_logs"
"""Its `hashtext` is the advisory lock of whoever appends: two would follow the same row."""

_Row = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Any]

_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did, as a row of the trail says it."""

    action: str
    """The object and the verb: "api_key.create"."""
    user_id: UUID | None = None
    """Who did it; None where it was nobody that the platform knows, such as the console's own person."""
    session_id: UUID | None = None
    resource_type: str | None = None
    resource_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    ip_address: str | None = None
    user_agent: str | None = None


_GIVEN = tuple(field.name for field in fields(AuditEntry))
"""Read one by one: `asdict` copies all that is in `details`, which takes longer than the rest."""


_JSON = json.JSONEncoder(default=str).encode


def row_hash(row: _Row) -> ColumnElement[str]:
    """SQL for the hash that a row of `audit_logs` must have, 64 hexadecimal digits.

    It is the SHA-256 of the UTF-8 text of a JSON array, as `jsonb` prints it, of: `sequence`, `prev_hash`, `timestamp`
    in UTC with microseconds (`2026-03-01T12:00:00.000000Z`), `action`, `resource_type`, `resource_id`, `details`,
    `ip_address`, `user_agent`.
    """
    return func.encode(func.sha256(func.convert_to(_content(row), "UTF8")), "hex")


def _content(row: _Row) -> ColumnElement[str]:
    content = func.jsonb_build_array(
        row["sequence"],
        row["prev_hash"],
        func.to_char(func.timezone("UTC", row["timestamp"]), _MOMENT),
        row["action"],
        row["resource_type"],
        row["resource_id"],
        row["details"],
        row["ip_address"],
        row["user_agent"],
    )
    return cast(content, Text)


async def lock(connection: AsyncConnection) -> None:
    """Makes everybody else who is going to append wait for the end of the connection's transaction."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))


async def append(connection: AsyncConnection, *entries: AuditEntry) -> None:
    """Adds rows to the end of the chain, within the connection's transaction; until its end others wait.

    However many there are, it takes the same few statements: the server prints what is hashed, since nobody else
    prints `jsonb` as it does, and the hashes, each of which needs the one before, are computed here.

    Raises as `Engine.connection` does.
    """
    if not entries:
        return
    await lock(connection)
    newest = select(audit_logs.c.sequence, audit_logs.c.hash).order_by(audit_logs.c.sequence.desc()).limit(1)
    last = (await connection.execute(newest)).one_or_none()
    at = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    # A plan made for these very rows would have all of them written into it.
    await connection.execute(select(func.set_config("plan_cache_mode", "force_generic_plan", True)))
    rows = [
        _JSON(
            {name: getattr(entry, name) for name in _GIVEN}
            | {"details": {**entry.details, **_who(entry)}, "timestamp": at, "sequence": number}
        )
        for number, entry in enumerate(entries, last.sequence + 1 if last else 1)
    ]
    names = (*_GIVEN, "timestamp", "sequence")
    given, typed = _sent(rows, names)
    printed = select(_content(typed | {"prev_hash": null()})).select_from(given).order_by(given.c.place)
    previous = last.hash if last else None
    hashed = []
    for row, content in zip(rows, (await connection.execute(printed)).scalars(), strict=True):
        link = {"prev_hash": previous}
        if previous is not None:
            sequence, _, rest = content.split(", ", 2)
            content = f'{sequence}, "{previous}", {rest}'
        link["hash"] = previous = hashlib.sha256(content.encode()).hexdigest()
        hashed.append(f"{row[:-1]}, {_JSON(link)[1:]}")
    _, typed = _sent(hashed, (*names, "prev_hash", "hash"))
    await connection.execute(insert(audit_logs).from_select([*typed], select(*typed.values())))


def _sent(rows: Sequence[str], names: Sequence[str]) -> tuple[FromClause, dict[str, ColumnElement[Any]]]:
    """Rows of JSON as one parameter: what to select from, and their columns as those of `audit_logs`."""
    elements = func.jsonb_array_elements(cast(literal(f"[{','.join(rows)}]", Text), JSONB))
    given = elements.table_valued(
        column("entry", JSONB), with_ordinality="place", name="given"
    ).render_derived()
    entry = given.c.entry
    typed = {name: cast(entry[name].astext, audit_logs.c[name].type) for name in names}
    return given, typed | {"details": entry["details"]}


def _who(entry: AuditEntry) -> dict[str, str]:
    ids = {"user_id": entry.user_id, "session_id": entry.session_id}
    return {name: str(id_) for name, id_ in ids.items() if id_ is not None}
