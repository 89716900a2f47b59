"""`dbconsole pools`: what the Pools screen shows, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from console.data.server import Server
    from console.models.activity import StateCounts
    from console.models.pools import PoolsSnapshot

RATES_OVER = 1.0
"""Seconds between the two samples that rates are made of."""


@click.command("pools")
@target_argument
@json_option
def command(target: str | None, as_json: bool) -> None:
    """Print connections and databases.

    Figures a second are measured over one second.
    """
    from console.commands.sampling import sampled

    snapshot = sampled(target, _two_samples)
    if as_json:
        from console.commands.as_json import as_json as to_json

        click.echo(to_json(snapshot))
    else:
        click.echo(as_text(snapshot))


async def _two_samples(server: Server) -> PoolsSnapshot:
    import asyncio

    from console.data.failures import FailureWatch
    from console.data.pools import PoolsService

    service = PoolsService(server, FailureWatch(server))
    await service.sample()
    await asyncio.sleep(RATES_OVER)
    return await service.sample()


def as_text(snapshot: PoolsSnapshot) -> str:
    """Connections by application, and the databases."""
    from console import units
    from console.commands.plain_table import plain_table
    from console.models.pools import Grouping

    groups = plain_table(
        ["application", ">total", ">active", ">idle", ">in tx", ">waiting", ">oldest"],
        [
            [
                group.name or "(unnamed)",
                str(group.counts.total),
                str(group.counts.active),
                str(group.counts.idle),
                str(group.counts.in_transaction),
                str(group.counts.waiting),
                units.duration(group.oldest),
            ]
            for group in snapshot.groups[Grouping.APPLICATION]
        ],
    )
    databases = plain_table(
        [
            "database",
            ">commits/s",
            ">rollbacks/s",
            ">cache hit",
            ">tuples read/s",
            ">temp/s",
            ">deadlocks",
            ">size",
        ],
        [
            [
                database.name,
                units.rate(database.commits),
                units.rate(database.rollbacks),
                units.percent(database.hit_ratio),
                units.rate(database.tuples_read),
                units.bytes_binary(database.temp_bytes),
                units.count(database.deadlocks),
                units.bytes_binary(database.size),
            ]
            for database in snapshot.databases
        ],
    )
    vitals = snapshot.vitals
    server = f"connections {vitals.connections} of {vitals.max_connections}: {summary(snapshot.counts)}"
    return f"{server}\n\n{groups}\n\n{databases}"


def summary(counts: StateCounts) -> str:
    """The sessions by what they do, on one line."""
    return (
        f"{counts.active} active, {counts.idle} idle, {counts.in_transaction} idle in transaction, "
        f"{counts.waiting} waiting"
    )
