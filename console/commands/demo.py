"""`dbconsole demo`: the console on an embedded PostgreSQL with live load."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import click

from console.commands.options import console_options
from console.errors import DemoFailed


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
    with _server_module().foreground() as server:
        return open_console(server.url, options)


@command.command("up")
def up() -> None:
    """Start the demo server, print its URL and leave it running."""
    click.echo(_server_module().up().url)


@command.command("down")
def down() -> None:
    """Stop the demo server."""
    if not _server_module().down():
        click.echo("dbconsole: the demo server was not running", err=True)


def _server_module() -> ModuleType:
    """The demo's code, which needs packages that only the extra installs."""
    try:
        from console.demo import server
    except ModuleNotFoundError:
        raise DemoFailed(
            "The demo is not installed; install it with: pip install 'dbconsole[demo]'"
        ) from None
    return server
