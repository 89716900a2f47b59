"""`dbconsole audit`: what was done to the accounts, and whether the trail of it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.commands.accounts import (
    limit_option,
    moment,
    print_json,
    print_sentence,
    print_table,
    rows_of,
    with_accounts,
)
from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from console.data.accounts.service import AccountsService
    from console.models.accounts import ChainState, TrailEntry


@click.group(
    "audit",
    epilog="""
\b
Exit codes
  0  done; the trail is whole
  1  failed; with verify: the trail is broken, or is no chain
  2  wrong usage or bad input
  3  could not connect
""",
)
def command() -> None:
    """Search the audit trail, and check it."""


@command.command("list")
@target_argument
@click.option("--person", default="", metavar="P", help="A part of who did it, or a user's id.")
@click.option("--action", default="", metavar="A", help="How the action begins: api_key, user.create.")
@click.option("--object", "resource", default="", metavar="O", help="What kind of thing it was done to, or its id.")  # fmt: skip
@click.option("--since", metavar="TIME", help="7d (ago), 2026-03-01, 2026-03-01T12:00.")
@click.option("--until", metavar="TIME", help="Likewise.")
@limit_option
@json_option
def list_(
    target: str | None,
    person: str,
    action: str,
    resource: str,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print what was done, the newest first."""
    from console.clock import SYSTEM_CLOCK
    from console.commands.moments import moment_ago
    from console.models.accounts import TrailFilter

    now = SYSTEM_CLOCK.now()
    wanted = TrailFilter(
        person=person,
        action=action,
        resource=resource,
        since=moment_ago(since, "--since", now) if since is not None else None,
        until=moment_ago(until, "--until", now) if until is not None else None,
    )

    async def read(accounts: AccountsService) -> list[TrailEntry]:
        return await rows_of(lambda after, size: accounts.trail.page(wanted, after=after, size=size), limit)

    entries = with_accounts(target, {}, read)
    if as_json:
        from dataclasses import asdict

        print_json([{"by": entry.by} | asdict(entry) for entry in entries])
        return
    print_table(
        [">row", "time (UTC)", "by", "action", "object", "details"],
        [_line(entry) for entry in entries],
        "The trail has no such row.",
    )


@command.command("verify")
@target_argument
@click.option("--expect", metavar="HASH", help="A hash that `newest` gave, kept elsewhere: it has to be in the trail.")  # fmt: skip
@json_option
def verify(target: str | None, expect: str | None, as_json: bool) -> int:
    """Check the hash of every row of the trail, and that each follows the one before.

    Exits with 1 when the trail is broken. Only --expect tells that its newest rows were removed.
    """

    async def look(accounts: AccountsService) -> ChainState:
        return await accounts.trail.verify(expect)

    state = with_accounts(target, {}, look)
    if as_json:
        from dataclasses import asdict

        print_json({"is_whole": state.is_whole} | asdict(state))
    else:
        print_sentence(state.sentence)
    return int(not state.is_whole)


@command.command("newest")
@target_argument
@json_option
def newest(target: str | None, as_json: bool) -> None:
    """Print number, hash and time of the newest row, to be kept where nobody can change it together with the trail."""
    from console.commands.as_json import utc
    from console.errors import DbconsoleError

    async def look(accounts: AccountsService) -> TrailEntry | None:
        return await accounts.trail.newest()

    entry = with_accounts(target, {}, look)
    if entry is None:
        raise DbconsoleError("The trail is empty: there is no hash yet.")
    if as_json:
        print_json({"sequence": entry.sequence, "hash": entry.hash, "at": entry.at})
    else:
        click.echo(f"{entry.sequence} {entry.hash} {utc(entry.at)}")


def _line(entry: TrailEntry) -> list[str]:
    import json

    from console.units import UNKNOWN

    said: dict[str, Any] = {
        name: value for name, value in entry.details.items() if name not in ("by", "role")
    }
    what = " ".join(str(part) for part in (entry.resource_type, entry.resource_id) if part)
    details = json.dumps(said, ensure_ascii=False, default=str) if said else ""
    return [
        str(entry.sequence) if entry.sequence is not None else UNKNOWN,
        moment(entry.at),
        entry.by,
        entry.action,
        what or UNKNOWN,
        details if len(details) <= 200 else f"{details[:199]}…",
    ]
