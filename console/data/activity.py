"""Sessions of a server: who is doing what, who is in the way, and how to stop one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.data.audit import AuditFile
from console.data.blocking import pids, summary
from console.data.failures import FailureWatch
from console.data.server import Server
from console.data.sessions import blocking_of, session_of
from console.errors import DbconsoleError, OperationRefused
from console.models.activity import (
    ActivitySnapshot,
    HeldLock,
    Session,
    SessionDetail,
    SessionKey,
    SessionState,
    StateCounts,
)
from console.models.health import Vitals
from console.models.operation import Danger, Operation, Outcome
from console.units import duration

QUERY_BEGINNING = 240
"""Characters of a query's text that a table needs; the detail asks for all of it."""

_BUSY = (SessionState.ACTIVE, SessionState.FASTPATH)
"""In these there is something to cancel."""


class ActivityService:
    """What the Activity screen and `dbconsole activity` ask."""

    def __init__(self, server: Server, failures: FailureWatch, audit: AuditFile) -> None:
        self._server = server
        self._failures = failures
        self._audit = audit
        self.with_idle = False
        """Whether idle clients are wanted one by one, or only counted: there may be hundreds."""

    async def sample(self) -> ActivitySnapshot:
        """The sessions but the console's own, in one round trip.

        Without `with_idle`, of the idle clients only those are among them that somebody waits for.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        rows = await self._server.fetch("sessions", QUERY_BEGINNING, self.with_idle)
        own = rows.pop()
        left_out = own["idle_left_out"] or 0
        blockers = Counter(pid for row in rows for pid in pids(row["blocked_by"]))
        sessions = tuple([session_of(row, blockers[row["pid"]]) for row in rows])
        blocking = blocking_of(sessions)
        clients = [session for session in sessions if session.is_client]
        capabilities = self._server.capabilities
        assert capabilities is not None, "a server that answered is known"
        longest = max(
            (s for s in clients if s.state is SessionState.ACTIVE and s.query_age is not None),
            key=lambda s: s.query_age or 0.0,
            default=None,
        )
        return ActivitySnapshot(
            at=own["at"],
            server_ms=own["server_ms"],
            sessions=sessions,
            counts=_counts(clients, left_out),
            blocking=blocking,
            vitals=Vitals(
                connections=len(clients) + left_out + 1,
                max_connections=capabilities.max_connections,
                longest_query=longest.query_age if longest else None,
                longest_query_pid=longest.pid if longest else None,
                blocking=summary(blocking),
                failed_connections_per_minute=await self._failures.per_minute(),
            ),
        )

    async def detail(self, session: Session, snapshot: ActivitySnapshot) -> SessionDetail | None:
        """One session with its whole query and its locks; None when it has gone.

        Raises `ConnectionLost` or `QueryFailed`.
        """
        rows = await self._server.fetch("session_query", session.pid, session.key.backend_start)
        if not rows:
            return None
        locks = await self._server.fetch("session_locks", session.pid)
        return SessionDetail(
            session=session,
            query=rows[0]["query"] or "",
            query_id=rows[0]["query_id"],
            is_cut=bool(rows[0]["is_cut"]),
            locks=tuple(HeldLock(**lock) for lock in locks),
            waiters=tuple(s.pid for s in snapshot.sessions if session.pid in s.blocked_by),
        )

    # Stopping a session ------------------------------------------------------------------------------------------

    async def stop_operation(
        self, sessions: Sequence[Session], snapshot: ActivitySnapshot, *, terminate: bool
    ) -> Operation:
        """What cancelling or terminating these sessions means, for a person to confirm.

        Raises `OperationRefused` where there is no query to cancel, and where a session's start is hidden from the
        role, since its pid alone might by then be somebody else's; `ConnectionLost` or `QueryFailed` where it cannot be asked what they hold.
        """
        for session in sessions:
            if session.key.backend_start is None:
                raise OperationRefused(
                    f"The role {self._server.target.user!r} may not see when session {session.pid} began, so it cannot "
                    "be told from a later one with the same pid; GRANT pg_read_all_stats, pg_signal_backend to the role."
                )
        if not terminate and not any(session.state in _BUSY for session in sessions):
            raise OperationRefused(
                f"There is no query to cancel: {_named(sessions)} runs none. What it holds goes only with the session."
            )
        function = "pg_terminate_backend" if terminate else "pg_cancel_backend"
        pids = ", ".join(str(session.pid) for session in sessions)
        consequences = []
        for session in sessions:
            consequences += await self._consequences(session, snapshot, terminate)
        return Operation(
            title=f"{'Terminate' if terminate else 'Cancel the query of'} {_named(sessions)}",
            action="Terminate" if terminate else "Stop query",
            object_name=f"pid {pids}" if len(sessions) == 1 else f"{len(sessions)} sessions",
            statements=tuple(_as_read(function, session.key) for session in sessions),
            consequences=tuple(consequences),
            danger=Danger.DESTRUCTIVE if terminate else Danger.NOTICEABLE,
        )

    async def stop(
        self, operation: Operation, sessions: Sequence[Session], *, terminate: bool
    ) -> tuple[Outcome, ...]:
        """Cancels or terminates the sessions that still are the ones that were shown, and writes it down.

        The audit file is opened first and written before this returns: what cannot be recorded is not done. Raises
        `OperationRefused` when it cannot be opened; a `DbconsoleError` that tells what was done and could not be
        recorded ends it before the next session.
        """
        outcomes = []
        with self._audit.recording(operation, self._server) as record:
            for session, statement in zip(sessions, operation.statements, strict=True):
                outcome = await self._stop_one(session, terminate)
                outcomes.append(outcome)
                record(statement, outcome)
        return tuple(outcomes)

    async def _stop_one(self, session: Session, terminate: bool) -> Outcome:
        name = f"pid {session.pid}"
        query = "terminate_session" if terminate else "cancel_session"
        try:
            rows = await self._server.ask(query, session.pid, session.key.backend_start)
        except DbconsoleError as problem:
            return Outcome(name, False, f"{name}: {problem.sentence}")
        if not rows:
            return Outcome(name, False, f"{name}: the session had already gone; nothing was done.")
        if not rows[0]["done"]:
            return Outcome(name, False, f"{name}: the server could not signal the session.")
        return Outcome(name, True, f"{name}: {'terminated' if terminate else 'query cancelled'}.")

    async def _consequences(self, session: Session, snapshot: ActivitySnapshot, terminate: bool) -> list[str]:
        name = f"pid {session.pid} ({session.user or '–'}, {session.application or 'unnamed'})"
        said = []
        if not terminate and session.state not in _BUSY:
            said.append(f"{name} runs no query: nothing happens to it.")
        elif session.transaction_age is not None:
            fate = "will be rolled back" if terminate else "is aborted if the query runs in it"
            said.append(f"{name}: its transaction, open for {duration(session.transaction_age)}, {fate}.")
        locks = await self._server.fetch("session_locks", session.pid)
        held = [lock for lock in locks if lock["granted"] and lock["kind"] == "relation"]
        # What merely reads stands in nobody's way but a DROP's: named only where there is nothing stronger.
        held = [lock for lock in held if lock["mode"] != "AccessShareLock"] or held
        if held:
            names = ", ".join(f"{lock['mode']} on {lock['object']}" for lock in held[:4])
            said.append(f"{name} holds {names}{f' and {len(held) - 4} more' if len(held) > 4 else ''}.")
        root = next((n for b in snapshot.blocking for _, n in b.walk() if n.pid == session.pid), None)
        if root is not None and root.waiting:
            said.append(
                f"{name}: {root.waiting} wait behind it, the longest for {duration(root.longest_wait)}."
            )
        return said or [f"{name} holds nothing that others wait for."]


def _as_read(function: str, key: SessionKey) -> str:
    """The statement with its parameters written out, for a person; what runs has them bound."""
    where = f"pid = {key.pid} AND backend_start = '{key.backend_start}'"
    return f"SELECT {function}(pid) FROM pg_stat_activity\n WHERE {where}"  # noqa: S608


def _named(sessions: Sequence[Session]) -> str:
    return f"session {sessions[0].pid}" if len(sessions) == 1 else f"{len(sessions)} sessions"


def _counts(clients: Sequence[Session], idle_left_out: int) -> StateCounts:
    waiting = sum(session.is_waiting for session in clients)
    states = [session.state for session in clients]
    active = states.count(SessionState.ACTIVE) - waiting
    idle = states.count(SessionState.IDLE)
    in_transaction = sum(session.in_transaction for session in clients)
    other = len(clients) - active - waiting - idle - in_transaction
    return StateCounts(active, idle + idle_left_out, in_transaction, waiting, other)
