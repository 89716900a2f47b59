"""`dbconsole platform`: the platform's schema with its first administrator, made safely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from console.commands.changing import changing_options, confirm
from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from console.data.platform import Administrator, PlatformService
    from console.data.server import Server
    from console.models.operation import Operation
    from console.models.platform import PredictableKey
    from console.settings import Settings


@click.group("platform")
def command() -> None:
    """Set up the platform's schema, and look after its first keys."""


@command.command("init")
@target_argument
@click.option("--admin-email", required=True, metavar="EMAIL", help="Who is to be the administrator.")
@click.option("--admin-name", default="Admin", metavar="NAME", help="The name of a new user.")
@click.option("--new-key", is_flag=True, help="Make an admin key even where there is one.")
@changing_options
def init(target: str | None, admin_email: str, admin_name: str, new_key: bool, **options: Any) -> int:
    """Migrate to heads, create the administrator and an admin key, which is printed once.

    The key alone goes to standard output. What is there already is kept: done again, it changes nothing.
    """
    from console.commands.sampling import sampled_with
    from console.data.platform import PlatformService, check_administrator

    check_administrator(admin_email, admin_name)

    async def work(server: Server, settings: Settings) -> int:
        service = PlatformService(server, settings)
        administrator = await service.administrator(admin_email, admin_name, new_key=new_key)
        _warn(await service.predictable_keys())
        return await _initialise(server, settings, service, administrator, options)

    return sampled_with(target, _settings(options), work)


async def _initialise(
    server: Server,
    settings: Settings,
    service: PlatformService,
    administrator: Administrator,
    options: dict[str, Any],
) -> int:
    from console.commands.migration_run import shown
    from console.data.migrations.service import MigrationsService
    from console.errors import BadMigrations
    from console.models.migrations import Direction

    migrations = MigrationsService(server, settings)
    status = await migrations.sample()
    if status.source is None or (status.problem and not status.steps):
        raise BadMigrations(status.problem)
    plan = await migrations.plan(status, "heads", Direction.UPGRADE)
    if not plan.steps and administrator.is_there:
        _say("There is nothing to do.")
        return 0
    making = service.operation(administrator)
    if plan.steps:
        upgrade = migrations.operation(plan, await migrations.hazards(plan), await migrations.losses(plan))
        confirm(_both(upgrade, making), options, err=True)
        # Migrating takes the two connections that there may be beside the monitor.
        await server.engine.close()
        code = await shown(migrations.run(upgrade, plan), plan, err=True)
        if code:
            return code
    else:
        confirm(making, options, err=True)
    if administrator.is_there:
        return 0
    outcome = await service.initialise(making, administrator)
    _say(outcome.sentence)
    if administrator.key is not None:
        _say("This is the key. It is shown once, and kept nowhere but where you put it:")
        click.echo(administrator.key.key.get_secret_value())
    return 0


@command.command("check")
@target_argument
@json_option
def check(target: str | None, as_json: bool) -> int:
    """Look for API keys that anybody can guess, such as admin-key-dev.

    Exits with 1 when one of them still opens something.
    """
    from console.commands.sampling import sampled
    from console.data.platform import PlatformService
    from console.settings import Settings

    async def look(server: Server) -> tuple[PredictableKey, ...]:
        return await PlatformService(server, Settings()).predictable_keys()

    found = sampled(target, look)
    if as_json:
        from console.commands.as_json import as_json as json_of

        click.echo(json_of(found))
    elif found:
        from console import units
        from console.commands.plain_table import plain_table

        rows = [
            [key.key, "usable" if key.is_usable else "shut", key.table, key.name or units.UNKNOWN,
             key.user_id or units.UNKNOWN, key.id or units.UNKNOWN]
            for key in found
        ]  # fmt: skip
        click.echo(plain_table(["key", "state", "table", "name", "user", "id"], rows))
    else:
        click.echo("There is no API key that can be guessed.")
    return int(any(key.is_usable for key in found))


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    return {"migrations__path": "platform"} | {name: options[name] for name in ("environment", "read_only")}


def _both(upgrade: Operation, making: Operation) -> Operation:
    """One question for the migrations and for the administrator."""
    return replace(
        making,
        statements=(*upgrade.statements, *making.statements),
        consequences=(f"{upgrade.title}.", *upgrade.consequences, *making.consequences),
        danger=max(upgrade.danger, making.danger, key=lambda danger: danger.value == "destructive"),
    )


def _warn(found: Iterable[PredictableKey]) -> None:
    for key in found:
        if key.is_usable:
            _say(f"! Anybody can guess the key {key.key} ({key.table}, id {key.id or 'unknown'}): revoke it.")


def _say(sentence: str) -> None:
    from console.terminal.safe_text import visible

    click.echo(visible(sentence), err=True)
