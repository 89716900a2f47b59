"""`dbconsole activity`: what the Activity screen shows, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from console.data.server import Server
    from console.models.activity import ActivitySnapshot


@click.command("activity")
@target_argument
@json_option
def command(target: str | None, as_json: bool) -> None:
    """Print the sessions and who blocks whom.

    The table has the sessions that work or sit in a transaction, JSON has all.
    """
    from console.commands.sampling import sampled

    snapshot = sampled(target, _sample)
    if as_json:
        from console.commands.as_json import as_json as to_json

        click.echo(to_json(snapshot))
    else:
        click.echo(as_text(snapshot))


async def _sample(server: Server) -> ActivitySnapshot:
    from console.data.activity import ActivityService
    from console.data.audit import AuditFile
    from console.data.failures import FailureWatch

    service = ActivityService(server, FailureWatch(server), AuditFile())
    service.with_idle = True
    return await service.sample()


def as_text(snapshot: ActivitySnapshot) -> str:
    """The counts, and the sessions that work or sit in a transaction, the oldest transaction first."""
    from console import units
    from console.commands.plain_table import plain_table
    from console.commands.pools import summary

    sessions = plain_table(
        [">pid", "state", "wait", ">tx", ">query", "blocked by", "database", "user", "application", "query"],
        [
            [
                str(session.pid),
                session.state.value,
                session.wait or units.UNKNOWN,
                units.duration(session.transaction_age),
                units.duration(session.query_age),
                " ".join(map(str, session.blocked_by)) or units.UNKNOWN,
                session.database or units.UNKNOWN,
                session.user or units.UNKNOWN,
                session.application or units.UNKNOWN,
                session.query,
            ]
            for session in sorted(snapshot.sessions, key=lambda session: -(session.transaction_age or 0.0))
            if session.is_running
        ],
    )
    return f"{summary(snapshot.counts)}\n\n{sessions}"
