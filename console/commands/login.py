"""`dbconsole login`: puts a password into the keyring."""

from __future__ import annotations

import click

from console.commands.options import target_argument


@click.command("login")
@target_argument
def command(target: str | None) -> None:
    """Ask for the password of a server, try it, and store it in the keyring.

    It is stored for the role and the address, whatever the database, and for the environment alone if there is one.
    """
    from console.commands.stored_passwords import log_in

    click.echo(log_in(target), err=True)
