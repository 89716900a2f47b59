"""`dbconsole completion`: what a shell needs to complete our command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  eval "$(dbconsole completion bash)"
    zsh:   eval "$(dbconsole completion zsh)"
    fish:  dbconsole completion fish | source
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "dbconsole", "_DBCONSOLE_COMPLETE").source())
