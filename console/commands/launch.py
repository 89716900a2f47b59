"""From words on the command line to a server: settings, target, password, console."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from console.credentials.passwords import Passwords
    from console.data.services import Services
    from console.models.environments import Destination
    from console.models.target import Target
    from console.settings import Settings

    Find = Callable[[], Destination]


def find_target(destination: Destination, warn: Callable[[str], None]) -> Target:
    """The server that is meant, with its passwords where they are known.

    `warn` is told what is wrong with a file that has passwords. Raises BadTarget.
    """
    from console.credentials.known import with_passwords
    from console.destinations import password_in_the_open, target_of

    target = target_of(destination, os.environ)
    if sentence := password_in_the_open(destination):
        warn(sentence)
    return with_passwords(target, os.environ, warn)


def passwords_for(destination: Destination, target: Target, settings: Settings) -> Passwords:
    """Where further passwords for the server are looked for: nowhere if the target has its own. Nobody is asked yet."""
    from console.credentials.known import own_password_from
    from console.credentials.passwords import Passwords
    from console.credentials.vault import Vault
    from console.models.environments import Kind

    if (own := own_password_from(target)) is not None:
        return Passwords(
            remedy=f"give the right one in {own}, or none there so that it is looked for elsewhere"
        )
    ways = [target.passfile or "~/.pgpass"]
    if destination.uses_variables:
        ways.insert(0, "DB_PASSWORD" if target.origin.startswith("DB_") else "PGPASSWORD")
    if destination.kind is Kind.ENVIRONMENT:
        ways.append("the environment's password_command")
    *others, last = ways
    return Passwords(
        destination.password_command,
        Vault(destination.environment) if settings.keyring else None,
        os.environ,
        f"give the right one in {', '.join(others)} or {last}" if others else f"give the right one in {last}",
    )


def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
    """Runs the console, on one server after the other, until the person leaves it, and returns the exit code.

    Where nothing names a server it begins with a choice of those that there are. What the first frame does not need
    comes after it: checking the settings and reading the target take as long as everything before.

    Raises TerminalUnfit, BadSetting, BadTarget, BadTheme, DemoFailed.
    """
    from console.terminal.fitness import check_terminal

    check_terminal()
    gc.disable()  # until the console is there: nothing of what is imported now will ever be garbage, and looking costs 40 ms
    from console.commands.consoles import run
    from console.setting_sources import NAMING_VARIABLES, default_config_file, unchecked

    theme, screen, environment = (
        unchecked(name, options, os.environ, default_config_file())
        for name in ("theme", "screen", "environment")
    )
    servers = partial(_servers, argument, options)
    services = None
    if argument is not None or environment or any(map(os.environ.get, NAMING_VARIABLES)):
        services = partial(_services_at_start, argument, options)
    left = run(services, servers=servers, theme=theme, screen=screen)
    while left.chosen is not None:
        # What belonged to the console that has ended goes with it, passwords among it.
        gc.unfreeze()
        gc.collect()
        with _started(left.chosen) as destination:
            services = partial(_services, destination, options)
            left = run(services, servers=servers, theme=left.theme, screen=left.screen)
    return left.code


def echo_warning(sentence: str) -> None:
    """Says on standard error what is wrong, without stopping."""
    click.echo(f"dbconsole: {sentence}", err=True)


def _servers(argument: str | None, options: Mapping[str, Any]) -> tuple[Destination, ...]:
    """The servers that can be chosen: the one of the command line, and what is found elsewhere. Runs in a thread."""
    from console.destinations import all_destinations

    return all_destinations(argument, options["environment"], os.environ)


@contextmanager
def _started(destination: Destination) -> Iterator[Destination]:
    """The server, which runs: the demo does so for as long as its console."""
    from pydantic import SecretStr

    from console.models.environments import Kind

    if destination.kind is not Kind.DEMO:
        yield destination
        return
    from console.commands.demo import foreground

    with foreground() as server:
        yield replace(destination, argument=SecretStr(server.url))


def _services_at_start(
    argument: str | None, options: Mapping[str, Any], warn: Callable[[str], None]
) -> Services:
    """Those of the server that the command line means. Runs in a thread, after the first frame."""
    from console.data.services import services_for
    from console.destinations import destination_of
    from console.settings import load_settings

    destination = destination_of(argument, options["environment"], os.environ)
    settings = load_settings(options)
    target = find_target(destination, warn)
    return services_for(target, settings, passwords=passwords_for(destination, target, settings))


def _services(destination: Destination, options: Mapping[str, Any], warn: Callable[[str], None]) -> Services:
    """Those of a server that was chosen, which is not what `-e` or `--migrations` was said of. Runs in a thread."""
    from console.data.services import services_for
    from console.destinations import environments_called
    from console.models.environments import Kind
    from console.settings import load_settings

    if destination.kind is Kind.ENVIRONMENT and destination.environment is not None:
        # Without its table in the config file it would not be read-only any more.
        environments_called([destination.environment])
    of_server = {
        "environment": destination.environment,
        "migrations__path": "platform" if destination.kind is Kind.DEMO else None,
    }
    is_named = destination.environment is not None or destination.kind is Kind.VARIABLES
    settings = load_settings({**options, **of_server}, is_named=is_named)
    target = find_target(destination, warn)
    return services_for(target, settings, passwords=passwords_for(destination, target, settings))
