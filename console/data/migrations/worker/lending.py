"""Lends the one connection to whatever engine an `env.py` makes, so that no other database can be reached.

Within the worker `create_engine` and its like give a stand-in, whatever address they are given, and `asyncio.run`
goes on in the loop that runs already. What a project's files say about a connection is thereby never used: a
revision runs where the console looked, or nowhere.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import asyncpg
import sqlalchemy
import sqlalchemy.engine
import sqlalchemy.engine.create
import sqlalchemy.ext.asyncio
import sqlalchemy.ext.asyncio.engine
from sqlalchemy import event
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_

from console.data.migrations.script import is_transaction_control, split
from console.data.migrations.worker.engine import Report
from console.data.migrations.worker.session import WAIT_AS_BEFORE, WAIT_LONG
from console.data.pooled import as_pooled
from console.errors import BadMigrations, MigrationFailed

OWN = {"dbconsole": True}
"""Execution options of the console's own statements, of which it tells nobody."""


class _Lent:
    """The connection, for an engine that thinks that it may close it."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def close(self, **_: Any) -> None:
        """It stays open: it is only lent."""

    def terminate(self) -> None:
        """It stays open: it is only lent."""


class LendingEngine:
    """An SQLAlchemy engine all of whose connections are the one that it was given.

    Each keeps its own transaction; one within another, or within a rehearsal, is a savepoint.
    """

    def __init__(self, connection: asyncpg.Connection[Any] | None, report: Report) -> None:
        """Without a connection, whoever asks for one is refused."""

        async def lend(*_: Any, **__: Any) -> Any:
            if connection is None:
                raise BadMigrations("env.py asks for a connection where the SQL is only to be shown.")
            return _Lent(connection)

        def creator() -> Any:
            size = 0 if connection is not None and as_pooled(connection) else 100
            dbapi = self.engine.dialect.loaded_dbapi
            return dbapi.connect(async_creator_fn=lend, prepared_statement_cache_size=size)

        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://", creator=creator, poolclass=NullPool, hide_parameters=True
        )
        self._report = report
        self.statement: str | None = None
        """What ran last; the one that failed, if one did."""
        self.is_in_step = False
        """Whether a revision's own code runs: only of its statements is anybody told."""
        self.has_committed = False
        """Whether a revision's code has committed, or run anything outside a transaction."""
        self.is_rehearsal = False
        self._borrowed: list[sqlalchemy.Connection] = []
        event.listen(self.engine.sync_engine, "engine_connect", self._borrowed.append)
        event.listen(self.engine.sync_engine, "do_execute", self._execute)
        event.listen(self.engine.sync_engine, "do_executemany", self._execute_many)
        event.listen(self.engine.sync_engine, "commit", self._committed)

    def install(self) -> None:
        """Makes every way to get an engine give this one."""

        def sync_engine(*_: Any, **__: Any) -> sqlalchemy.Engine:
            return self.engine.sync_engine

        def async_engine(*_: Any, **__: Any) -> AsyncEngine:
            return self.engine

        _replace("create_engine", sync_engine, "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.create")
        _replace(
            "engine_from_config", sync_engine, "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.create"
        )
        _replace(
            "create_async_engine", async_engine, "sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine"
        )
        _replace(
            "async_engine_from_config",
            async_engine,
            "sqlalchemy.ext.asyncio",
            "sqlalchemy.ext.asyncio.engine",
        )

    def take_back(self) -> None:
        """Closes what a project left open: the next transaction must not become a savepoint in a forgotten one."""
        while self._borrowed:
            self._borrowed.pop().close()

    # Statements -------------------------------------------------------------------------------------------------

    def _execute(
        self, cursor: Any, statement: str, parameters: Any, context: ExecutionContext | None
    ) -> bool:
        """Runs a statement, and tells of it. True: SQLAlchemy has nothing left to do.

        Several in one text, which psycopg takes and asyncpg does not, are run one after the other.
        """
        if context is not None and context.execution_options.get("dbconsole"):
            return False
        for text in self._pieces(statement, parameters):
            is_patient = self.has_committed and "CONCURRENTLY" in text.upper()
            if is_patient:  # it is in nobody's way while it waits, and would leave an index half built
                cursor.execute(WAIT_LONG, ())
            with self._telling(text, context):
                cursor.execute(text, parameters)
            if is_patient:
                cursor.execute(WAIT_AS_BEFORE, ())
        return True

    def _execute_many(
        self, cursor: Any, statement: str, parameters: Any, context: ExecutionContext | None
    ) -> bool:
        with self._telling(statement, context):
            cursor.executemany(statement, parameters)
        return True

    def _pieces(self, statement: str, parameters: Any) -> list[str]:
        if parameters or ";" not in statement.rstrip("; \n"):
            return [statement]
        return [piece.text for piece in split(statement)] or [statement]

    def _telling(self, text: str, context: ExecutionContext | None) -> AbstractContextManager[None]:
        is_control = is_transaction_control(text)
        options = context.root_connection.get_execution_options() if context is not None else {}
        is_outside = is_control or options.get("isolation_level") == "AUTOCOMMIT"
        if self.is_rehearsal and is_outside:
            raise MigrationFailed("It leaves its transaction, so it cannot be rehearsed.", statement=text)
        self.has_committed |= self.is_in_step and is_outside
        self.statement = text
        return self._report.statement(text.strip()) if self.is_in_step else nullcontext()

    def _committed(self, _connection: Any) -> None:
        self.has_committed |= self.is_in_step


def run_in_this_loop() -> None:
    """Makes `asyncio.run` and `run_until_complete` go on in the running loop, as `env.py` needs it."""

    def run(work: Coroutine[Any, Any, Any], **_: Any) -> Any:
        return await_(work)

    _replace("run", run, "asyncio", "asyncio.runners")
    loop = asyncio.get_running_loop()
    loop.run_until_complete = await_  # type: ignore[assignment, method-assign]


def _replace(name: str, stand_in: Callable[..., Any], *modules: str) -> None:
    for module in modules:
        setattr(sys.modules[module], name, stand_in)
