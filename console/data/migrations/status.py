"""Where a database stands among the revisions of a source."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import asyncpg

from console.data.identifiers import quoted
from console.data.migrations import ledger, sql_files
from console.data.migrations.alembic_files import AlembicFiles
from console.data.migrations.standing import Evidence, Standing, current_of, standing
from console.data.migrations.worker.lock import CLASS_ID, OBJECT_ID
from console.data.server import Server
from console.errors import BadMigrations, QueryFailed, QueryTimedOut
from console.models.migrations import (
    InvalidIndex,
    LedgerEntry,
    LockHolder,
    MigrationStatus,
    Revision,
    Source,
    SourceKind,
)

NO_SOURCE = (
    "No migrations are found here: start the console in the folder of a project, or name them with "
    "--migrations PATH or the setting migrations.path."
)
_MOST_PROBLEMS = 3
"""Sentences about files that are shown; the others are counted."""


@dataclass(frozen=True, slots=True)
class _Files:
    """What the files say."""

    source: Source | None
    revisions: tuple[Revision, ...] = ()
    problems: tuple[str, ...] = ()
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class _Version:
    """What the version table says."""

    names: tuple[str, ...] = ()
    is_dirty: bool = False
    problem: str | None = None


class StatusReader:
    """Samples the status. What did not change since the last sample is neither read nor worked out again."""

    def __init__(self, server: Server, find: Callable[[], Source | None]) -> None:
        """`find` says where the migrations are; it may raise `BadMigrations`, and is called in a thread."""
        self._server = server
        self._find = find
        self._alembic = AlembicFiles()
        self._pairs: tuple[object, tuple[Revision, ...]] = (None, ())
        self._ledger = _Ledger()
        self._known: tuple[Evidence, Standing] | None = None

    async def sample(self) -> MigrationStatus:
        """Where the database stands. What is missing or may not be read is said in it.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        files = await asyncio.to_thread(self._read_files)
        source = files.source
        (state,) = await self._server.fetch(
            "migration_state",
            source.version_table if source else "",
            ledger.TABLE,
            source.version_schema if source else None,
            CLASS_ID,
            OBJECT_ID,
        )
        status = MigrationStatus(
            at=state["at"],
            server_ms=state["server_ms"],
            source=source,
            problem=None,
            steps=(),
            current=(),
            heads=(),
            lock=_lock(state),
            invalid_indexes=_invalid_indexes(state),
            ledger_problem=None,
        )
        if source is None or not files.is_readable:
            return replace(status, problem=_joined(files.problems))
        ledger_problem = await self._read_ledger(source, state)
        version = await self._read_version(source, files, state, ledger_problem)
        if version.problem is not None:
            return replace(status, problem=version.problem, ledger_problem=ledger_problem)
        evidence = Evidence(
            source.kind, files.revisions, version.names, version.is_dirty, tuple(self._ledger.entries)
        )
        try:
            found = await self._standing(evidence)
        except BadMigrations as problem:
            return replace(
                status, problem=problem.sentence, current=version.names, ledger_problem=ledger_problem
            )
        problems = list(files.problems)
        if found.lost:
            problems.insert(
                0,
                f"The database stands at {', '.join(found.lost)}, which no file describes: what else is applied "
                "cannot be told for sure.",
            )
        return replace(
            status,
            problem=_joined(problems),
            steps=found.steps,
            current=version.names,
            heads=found.heads,
            ledger_problem=ledger_problem,
        )

    async def _standing(self, evidence: Evidence) -> Standing:
        if self._known is None or self._known[0] != evidence:
            self._known = (evidence, await asyncio.to_thread(standing, evidence))
        return self._known[1]

    # Files ------------------------------------------------------------------------------------------------------

    def _read_files(self) -> _Files:
        source = None
        try:
            source = self._find()
            if source is None:
                return _Files(None, problems=(NO_SOURCE,))
            if source.kind is SourceKind.ALEMBIC:
                return _Files(source, *self._alembic.read(source))
            return _Files(source, self._read_pairs(source))
        except BadMigrations as problem:
            return _Files(source, problems=(problem.sentence,), is_readable=False)

    def _read_pairs(self, source: Source) -> tuple[Revision, ...]:
        try:
            with os.scandir(source.directory) as entries:
                stamps = {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in entries}
        except OSError as error:
            raise BadMigrations(f"{source.directory} cannot be read: {error.strerror}.") from error
        if self._pairs[0] != (source, stamps):
            self._pairs = ((source, stamps), sql_files.read(source))
        return self._pairs[1]

    # The database -----------------------------------------------------------------------------------------------

    async def _read_version(
        self, source: Source, files: _Files, state: asyncpg.Record, ledger_problem: str | None
    ) -> _Version:
        if source.kind is SourceKind.SQL_PAIRS:
            return _Version(current_of(self._ledger.entries), problem=ledger_problem)
        schema = state["version_schema"]
        if schema is None:
            return _Version()
        if not state["may_read_version"]:
            return _Version(
                problem=self._missing_right(schema, source.version_table, "which revisions are applied")
            )
        names = {"schema": schema, "table": source.version_table}
        try:
            if source.kind is SourceKind.ALEMBIC:
                rows = await self._server.ask("migration_alembic_version", identifiers=names)
                return _Version(tuple(row["version"] for row in rows))
            rows = await self._server.ask("migration_golang_version", identifiers=names)
        except QueryTimedOut:
            raise
        except QueryFailed as problem:
            return _Version(problem=f"{quoted(source.version_table)} is no version table: {problem.sentence}")
        ids = [revision.id for revision in files.revisions]
        found = [(row["version"], row["dirty"]) for row in rows]
        return _Version(
            tuple(sql_files.id_of(version, ids) for version, _ in found if version >= 0),
            any(dirty for _, dirty in found),
        )

    async def _read_ledger(self, source: Source, state: asyncpg.Record) -> str | None:
        """Reads what is new; returns why it cannot be read."""
        which = (state["ledger"], ledger.history_of(source))
        if which != self._ledger.which:
            self._ledger = _Ledger(which)
        if state["ledger"] is None:
            return None
        if not state["may_read_ledger"]:
            self._ledger = _Ledger(which)
            return self._missing_right(state["ledger_schema"], ledger.TABLE, "who ran which revision when")
        try:
            rows = await self._server.ask(
                "migration_ledger",
                which[1],
                self._ledger.last,
                identifiers={"schema": state["ledger_schema"], "table": ledger.TABLE},
            )
        except QueryTimedOut:
            raise
        except QueryFailed as problem:
            return f"{ledger.TABLE} is no ledger of the console: {problem.sentence}"
        self._ledger.entries += [_entry(row) for row in rows]
        return None

    def _missing_right(self, schema: str, table: str, what: str) -> str:
        """What would let this role read a table, as a sentence with the statements."""
        role = quoted(
            self._server.capabilities.role if self._server.capabilities else self._server.target.user
        )
        schema, table = quoted(schema), quoted(table)
        return (
            f"{schema}.{table} may not be read, which says {what}: "
            f"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}.{table} TO {role};"
        )


class _Ledger:
    """What of the ledger is known."""

    def __init__(self, which: tuple[int | None, str] | None = None) -> None:
        self.which = which
        """The table's oid and the history in it."""
        self.entries: list[LedgerEntry] = []

    @property
    def last(self) -> int:
        """The id of the last entry that is known."""
        return self.entries[-1].id if self.entries else 0


def _entry(row: asyncpg.Record) -> LedgerEntry:
    return LedgerEntry(
        id=row["id"],
        revision=row["revision"],
        direction=row["direction"],
        done=row["done"],
        previous=tuple(row["previous"]),
        checksum=row["checksum"],
        started_at=row["started_at"],
        seconds=row["seconds"],
        role=row["role"],
        person=row["person"],
        problem=row["problem"],
    )


def _lock(state: asyncpg.Record) -> LockHolder | None:
    if state["pid"] is None:
        return None
    return LockHolder(
        state["pid"], state["role"], state["client"] or "", state["application"] or "", state["since"]
    )


def _invalid_indexes(state: asyncpg.Record) -> tuple[InvalidIndex, ...]:
    return tuple(InvalidIndex(**index) for index in json.loads(state["invalid"] or "[]"))


def _joined(problems: tuple[str, ...] | list[str]) -> str | None:
    if not problems:
        return None
    shown = " ".join(problems[:_MOST_PROBLEMS])
    more = len(problems) - _MOST_PROBLEMS
    return f"{shown} (and {more} more)" if more > 0 else shown
