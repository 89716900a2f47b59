"""`dbconsole demo`: the console on an embedded PostgreSQL with live load."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import console_options
from console.errors import DemoFailed

if TYPE_CHECKING:
    from console.demo.server import DemoServer


@click.group("demo", invoke_without_command=True)
@console_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> int:
    """Open the console on a demo server of its own.

    The server is stopped when the console is left. "up" leaves one running, "down" stops it.
    """
    if context.invoked_subcommand:
        return 0
    from console.commands.launch import open_console
    from console.settings import load_settings
    from console.terminal.fitness import check_terminal

    # What would keep the console from opening is said before a server is started for it.
    check_terminal()
    load_settings(options)
    with foreground() as server:
        return open_console(
            server.url, options | {"migrations__path": options["migrations__path"] or "platform"}
        )


@command.command("up")
def up() -> None:
    """Start the demo server, print its URL and leave it running."""
    click.echo(_server_module().up(_migrate).url)


@command.command("down")
def down() -> None:
    """Stop the demo server."""
    if not _server_module().down():
        click.echo("dbconsole: the demo server was not running", err=True)


def foreground() -> AbstractContextManager[DemoServer]:
    """The demo for as long as its console. Raises DemoFailed."""
    server: AbstractContextManager[DemoServer] = _server_module().foreground(_migrate)
    return server


def _migrate(demo: DemoServer) -> None:
    """Migrates the shop as a person would, so that the ledger tells of it."""
    import asyncio

    click.echo("dbconsole: making the demo's data, once …", err=True)
    asyncio.run(_upgrade(demo))


async def _upgrade(demo: DemoServer) -> None:
    from console.data.audit import AuditFile
    from console.data.migrations.service import MigrationsService
    from console.data.server import Server
    from console.models.migrations import Direction, RunState
    from console.settings import Migrations, Settings
    from console.targets import resolve

    settings = Settings(migrations=Migrations(path=Path("platform")))
    server = Server(resolve(demo.url, {}), settings)
    try:
        await server.connect()
        service = MigrationsService(server, settings, AuditFile(demo.home / "audit.jsonl"))
        plan = await service.plan(await service.sample(), "heads", Direction.UPGRADE)
        if not plan.steps:
            return
        done = await service.run(service.operation(plan, (), ()), plan).wait()
    finally:
        await server.close()
    if done.state is not RunState.DONE:
        raise DemoFailed(f"The demo's schema could not be made: {done.sentence}")


def _server_module() -> ModuleType:
    """The demo's code, which needs packages that only the extra installs."""
    try:
        from console.demo import server
    except ModuleNotFoundError:
        raise DemoFailed(
            "The demo is not installed; install it with: pip install 'dbconsole[demo]'"
        ) from None
    return server
