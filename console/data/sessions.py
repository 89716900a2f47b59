"""Rows of the query `sessions`, and the trees of who waits for whom in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.data.blocking import pids, trees
from console.models.activity import Blocker, Session, SessionKey, SessionState

_STATES = {
    "active": SessionState.ACTIVE,
    "idle": SessionState.IDLE,
    "idle in transaction": SessionState.IDLE_IN_TRANSACTION,
    "idle in transaction (aborted)": SessionState.IDLE_IN_ABORTED_TRANSACTION,
    "fastpath function call": SessionState.FASTPATH,
    "disabled": SessionState.DISABLED,
}
_HIDDEN = "<insufficient privilege>"


def session_of(row: Any, blocks: int) -> Session:
    """The session in a row. `blocks` is how many wait for it."""
    backend_type = row["backend_type"]
    query = row["query"] or ""
    hidden = query == _HIDDEN
    return Session(
        key=SessionKey(row["pid"], row["backend_start"]),
        database=row["datname"],
        user=row["usename"],
        application=row["application_name"] or "",
        client=row["client"] or "",
        backend_type=backend_type or "",
        is_client=backend_type == "client backend"
        or (backend_type is None and row["usename"] is not None and row["datname"] is not None),
        state=_STATES.get(row["state"], SessionState.UNKNOWN),
        wait_event_type=row["wait_event_type"],
        wait_event=row["wait_event"],
        connection_age=row["connection_age"],
        transaction_age=row["transaction_age"],
        query_age=row["query_age"],
        state_age=row["state_age"],
        wait_age=row["wait_age"],
        blocked_by=pids(row["blocked_by"]),
        blocks=blocks,
        query="" if hidden else query,
        is_hidden=hidden,
    )


def blocking_of(sessions: Sequence[Session]) -> tuple[Blocker, ...]:
    """The root blockers among them, the one that most wait for first; empty when nobody waits."""
    waiters = [session for session in sessions if session.blocked_by]
    if not waiters:
        return ()
    return trees(
        {session.pid: session.blocked_by for session in waiters},
        {session.pid: session.wait_age for session in waiters},
        {session.pid: session for session in sessions},
    )
