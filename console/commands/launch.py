"""From words on the command line to a server: settings, target, password, console."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from console.credentials import password_for
from console.models.target import Target
from console.settings import load_settings
from console.targets import resolve


def find_target(argument: str | None) -> Target:
    """The server that is meant, with its password where one is known.

    Raises BadTarget.
    """
    target = resolve(argument, os.environ)
    return replace(target, password=password_for(target, os.environ, _warn))


def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
    """Runs the console until the person leaves it, and returns the exit code.

    Raises TerminalUnfit, BadSetting, BadTarget, BadTheme.
    """
    from console.terminal.fitness import check_terminal

    check_terminal()
    settings = load_settings(options)
    target = find_target(argument)

    from console.app import run

    return run(settings, target)


def _warn(sentence: str) -> None:
    click.echo(f"dbconsole: {sentence}", err=True)
