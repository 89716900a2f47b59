"""The work itself, the same for every kind of migrations: connect, lock, check, run step by step, try again."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from console.data.driver import DRIVER_ERRORS, cannot_connect, connect_timeout
from console.data.migrations.worker import lock
from console.data.migrations.worker.engine import MigrationEngine
from console.data.migrations.worker.protocol import (
    Connected,
    Created,
    Event,
    Failed,
    Finished,
    Paused,
    Planned,
    Request,
    RevisionBegan,
    RevisionDone,
    Verified,
    Work,
)
from console.data.migrations.worker.reporting import Events
from console.data.migrations.worker.session import (
    APPLICATION_NAME,
    newer_settings,
    opened,
    session_arguments,
)
from console.data.migrations.worker.words import failure, python_words
from console.errors import BadMigrations, DbconsoleError, MigrationFailed, OperationRefused
from console.models.migrations import Revision, SourceKind

if TYPE_CHECKING:
    from console.data.migrations.worker.alembic_engine import AlembicEngine

_T = TypeVar("_T")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two tries; each pause is twice as long as the one before."""

_CANCEL_INTERVAL = 0.5
"""Seconds between two words to the server that it shall stop."""

_LOCK_NOT_AVAILABLE = "55P03"


class Worker:
    """Does one request."""

    def __init__(self, request: Request, events: Events) -> None:
        self._request = request
        self._order = request.order
        self._events = events
        self._cancelled = asyncio.Event()
        self._is_over = False
        self._side: asyncpg.Connection[Any] | None = None
        self._pid: int | None = None
        self._newer_settings: dict[str, str] = {}

    async def work(self) -> None:
        """Does it and tells of it; what goes wrong is told too, never raised."""
        try:
            ending: Event = Finished(await self._work())
        except DbconsoleError as problem:
            ending = Failed.of(problem, is_cancelled=self._cancelled.is_set())
        except Exception as error:
            words = python_words(error, self._order.source.directory.parent)
            ending = Failed.of(DbconsoleError(f"The migrations' worker failed: {words}."))
        finally:
            self._is_over = True
        self._events.send(ending)

    async def cancel(self) -> None:
        """Stops what the server does for it, and lets nothing follow. Returns when it is over."""
        self._cancelled.set()
        self._events.is_cancelled = True
        while not self._is_over:
            # Again and again: a cancel that arrives between two statements is lost.
            if self._side is not None and self._pid is not None:
                with suppress(*DRIVER_ERRORS):
                    await self._side.execute("SELECT pg_cancel_backend($1)", self._pid)
            await asyncio.sleep(_CANCEL_INTERVAL)

    async def _work(self) -> str | None:
        match self._request.work:
            case Work.PLAN:
                steps, remark = await self._engine().plan()
                for step in steps:
                    self._events.send(Planned(step))
                return remark
            case Work.CREATE | Work.VERIFY:
                await self._with_metadata()
            case Work.RUN:
                return await self._run()
            case Work.REHEARSE:
                return await self._rehearse()
            case Work.STAMP:
                return await self._stamp()
            case Work.STATEMENTS:
                await self._run_statements()
        return None

    # Revisions --------------------------------------------------------------------------------------------------

    async def _run(self) -> str:
        engine = self._engine()
        async with self._alone(engine):
            await engine.prepare()
            for revision in self._order.revisions:
                await self._apply(engine, revision, retries=self._request.limits.lock_retries)
        return f"{self._counted} done."

    async def _rehearse(self) -> str:
        engine = self._engine()
        async with self._alone(engine, within=engine.rehearsal()):
            await engine.prepare()
            for revision in self._order.revisions:
                # The locks that it holds are real ones: it does not make others wait while it tries again.
                await self._apply(engine, revision, retries=0)
        return f"{self._counted} rehearsed; everything was rolled back."

    async def _stamp(self) -> str:
        engine = self._engine()
        async with self._alone(engine):
            await engine.prepare()
            await engine.stamp(self._order.revisions)
        return f"Stamped {_named([revision.id for revision in self._order.revisions])}."

    async def _apply(self, engine: MigrationEngine, revision: Revision, retries: int) -> None:
        """One revision, tried again while it does not get a lock. Raises `MigrationFailed`."""
        for attempt in itertools.count(1):
            self._check()
            self._events.send(RevisionBegan(revision.id, attempt))
            began = time.perf_counter()
            try:
                await engine.apply(revision)
            except MigrationFailed as problem:
                lacks_lock = problem.sqlstate == _LOCK_NOT_AVAILABLE
                may_retry = lacks_lock and problem.is_atomic and not self._cancelled.is_set()
                if not may_retry or attempt > retries:
                    if self._request.work is Work.RUN:
                        with suppress(*DRIVER_ERRORS):
                            seconds = time.perf_counter() - began
                            await engine.write_failure(revision, problem.sentence, seconds)
                    raise self._explained(problem, revision, attempt) from problem
            else:
                self._events.send(RevisionDone())
                return
            await self._pause(revision, attempt)

    async def _pause(self, revision: Revision, attempt: int) -> None:
        seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 10)) * random.uniform(0.75, 1.25)
        limit = self._request.limits.lock_timeout
        sentence = f"{revision.id} got no lock within {limit:g} s and was rolled back; it is tried again."
        self._events.send(Paused(seconds, sentence))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._cancelled.wait()

    def _explained(self, problem: MigrationFailed, revision: Revision, attempts: int) -> MigrationFailed:
        """The server's words, and what became of the database."""
        said = "Cancelled." if self._cancelled.is_set() else problem.sentence
        if attempts > 1:
            said += f" This was attempt {attempts}."
        if self._request.work is Work.REHEARSE and problem.is_atomic:
            fate = "Everything was rolled back."
        elif problem.is_atomic and problem.statement is not None and problem.sqlstate is None:
            # The connection went: perhaps with the answer to a COMMIT.
            fate = f"{revision.id} was rolled back, unless it was just being committed: the status tells."
        elif problem.is_atomic:
            fate = f"{revision.id} was rolled back."
        else:
            fate = f"What {revision.id} had committed before stays."
        statement, sqlstate = problem.statement, problem.sqlstate
        return MigrationFailed(
            f"{said} {fate}", statement=statement, sqlstate=sqlstate, is_atomic=problem.is_atomic
        )

    def _check(self) -> None:
        """Raises where nothing more may be begun."""
        if self._cancelled.is_set():
            raise OperationRefused("Cancelled; what was done before is done.")
        if self._side is None or self._side.is_closed():
            raise MigrationFailed(
                "The connection that keeps other consoles out was lost; nothing more was begun."
            )

    @property
    def _counted(self) -> str:
        count = len(self._order.revisions)
        return f"{count} revision{'s' if count != 1 else ''}"

    # Other work -------------------------------------------------------------------------------------------------

    async def _run_statements(self) -> None:
        """Outside transactions, and without a limit on waiting for locks: it would leave an index half built."""
        async with self._locked(), AsyncExitStack() as stack:
            arguments = self._arguments()
            arguments["server_settings"]["lock_timeout"] = "0"
            connection = await self._entered(stack, opened(arguments))
            self._tell_pid(connection.get_server_pid())
            for statement in self._request.statements:
                self._check()
                self._events.send(RevisionBegan(None, 1))
                try:
                    with self._events.statement(statement):
                        await connection.execute(statement)
                except DRIVER_ERRORS as error:
                    raise failure(error, statement, self._order.source.directory) from error
                self._events.send(RevisionDone())

    async def _with_metadata(self) -> None:
        engine = self._alembic()
        arguments = self._arguments()
        if self._request.read_only:
            arguments["server_settings"]["default_transaction_read_only"] = "on"
        async with AsyncExitStack() as stack:
            await self._entered(stack, engine.connected(arguments))
            if self._request.work is Work.VERIFY:
                self._events.send(Verified(await engine.verify()))
            else:
                assert self._request.new is not None, "what is to be created has a message"
                self._events.send(Created(await engine.create(self._request.new)))

    # The connections --------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _alone(
        self, engine: MigrationEngine, within: AbstractAsyncContextManager[None] | None = None
    ) -> AsyncIterator[None]:
        """Connected, with the lock held, and the version table saying what the plan saw.

        `within` is entered before any of the project's code runs.
        """
        async with self._locked() as side, AsyncExitStack() as stack:
            if await side.fetchval("SELECT pg_is_in_recovery()"):
                raise OperationRefused(
                    "This server is a standby and takes no changes; migrate on its primary."
                )
            self._tell_pid(await self._entered(stack, engine.connected(self._arguments())))
            if within is not None:
                await stack.enter_async_context(within)
            found = await engine.current()
            if set(found) != set(self._order.current):
                raise OperationRefused(
                    f"The plan begins at {_named(self._order.current)}, but the database is at {_named(found)} by now; "
                    "look at it again."
                )
            yield

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """The second connection: it keeps other consoles out, and cancels what the first one runs."""
        async with AsyncExitStack() as stack:
            arguments = session_arguments(self._request, lock.APPLICATION_NAME)
            self._side = await self._entered(stack, opened(arguments))
            self._newer_settings = await newer_settings(self._side)
            await lock.take(self._side)
            try:
                yield self._side
            finally:
                self._side = None

    async def _entered(self, stack: AsyncExitStack, opening: AbstractAsyncContextManager[_T]) -> _T:
        """What the opening of a connection gives. Raises `CannotConnect`."""
        try:
            return await stack.enter_async_context(opening)
        except DRIVER_ERRORS as error:
            target, settings = self._request.database, self._request.settings
            raise cannot_connect(error, target, connect_timeout(target, settings)) from error

    def _arguments(self) -> dict[str, Any]:
        arguments = session_arguments(self._request, APPLICATION_NAME)
        arguments["server_settings"] |= self._newer_settings
        return arguments

    def _tell_pid(self, pid: int) -> None:
        self._pid = pid
        self._events.send(Connected(pid))

    # The engines ------------------------------------------------------------------------------------------------

    def _engine(self) -> MigrationEngine:
        if self._order.source.kind is SourceKind.ALEMBIC:
            return self._alembic()
        from console.data.migrations.worker.sql_pairs import SqlPairsEngine

        return SqlPairsEngine(self._order, self._events)

    def _alembic(self) -> AlembicEngine:
        if self._order.source.kind is not SourceKind.ALEMBIC:
            raise BadMigrations(f"{self._order.source.kind.value} have no metadata; only Alembic's have.")
        from console.data.migrations.worker.alembic_engine import AlembicEngine

        return AlembicEngine(self._order, self._events)


def _named(revisions: tuple[str, ...] | list[str]) -> str:
    return ", ".join(sorted(revisions)) or "base"
