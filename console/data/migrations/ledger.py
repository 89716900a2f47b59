"""The ledger: who ran which revision when, how long it took and from which file, kept in the database itself.

Alembic's and golang-migrate's own tables know a version and nothing more. For SQL pairs without a table of their
own the ledger is the version table too. It stands in the schema of the version table, and a downgrade to base
leaves it there: it is the history of what it outlives.
"""

from __future__ import annotations

from typing import Any

from console.data.audit import person
from console.data.identifiers import quoted
from console.models.migrations import Revision, Source, SourceKind

TABLE = "dbconsole_migrations"

CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    history text NOT NULL,
    revision text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade', 'stamp')),
    done boolean NOT NULL,
    previous text[] NOT NULL,
    checksum text NOT NULL,
    started_at timestamptz NOT NULL,
    seconds double precision NOT NULL,
    role text NOT NULL DEFAULT current_user,
    person text NOT NULL,
    problem text
)
"""
"""`{table}` is the quoted name, with its schema where there is one."""

INSERT = """
INSERT INTO {table} (history, revision, direction, done, previous, checksum, started_at, seconds, person, problem)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() - make_interval(secs => $7), $7, $8, $9)
"""


def table_of(source: Source) -> str:
    """The ledger's quoted name, beside the version table."""
    return f"{quoted(source.version_schema)}.{TABLE}" if source.version_schema else TABLE


def history_of(source: Source) -> str:
    """Which history an entry belongs to: a database may have several."""
    return (
        source.kind.value
        if source.kind is SourceKind.SQL_PAIRS
        else f"{source.kind.value} {source.version_table}"
    )


def entry(
    source: Source, revision: Revision, direction: str, seconds: float, problem: str | None = None
) -> tuple[Any, ...]:
    """What `INSERT` takes: a run of a revision, which failed where there is a problem."""
    return (
        history_of(source),
        revision.id,
        direction,
        problem is None,
        list(revision.down),
        revision.checksum,
        seconds,
        person(),
        problem,
    )
