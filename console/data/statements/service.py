"""What the screen Slow queries and `dbconsole slow` ask about statements."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from console.clock import SYSTEM_CLOCK, Clock
from console.data.audit import AuditFile
from console.data.server import Server
from console.data.statements import selection
from console.data.statements.book import Book
from console.data.statements.extension import denied, find_extension, not_preloaded, query_of
from console.data.statements.kinds import without_passwords
from console.data.statements.resetting import reset_arguments, reset_operation
from console.data.statements.texts import BEGINNING, Texts
from console.data.vitals import VitalsReader
from console.errors import BadInput, ObjectMissing, QueryDenied, QueryFailed, with_remedy
from console.models.operation import Operation, Outcome
from console.models.plans import PlanRequest
from console.models.statements import (
    Entry,
    Extension,
    ExtensionState,
    Figures,
    Selection,
    Statement,
    StatementDetail,
    StatementKey,
    StatementsSnapshot,
    StatementsView,
    TrendPoint,
)

_NOTHING = Figures(0, 0.0, None, None, 0.0, None, 0, *[None] * (len(Figures._fields) - 7))


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Does not look for garbage among thousands of entries that are all kept: that takes as long as making them."""
    was_looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_looking:
            gc.enable()


class StatementsService:
    """Reads pg_stat_statements by differences: what has not been called since is not sent again."""

    def __init__(
        self,
        server: Server,
        audit: AuditFile,
        vitals: VitalsReader | None = None,
        *,
        view: StatementsView | None = None,
        text_length: int = BEGINNING,
        history_seconds: float = 900.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Without `vitals` its snapshots raise no alerts. Of texts, `text_length` characters are kept."""
        self.view = view or StatementsView()
        """What is looked at: texts are asked for only of what it shows."""
        self._server = server
        self._audit = audit
        self._vitals = vitals
        self._clock = clock
        self._history_seconds = history_seconds
        self._texts = Texts(server, clock, text_length)
        self._book = Book(history_seconds)
        self._extension: Extension | None = None
        self._opened_at: datetime | None = None
        self._sampled_at: datetime | None = None

    def look_at(self, view: StatementsView) -> None:
        """Another view is looked at: the texts that it needs come with the next sample."""
        self.view = view
        self._texts.hurry()

    def begin(self) -> None:
        """Counts "since opened" from the newest sample on."""
        self._book.begin()
        self._opened_at = self._sampled_at

    # Sampling -----------------------------------------------------------------------------------------------------

    async def sample(self) -> StatementsSnapshot:
        """The entries as they are now. What is missing is in `extension`, with no entries.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        vitals = await self._vitals.now() if self._vitals is not None else None
        if self._extension is None or self._extension.state is not ExtensionState.READY:
            self._extension = await find_extension(self._server)
        if self._extension.state is ExtensionState.READY:
            try:
                snapshot = await self._read(self._extension)
            except QueryDenied as problem:
                role = self._server.capabilities.role if self._server.capabilities else ""
                self._extension = denied(self._extension, role, problem.sentence)
            except ObjectMissing:
                self._extension = await find_extension(self._server)
                if self._extension.state is ExtensionState.READY:
                    raise
            except QueryFailed as problem:
                if "shared_preload_libraries" not in problem.sentence:
                    raise
                self._extension = not_preloaded(self._extension)
            else:
                await self._texts.ask(selection.wanted(snapshot, self.view), self._extension.schema)
                return replace(snapshot, vitals=vitals)
        self._book = Book(self._history_seconds)
        self._opened_at = self._sampled_at = None
        return StatementsSnapshot(
            self._clock.now(), 0.0, self._extension, {}, None, None, None, None, False, False, vitals
        )

    async def _read(self, extension: Extension) -> StatementsSnapshot:
        schema = {"schema": extension.schema}
        capabilities = self._server.capabilities
        hidden = []
        if capabilities is None or not capabilities.sees_all_sessions:
            hidden = await self._hidden(extension)
        with _no_garbage():
            rows = await self._server.fetch(query_of(extension), self._book.states, identifiers=schema)
            head = rows[0]
            self._book.take(rows, hidden, head["at"])
        self._texts.keep_only(self._book.keys)
        before, self._sampled_at = self._sampled_at, head["at"]
        self._opened_at = self._opened_at or head["at"]
        return StatementsSnapshot(
            at=head["at"],
            server_ms=head["server_ms"],
            extension=extension,
            entries=self._book.entries(),
            reset_at=head["reset_at"],
            evictions=head["evictions"],
            opened_at=self._opened_at,
            before_at=before,
            track_io_timing=head["tracks_io"],
            track_planning=head["tracks_planning"],
            vitals=None,
        )

    async def _hidden(self, extension: Extension) -> list[tuple[StatementKey, Entry]]:
        """Others' statements, of which this role sees the figures alone, as one entry for each user and database."""
        name = "statements_hidden_1_7" if query_of(extension) == "statements_1_7" else "statements_hidden"
        rows = await self._server.fetch(name, identifiers={"schema": extension.schema})
        return [
            (
                StatementKey(0, row["user_id"], row["database_id"]),
                Entry(
                    row["user"],
                    row["database"] or f"database {row['database_id']}",
                    _NOTHING._replace(
                        calls=row["calls"],
                        total=row["total"],
                        mean=row["total"] / max(1, row["calls"]),
                        rows=row["rows"],
                    ),
                    None,
                    None,
                    None,
                ),
            )
            for row in rows
        ]

    # Showing ------------------------------------------------------------------------------------------------------

    def select(self, snapshot: StatementsSnapshot) -> Selection:
        """The rows that the view shows."""
        return selection.select(snapshot, self.view, self._texts.__getitem__, self._book.trend)

    def text_of(self, query_id: int) -> str | None:
        """The beginning of a statement's text by its identifier alone, where it was asked for before."""
        return self._texts.by_id(query_id)

    def history(self, statement: Statement, snapshot: StatementsSnapshot) -> tuple[TrendPoint, ...]:
        """What a statement did since the screen was opened, as far back as histories go."""
        trend = self._book.trend(statement.key)
        if trend is None or snapshot.opened_at is None:
            return ()
        return tuple(trend.points(snapshot.at, snapshot.opened_at))

    async def detail(self, statement: Statement, snapshot: StatementsSnapshot) -> StatementDetail:
        """A statement with its whole text. Raises `ConnectionLost` or `QueryFailed`."""
        known = self._texts[statement.key]
        text = known.beginning if known is not None and known.is_whole else None
        if not text and not statement.is_hidden:
            found = await self._by_id(statement.key.query_id, snapshot.extension)
            mine = (statement.key.user_id, statement.key.database_id)
            texts = (row["text"] for row in found if (row["user_id"], row["database_id"]) == mine)
            text = next((without_passwords(one) for one in texts if one), None)
        return StatementDetail(statement, text)

    async def find(self, query_id: int) -> tuple[PlanRequest, ...]:
        """The statement with an identifier, once for each user and database that has it, most called first.

        Raises `BadInput` where there is none, `ObjectMissing` where there are no statistics, `ConnectionLost` or
        `QueryFailed`.
        """
        extension = await find_extension(self._server)
        if extension.state is not ExtensionState.READY:
            raise ObjectMissing(with_remedy(extension.problem, extension.remedy))
        rows = await self._by_id(query_id, extension)
        if not rows:
            raise BadInput(
                f"pg_stat_statements has no statement {query_id}; dbconsole slow lists those that it has."
            )
        return tuple(
            PlanRequest(
                without_passwords(row["text"] or ""),
                row["database"] or "",
                row["user"],
                query_id,
                rows_per_call=row["rows"] / row["calls"] if row["calls"] else None,
            )
            for row in rows
        )

    async def _by_id(self, query_id: int, extension: Extension) -> list[Any]:
        return await self._server.fetch(
            "statements_by_id", query_id, identifiers={"schema": extension.schema}
        )

    # Resetting ----------------------------------------------------------------------------------------------------

    def reset_operation(self, statement: Statement | None, snapshot: StatementsSnapshot) -> Operation:
        """What forgetting the figures of a statement, or of all (None), means, for a person to confirm."""
        return reset_operation(statement, snapshot)

    async def reset(
        self, operation: Operation, statement: Statement | None, snapshot: StatementsSnapshot
    ) -> Outcome:
        """Forgets the figures, and writes it down: what cannot be recorded is not done.

        Raises `OperationRefused` when the audit file cannot be opened.
        """
        with self._audit.recording(operation, self._server) as record:
            try:
                await self._server.ask(
                    "statements_reset",
                    *reset_arguments(statement),
                    identifiers={"schema": snapshot.extension.schema},
                )
            except QueryFailed as problem:
                outcome = Outcome(operation.object_name, False, problem.sentence)
            else:
                outcome = Outcome(
                    operation.object_name, True, f"{operation.object_name}: counted anew from now on."
                )
            record(operation.statements[0], outcome)
        return outcome
