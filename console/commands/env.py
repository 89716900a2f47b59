"""`dbconsole env`: the environments of the config file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from console.commands.options import json_option


@click.group(
    "env",
    epilog="""
\b
Exit codes
  0  done; with test: every server answered
  1  failed
  2  wrong usage or bad input
  3  with test: a server did not answer
""",
)
def command() -> None:
    """List, add, remove and test environments.

    They are tables of the config file: [environments.production] with primary, replicas, pooler.
    """


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Print the environments and their servers. Connects to none."""
    from console.commands.environment_servers import listed

    click.echo(listed(as_json=as_json))


@command.command("add")
@click.argument("name")
@click.argument("target")
@click.option(
    "--replica", "replicas", multiple=True, metavar="TARGET", help="A replica; may be given several times."
)
@click.option("--pooler", metavar="TARGET", help="The pooler in front of it.")
@click.option("--provider", metavar="local|fly|aws|gcp", help="Where it runs.")
@click.option("--colour", metavar="COLOUR", help="red, yellow, green or #rrggbb.")
@click.option("--password-command", metavar="COMMAND", help="What prints the password.")
@click.option("--confirm", metavar="typed", help="typed: names of what is changed have to be typed out.")
@click.option("--read-only", is_flag=True, default=None, help="Let nothing be changed.")
def add(name: str, target: str, replicas: tuple[str, ...], **options: Any) -> None:
    """Write an environment into the config file."""
    from console.commands.environment_file import add_environments
    from console.commands.environment_servers import check_address

    for address in (target, *replicas, options["pooler"]):
        if address is not None:
            check_address(address)
    values = {"primary": target, "replicas": list(replicas) or None, **options}
    file = add_environments({name: {key: value for key, value in values.items() if value is not None}})
    _say(f"Written to {file}; dbconsole -e {name} opens it.")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Write the environments of a YAML file (config/database.yaml) into the config file.

    No password is taken over, and no placeholder is filled in.
    """
    from console.commands.environment_file import add_environments
    from console.commands.environment_yaml import Imported

    imported = Imported(file)
    written = add_environments(imported.tables)
    _say(f"Written to {written}: {', '.join(imported.tables)}.")
    for note in imported.notes:
        _say(f"! {note}")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take an environment out of the config file."""
    from console.commands.environment_file import remove_environment

    _say(f"Taken out of {remove_environment(name)}.")


@command.command("test")
@click.argument("names", nargs=-1, metavar="[NAME…]")
@json_option
def test(names: tuple[str, ...], as_json: bool) -> int:
    """Connect to every server of the environments, and print what is there or why not."""
    from console.commands.environment_servers import tested

    text, all_answered = tested(names, as_json=as_json)
    click.echo(text)
    return 0 if all_answered else 3


def _say(sentence: str) -> None:
    from console.terminal.safe_text import visible

    click.echo(visible(sentence), err=True)
