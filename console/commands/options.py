"""What the commands' lines have in common."""

from __future__ import annotations

import sys
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
            "-e", "--environment", metavar="NAME", help="An environment to open, or what TARGET is for."
        ),
        click.option("--theme", metavar="NAME", help="The colours."),
        click.option("--refresh", metavar="SECONDS", help="Time between two samples."),
        migrations_option,
        click.option(
            "--screen",
            metavar="pools|activity|slow|migrations|accounts|spatial",
            help="The screen that is shown first.",
        ),
        click.option("--read-only", is_flag=True, default=None, help="Let nothing be changed."),
    ):
        function = option(function)
    return function


_ENVIRONMENT = "console.commands.environment"
_NO_PASSWORD = "console.commands.no-password"


def target_argument(function: Function) -> Function:
    """TARGET and `-w`, and `-e` for a command that has no such option of its own.

    `environment_option` and `may_ask_password` know what was given.
    """
    if "environment" not in {parameter.name for parameter in getattr(function, "__click_params__", ())}:
        function = click.option(
            "-e",
            "--environment",
            metavar="NAME",
            help="Where to go, or what TARGET is for.",
            expose_value=False,
            callback=lambda context, _, value: context.meta.update({_ENVIRONMENT: value}),
        )(function)
    function = click.option(
        "-w",
        "--no-password",
        is_flag=True,
        help="Never ask for a password.",
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({_NO_PASSWORD: value}),
    )(function)
    return click.argument("target", required=False)(function)


def environment_option() -> dict[str, Any]:
    """What `-e` gave to the command that runs, where `target_argument` gave it that option; as settings are given."""
    context = click.get_current_context(silent=True)
    return {"environment": context.meta.get(_ENVIRONMENT) if context is not None else None}


def may_ask_password() -> bool:
    """Whether there is somebody who can be asked for a password, and nobody has said not to."""
    context = click.get_current_context(silent=True)
    return sys.stdin.isatty() and not (context is not None and context.meta.get(_NO_PASSWORD))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
