"""What the server does for a migration at this moment, and who is in its way."""

from __future__ import annotations

from dataclasses import dataclass

from console.data.server import Server
from console.data.sessions import blocking_of, session_of
from console.errors import DbconsoleError
from console.models.activity import Blocker

_QUERY_BEGINNING = 240
"""Characters of a blocker's query."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see of a backend."""

    work: str | None = None
    """What `pg_stat_progress_*` says, as a sentence."""
    blocked_by: tuple[Blocker, ...] = ()
    """The trees in which it waits, from their roots down."""


async def look(server: Server, pid: int) -> Sight:
    """One look over the monitor connection. Where that has no answer there is nothing to see."""
    try:
        rows = await server.fetch("running_work", pid)
        if not rows:
            return Sight()
        blocked_by: tuple[Blocker, ...] = ()
        if rows[0]["waits"]:
            sessions = await server.fetch("sessions", _QUERY_BEGINNING, False)
            roots = blocking_of([session_of(row, 0) for row in sessions[:-1]])
            blocked_by = tuple(root for root in roots if any(node.pid == pid for _, node in root.walk()))
        return Sight(_sentence(**rows[0]), blocked_by)
    except DbconsoleError:
        return Sight()


def _sentence(
    command: str | None, phase: str | None, relation: str | None, percent: float | None, **_: object
) -> str | None:
    if command is None:
        return None
    said = f"{command} on {relation}: {phase}"
    return said if percent is None else f"{said}, {percent:.0f}%"
