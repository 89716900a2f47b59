"""`dbconsole migrate`: what the Migrations screen shows and does, for scripts and pipelines."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console.commands.changing import changing_options, confirm
from console.commands.options import json_option, migrations_option, target_argument

if TYPE_CHECKING:
    from console.data.migrations.service import MigrationsService
    from console.models.migrations import MigrationStatus, Plan

Answer = TypeVar("Answer")


def _goal(context: click.Context, _parameter: click.Parameter, goal: str) -> str:
    """Refuses what can only be a TARGET, without repeating it: it may have a password."""
    if "://" in goal or "=" in goal:
        raise click.UsageError("GOAL comes first, TARGET after it: heads postgresql://…", context)
    return goal


goal_argument = click.argument("goal", callback=_goal)


class _ToGoal(click.Command):
    """Takes `-1` for a goal, and no other word that begins so."""

    ignore_unknown_options = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does. Raises `NoSuchOption`."""
        rest = super().parse_args(ctx, args)
        goal, target = ctx.params["goal"], ctx.params["target"] or ""
        for word in (goal, target):
            if word.startswith("-") and not (word is goal and re.fullmatch(r"-\d+", word)):
                raise click.NoSuchOption(word, ctx=ctx)
        return rest


@click.group(
    "migrate",
    epilog="""
\b
GOAL is in Alembic's words: heads, head, base, +1, -1, a revision or the beginning of one,
cad@head, cad@base.

\b
Exit codes
  0  done; nothing is pending, nothing differs
  1  failed; with status --check: something is pending; with verify: something differs
  2  wrong usage or bad input, also of the migrations' files
  3  could not connect
""",
)
def command() -> None:
    """Show and run migrations.

    They are found by --migrations, the setting migrations.path, or in the working directory.
    """


@command.command("status")
@target_argument
@migrations_option
@json_option
@click.option("--check", is_flag=True, help="Exit with 1 when something is pending.")
def status(target: str | None, as_json: bool, check: bool, **options: Any) -> int:
    """Print where the database stands."""
    found = _ask(target, options, lambda service: service.sample())
    _require_source(found)
    if as_json:
        _print_json(found)
    else:
        click.echo(_summary(found))
    return int(check and found.pending > 0)


@command.command("history")
@target_argument
@migrations_option
@json_option
def history(target: str | None, as_json: bool, **options: Any) -> None:
    """Print every revision, newest first, with who applied it when."""
    found = _ask(target, options, lambda service: service.sample())
    _require_source(found)
    if as_json:
        _print_json(found.steps)
    else:
        click.echo(_table(found))


@command.command("sql", cls=_ToGoal)
@goal_argument
@target_argument
@migrations_option
def sql(goal: str, target: str | None, **options: Any) -> None:
    """Print the exact SQL from where the database is to GOAL, in either direction. Runs nothing."""
    from console.terminal.safe_text import visible

    script = _ask(target, options, lambda service: _plan(service, goal)).script
    click.echo(visible(script, multiline=True) if sys.stdout.isatty() else script)


@command.command("lint", cls=_ToGoal)
@click.argument("goal", default="heads", callback=_goal)
@target_argument
@migrations_option
@json_option
def lint(goal: str, target: str | None, as_json: bool, **options: Any) -> int:
    """Print what the way to GOAL would do to those who use the database meanwhile.

    Exits with 1 when a hazard meets a table with many rows or with sessions on it.
    """

    async def find(service: MigrationsService) -> Any:
        plan = await _plan(service, goal)
        return plan, await service.hazards(plan), await service.losses(plan)

    plan, hazards, losses = _ask(target, options, find)
    if as_json:
        _print_json({"hazards": hazards, "losses": losses})
    else:
        from console.data.migrations.confirmation import of_plan
        from console.terminal.safe_text import visible

        said = of_plan(plan, hazards, losses, rehearse=False).consequences if plan.steps else ()
        for sentence in said:
            click.echo(visible(sentence))
        if not said:
            click.echo("There is nothing to warn of.")
    return int(any(hazard.is_heavy for hazard in hazards))


@command.command("upgrade", cls=_ToGoal)
@goal_argument
@target_argument
@migrations_option
@changing_options
@click.option("--rehearse", is_flag=True, help="Roll everything back at the end, and print how long it took.")
def upgrade(goal: str, target: str | None, rehearse: bool, **options: Any) -> int:
    """Upgrade the database to GOAL."""
    from console.models.migrations import Direction

    return _run(target, options, goal, Direction.UPGRADE, rehearse=rehearse)


@command.command("downgrade", cls=_ToGoal)
@goal_argument
@target_argument
@migrations_option
@changing_options
def downgrade(goal: str, target: str | None, **options: Any) -> int:
    """Roll the database back to GOAL."""
    from console.models.migrations import Direction

    return _run(target, options, goal, Direction.DOWNGRADE, rehearse=False)


@command.command("stamp", cls=_ToGoal)
@goal_argument
@target_argument
@migrations_option
@changing_options
def stamp(goal: str, target: str | None, **options: Any) -> int:
    """Say that the database stands at GOAL, without running anything."""

    async def change(service: MigrationsService) -> int:
        found = _require_source(await service.sample())
        operation = service.stamp_operation(found, goal)
        confirm(operation, options, always_typed=True)
        outcome = await service.stamp(operation, found, goal)
        _say(outcome.sentence)
        return int(not outcome.done)

    return _ask(target, options, change)


@command.command("create")
@click.argument("message")
@target_argument
@migrations_option
@click.option("--autogenerate", is_flag=True, help="Fill it with what differs from the metadata.")
@click.option("--branch", metavar="LABEL", help="The branch that it goes on.")
def create(message: str, target: str | None, autogenerate: bool, branch: str | None, **options: Any) -> None:
    """Create a revision, and print the names of its files."""

    async def write(service: MigrationsService) -> Any:
        _require_source(await service.sample())
        return await service.create(message, autogenerate=autogenerate, branch=branch)

    for path in _ask(target, options, write):
        click.echo(path)


@command.command("verify")
@target_argument
@migrations_option
@json_option
def verify(target: str | None, as_json: bool, **options: Any) -> int:
    """Print how the database differs from the metadata. Exits with 1 when it does."""

    async def compare(service: MigrationsService) -> Any:
        _require_source(await service.sample())
        return await service.verify()

    drifts = _ask(target, options, compare)
    if as_json:
        _print_json(drifts)
    else:
        for drift in drifts:
            _say(f"{drift.object_name}: {drift.difference}")
        if not drifts:
            click.echo("The database is as the metadata says.")
    return int(bool(drifts))


def _ask(
    target: str | None, options: dict[str, Any], work: Callable[[MigrationsService], Awaitable[Answer]]
) -> Answer:
    """What `work` gives with the service of a live server, which is let go of again."""
    from console.commands.sampling import sampled_with
    from console.data.migrations.service import MigrationsService

    settings = {
        name: value for name, value in options.items() if name in ("migrations__path", "environment", "read_only")
    }  # fmt: skip
    return sampled_with(target, settings, lambda server, found: work(MigrationsService(server, found)))


def _require_source(found: MigrationStatus) -> MigrationStatus:
    from console.errors import BadMigrations

    if found.source is None or (found.problem and not found.steps):
        raise BadMigrations(found.problem)
    return found


async def _plan(service: MigrationsService, goal: str) -> Plan:
    """The plan to a goal, which may lie on either side."""
    return await service.plan(_require_source(await service.sample()), goal)


def _run(target: str | None, options: dict[str, Any], goal: str, direction: Any, *, rehearse: bool) -> int:
    from console.commands.migration_run import shown

    async def change(service: MigrationsService) -> int:
        found = _require_source(await service.sample())
        plan = await service.plan(found, goal, direction)
        if not plan.steps:
            click.echo("There is nothing to do.")
            return 0
        hazards, losses = await service.hazards(plan), await service.losses(plan)
        operation = service.operation(plan, hazards, losses, rehearse=rehearse)
        confirm(operation, options)
        return await shown(service.run(operation, plan, rehearse=rehearse), plan, rehearse=rehearse)

    return _ask(target, options, change)


def _summary(found: MigrationStatus) -> str:
    from console.terminal.safe_text import visible

    assert found.source is not None
    lines = [
        f"source   {found.source.kind.value} {found.source.directory}",
        f"current  {', '.join(found.current) or '–'}",
        f"heads    {', '.join(found.heads) or '–'}",
        f"pending  {found.pending}",
    ]
    lines += [f"! {found.problem}"] if found.problem else []
    lines += [f"! {found.ledger_problem}"] if found.ledger_problem else []
    if found.lock is not None:
        lines.append(
            f"! pid {found.lock.pid} ({found.lock.role}, {found.lock.client}) migrates at this moment"
        )
    lines += [f"! {index.table} has the invalid index {index.name}" for index in found.invalid_indexes]
    states = [step for step in found.steps if step.state.value != "applied"]
    lines += [
        f"{step.state.value:<12} {step.revision.id}  {step.revision.message}" for step in reversed(states)
    ]
    return "\n".join(visible(line) for line in lines)


def _table(found: MigrationStatus) -> str:
    from console import units
    from console.commands.plain_table import plain_table

    return plain_table(
        ["revision", "branch", "state", "applied (UTC)", "by", ">took", "message"],
        [
            [
                step.revision.id + (" (head)" if step.is_head else ""),
                step.branch or units.UNKNOWN,
                step.state.value,
                f"{step.entry.started_at:%Y-%m-%d %H:%M:%S}" if step.entry and step.is_applied else units.UNKNOWN,
                f"{step.entry.role} {step.entry.person}" if step.entry and step.is_applied else units.UNKNOWN,
                units.latency(step.entry.seconds) if step.entry and step.is_applied else units.UNKNOWN,
                step.revision.message,
            ]
            for step in found.steps
        ],
    )  # fmt: skip


def _print_json(answer: Any) -> None:
    from console.commands.as_json import as_json

    click.echo(as_json(answer))


def _say(sentence: str) -> None:
    from console.terminal.safe_text import visible

    click.echo(visible(sentence))
