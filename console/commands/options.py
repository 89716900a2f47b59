"""What the commands' lines have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


migrations_option = click.option(
    "--migrations",
    "migrations__path",
    metavar="PATH",
    help="alembic.ini, a folder of migrations, or the word platform.",
)


def console_options(function: Function) -> Function:
    """The settings that can be given on the command line, by their names. The settings say what is allowed."""
    for option in (
        click.option(
            "-e", "--environment", metavar="NAME", help="production, staging, development or a word."
        ),
        click.option("--theme", metavar="NAME", help="The colours."),
        click.option("--refresh", metavar="SECONDS", help="Time between two samples."),
        migrations_option,
        click.option(
            "--screen",
            metavar="pools|activity|slow|migrations|accounts",
            help="The screen that is shown first.",
        ),
        click.option("--read-only", is_flag=True, default=None, help="Let nothing be changed."),
    ):
        function = option(function)
    return function


target_argument = click.argument("target", required=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
