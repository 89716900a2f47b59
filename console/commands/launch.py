"""From words on the command line to a server: settings, target, password, console."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from console.data.services import Services
    from console.models.target import Target


def find_target(argument: str | None, warn: Callable[[str], None]) -> Target:
    """The server that is meant, with its passwords where they are known; `warn` is told what is wrong with ~/.pgpass.

    Raises BadTarget.
    """
    from console.credentials import with_passwords
    from console.targets import resolve

    return with_passwords(resolve(argument, os.environ), os.environ, warn)


def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
    """Runs the console until the person leaves it, and returns the exit code.

    What the first frame does not need comes after it: checking the settings and reading the target take as long
    as everything before.

    Raises TerminalUnfit, BadSetting, BadTarget, BadTheme.
    """
    from console.terminal.fitness import check_terminal

    check_terminal()
    gc.disable()  # until the console is there: nothing of what is imported now will ever be garbage, and looking costs 40 ms
    from console.app import run
    from console.setting_sources import default_config_file, unchecked

    wishes = {
        name: unchecked(name, options, os.environ, default_config_file()) for name in ("theme", "screen")
    }
    return run(partial(_services, argument, options), **wishes)


def echo_warning(sentence: str) -> None:
    """Says on standard error what is wrong, without stopping."""
    click.echo(f"dbconsole: {sentence}", err=True)


def _services(argument: str | None, options: Mapping[str, Any], warn: Callable[[str], None]) -> Services:
    """Runs in a thread, after the first frame."""
    from console.data.services import services_for
    from console.settings import load_settings

    return services_for(find_target(argument, warn), load_settings(options))
