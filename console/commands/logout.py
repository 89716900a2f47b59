"""`dbconsole logout`: takes a password out of the keyring."""

from __future__ import annotations

import click

from console.commands.options import target_argument


@click.command("logout")
@target_argument
def command(target: str | None) -> None:
    """Take the password of a server out of the keyring."""
    from console.commands.stored_passwords import log_out

    click.echo(log_out(target), err=True)
